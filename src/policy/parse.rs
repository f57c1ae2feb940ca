//! From TOML to a policy, or to the one place that is wrong and what would be right there.

mod class;
mod guard;
mod rule;
mod table;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use toml::de::DeTable;

use super::Policy;
use crate::log::{Level, LogTo};
use crate::runtime::flavor::Flavor;
use crate::system::oom_score_adj::OomScoreAdj;
use table::{Parsed, Table, Value, absolute, boolean, one_of, problem, string, suggestion};

/// What is wrong, and where in the text (bytes).
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

/// What a file with mistakes in it still says of the runtime: containers that run already are that one's, and calls
/// that stop them must not go to another.
pub(super) fn runtime(text: &str) -> (Option<PathBuf>, Option<Flavor>) {
    let (document, _) = DeTable::parse_recoverable(text);
    let Ok(Some(runtime)) = Table::root(&document).table("runtime") else { return (None, None) };
    let path = runtime.get("path").and_then(|value| absolute(value).ok());
    (path, runtime.get("flavor").and_then(|value| one_of(value, &FLAVORS).ok()))
}

/// A policy as one file says it: what is absent stays as `base` has it.
pub(super) fn policy(text: &str, base: Policy) -> Parsed<Policy> {
    let document = DeTable::parse(text).map_err(|error| Problem {
        span: error.span().unwrap_or(0..0),
        message: error.message().trim_end().replace('\n', ", "),
    })?;
    let mut policy = base;
    let top = Table::root(&document);
    top.allow(&["class", "rule", "default", "runtime", "apply", "log", "guard", "run"])?;
    if let Some(classes) = top.table("class")? {
        let own = classes.entries().map(|(name, span, value)| class::class(name, span, value));
        let own = own.collect::<Parsed<Vec<_>>>()?;
        let names: BTreeSet<&str> = own.iter().map(|class| class.name.as_str()).collect();
        policy.classes.retain(|known| !names.contains(known.name.as_str()));
        policy.classes.extend(own);
    }
    if let Some(rules) = top.get("rule") {
        policy.rules = rule::rules(text, rules, &policy)?;
    }
    if let Some(default) = top.table("default")? {
        default.allow(&["class"])?;
        let value = default.required("class", "a class's name")?;
        let classes = rule::Classes::of(&policy);
        let (class, score) = classes.reference(value).map(|class| (class.clone(), classes.score(&class)))?;
        if score < OomScoreAdj::ZERO {
            let message = format!(
                "the default class `{}` has oom_score_adj {score}: everything that no rule speaks of would be protected; \
                 give it through a rule on bundle, cgroup or an io.kubernetes.cri annotation",
                class.name()
            );
            return problem(value.span(), message);
        }
        policy.default = class;
    }
    if let Some(runtime) = top.table("runtime")? {
        runtime.allow(&["path", "flavor"])?;
        policy.runtime = runtime.get("path").map(absolute).transpose()?;
        policy.flavor = runtime.get("flavor").map(|value| one_of(value, &FLAVORS)).transpose()?;
    }
    if let Some(apply) = top.table("apply")? {
        apply.allow(&["strict"])?;
        policy.strict = apply.get("strict").map(boolean).transpose()?.unwrap_or(policy.strict);
    }
    if let Some(log) = top.table("log")? {
        log.allow(&["to", "level"])?;
        if let Some(value) = log.get("to") {
            policy.log.to = log_to(value)?;
        }
        if let Some(value) = log.get("level") {
            policy.log.level = one_of(value, &LEVELS)?;
        }
    }
    if let Some(guard) = top.table("guard")? {
        policy.guard = guard::guard(&guard, policy.guard)?;
    }
    if let Some(run) = top.table("run")? {
        run.allow(&["parent", "class"])?;
        policy.run.parent = run.get("parent").map(cgroup).transpose()?;
        policy.run.class = run.get("class").map(|value| rule::Classes::of(&policy).reference(value)).transpose()?;
    }
    Ok(policy)
}

const FLAVORS: [(&str, Flavor); 4] =
    [("runc", Flavor::Runc), ("crun", Flavor::Crun), ("youki", Flavor::Youki), ("runsc", Flavor::Runsc)];
const LEVELS: [(&str, Level); 4] =
    [("error", Level::Error), ("warn", Level::Warn), ("info", Level::Info), ("debug", Level::Debug)];
/// The path of a cgroup below the cgroup mount.
fn cgroup(value: Value<'_, '_>) -> Parsed<PathBuf> {
    use std::path::Component;
    let path = PathBuf::from(string(value, "a cgroup such as /ci")?);
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if path.is_absolute() && path.parent().is_some() && plain && !path.starts_with("/sys/fs/cgroup") {
        return Ok(path);
    }
    problem(value.span(), "the parent of jobs is a cgroup by its path below /sys/fs/cgroup, such as /ci")
}

fn log_to(value: Value<'_, '_>) -> Parsed<LogTo> {
    match string(value, "journald, syslog, off or an absolute path")? {
        "journald" => Ok(LogTo::Journald),
        "syslog" => Ok(LogTo::Syslog),
        "off" => Ok(LogTo::Off),
        path if path.starts_with('/') => Ok(LogTo::File(PathBuf::from(path))),
        other => {
            let near = suggestion(other, &["journald", "syslog", "off"]);
            problem(
                value.span(),
                format!("records go to journald, syslog, off or an absolute path, not {other:?}{near}"),
            )
        }
    }
}
