//! What an installation would change, for people.

use std::io::Write;
use std::path::Path;

use similar::TextDiff;

use crate::install::Plan;
use crate::text::escape;

pub(super) use crate::cli::print;

/// The plan as a unified diff, with what is left to a person and what takes effect when.
pub(super) fn diff(plan: &Plan) -> String {
    let mut text = String::new();
    for (link, target) in &plan.links {
        text.push_str(&format!("link {} -> {}\n", shown(link), escape::text(target)));
    }
    for change in &plan.files {
        let before = String::from_utf8_lossy(change.before.as_deref().unwrap_or_default());
        let after = String::from_utf8_lossy(&change.after);
        let (path, empty) = (shown(&change.path), "/dev/null".to_owned());
        let old = if change.before.is_some() { &path } else { &empty };
        text.push_str(&TextDiff::from_lines(&*before, &*after).unified_diff().header(old, &path).to_string());
    }
    for effect in &plan.effects {
        text.push_str(&format!("# {effect}\n"));
    }
    text.push_str(&by_hand(plan));
    text
}

/// What is left to a person.
pub(super) fn by_hand(plan: &Plan) -> String {
    let mut text = String::new();
    for remedy in &plan.by_hand {
        text.push_str(&format!("{}: left to you: {remedy}\n", plan.name));
    }
    text
}

/// Says what was done. It is done, also where nobody reads it any more.
pub(super) fn tell(text: &str) {
    let _ = print(text);
}

/// Prints an error of several lines.
pub(super) fn complain(text: &str) -> anyhow::Result<()> {
    let lines: Vec<_> = text.lines().map(escape::text).collect();
    Ok(std::io::stderr().write_all(format!("oomshim: {}\n", lines.join("\n")).as_bytes())?)
}

pub(super) fn shown(path: &Path) -> String {
    escape::bytes(path.as_os_str().as_encoded_bytes())
}
