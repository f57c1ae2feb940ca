//! A ranking for programs. Version 1: fields are added, never changed or taken away; sizes are bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use super::text::Commands;
use super::{Ranking, Row};
use crate::text::escape;

/// The JSON, in one line.
#[must_use]
pub fn write(ranking: &Ranking, commands: Commands) -> String {
    let exempt = |(task, why): &(super::Task, super::Exemption)| json!({"pid": task.pid, "name": escape::bytes(&task.name), "why": why.to_string()});
    let warning = |warning: &super::Warning| json!({"id": warning.id(), "message": warning.to_string()});
    let victim = ranking.victim.as_ref().map(|victim| {
        let group = victim
            .group
            .as_ref()
            .map(|group| json!({"cgroup": path(&group.path), "dying": group.dying, "spared": group.spared}));
        json!({"pid": victim.pid, "name": escape::bytes(&victim.name), "group": group})
    });
    let kernel = ranking.rules.kernel.to_string();
    let value = json!({
        "version": 1,
        "kernel": kernel,
        "page_size": ranking.rules.page,
        "cgroup": ranking.cgroup.as_deref().map(path),
        "total": ranking.total,
        "victim": victim,
        "close": ranking.close,
        "warnings": ranking.warnings.iter().map(warning).collect::<Vec<_>>(),
        "killable": ranking.killable,
        "processes": ranking.shown.iter().map(|it| row(it, commands)).collect::<Vec<_>>(),
        "exempt": ranking.exempt.iter().map(exempt).collect::<Vec<_>>(),
        "kernel_threads": ranking.kernel_threads,
    });
    format!("{value}\n")
}

fn row(row: &Row, commands: Commands) -> Value {
    let task = &row.candidate.task;
    let memory = task.memory.unwrap_or_default();
    let badness = &row.candidate.badness;
    json!({
        "pid": task.pid,
        "parent": task.parent,
        "name": escape::bytes(&task.name),
        "badness": {"points": badness.points, "usage": badness.usage, "adjustment": badness.adjustment},
        "oom_score_adj": task.score.get(),
        "rss": memory.resident(),
        "rss_anon": memory.anonymous,
        "rss_file": memory.file,
        "rss_shmem": memory.shared,
        "swap": memory.swap,
        "page_tables": memory.page_tables,
        "cgroup": row.cgroup.as_deref().map(path),
        "container": row.container.as_ref().map(|it| text(&it.id)),
        "class": row.container.as_ref().map(|it| &it.class),
        // Command lines may hold secrets, and JSON is kept: without --wide only the program.
        "command": match commands {
            Commands::Whole => row.command.iter().map(|word| text(word)).collect::<Vec<_>>(),
            Commands::Cut => row.command.iter().take(1).map(|word| text(word)).collect(),
        },
    })
}

fn path(path: &Path) -> String {
    text(path.as_os_str())
}

fn text(text: &OsStr) -> String {
    escape::bytes(text.as_bytes())
}
