//! The policy written out again, with everything that a file leaves out.

mod guard;

use std::fmt::Write as _;

use super::Policy;
use super::class::{Class, OomGroup};
use super::rule::{Field, Rule};
use crate::log::LogTo;

/// The policy as a file that says all of it. Reading it gives the same policy.
#[must_use]
pub fn toml(policy: &Policy) -> String {
    let mut out = String::new();
    for class in &policy.classes {
        write_class(&mut out, class);
    }
    for rule in &policy.rules {
        write_rule(&mut out, rule);
    }
    let _ = writeln!(out, "[default]\nclass = {}\n", quoted(policy.default.name()));
    let _ = writeln!(out, "[runtime]");
    match &policy.runtime {
        Some(path) => drop(writeln!(out, "path = {}", quoted(&path.to_string_lossy()))),
        None => drop(writeln!(out, "# path: looked up")),
    }
    if let Some(flavor) = policy.flavor {
        let _ = writeln!(out, "flavor = {}", quoted(flavor.name()));
    }
    let to = match &policy.log.to {
        LogTo::Journald => "journald".into(),
        LogTo::Syslog => "syslog".into(),
        LogTo::Off => "off".into(),
        LogTo::File(path) => path.to_string_lossy(),
    };
    let _ = writeln!(out, "\n[apply]\nstrict = {}\n", policy.strict);
    let _ = writeln!(out, "[log]\nto = {}\nlevel = {}", quoted(&to), quoted(policy.log.level.word()));
    guard::write(&mut out, &policy.guard);
    let _ = writeln!(out, "\n[run]");
    match &policy.run.parent {
        Some(path) => drop(writeln!(out, "parent = {}", quoted(&path.to_string_lossy()))),
        None => drop(writeln!(out, "# parent: the caller's own cgroup where it is delegated")),
    }
    if let Some(class) = &policy.run.class {
        let _ = writeln!(out, "class = {}", quoted(class.name()));
    }
    out
}

fn write_class(out: &mut String, class: &Class) {
    let _ = writeln!(out, "[class.{}]\noom_score_adj = {}", quoted(&class.name), class.oom_score_adj);
    let _ = writeln!(out, "adjust = {}", quoted(class.adjust.word()));
    if let Some(above) = class.above_engine {
        let _ = writeln!(out, "above_engine = {above}");
    }
    let _ = match class.oom_group {
        OomGroup::Set => writeln!(out, "oom_group = true"),
        OomGroup::Clear => writeln!(out, "oom_group = false"),
        OomGroup::Leave => writeln!(out, "# oom_group: as the engine sets it"),
    };
    let limits = [("memory_max", class.memory_max), ("memory_high", class.memory_high), ("swap_max", class.swap_max)];
    for (key, size) in limits.into_iter().filter_map(|(key, size)| Some((key, size?))) {
        let _ = writeln!(out, "{key} = {}", quoted(&size.to_string()));
    }
    guard::write_class(out, class);
    out.push('\n');
}

fn write_rule(out: &mut String, rule: &Rule) {
    let place = rule.line.map_or("built in".to_owned(), |line| format!("line {line}"));
    let _ = writeln!(out, "[[rule]] # {place}\nclass = {}", quoted(rule.class.name()));
    for condition in &rule.conditions {
        let field = match &condition.field {
            Field::Annotation(key) => format!("annotation.{}", quoted(key)),
            other => other.to_string(),
        };
        let _ = writeln!(out, "match.{field} = {}", quoted(condition.pattern.text()));
    }
    if rule.trust_workload {
        let _ = writeln!(out, "trust_workload = true");
    }
    out.push('\n');
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|letter| match letter {
            '"' | '\\' => format!("\\{letter}"),
            control if control.is_control() => format!("\\u{:04X}", u32::from(control)),
            other => other.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file;
    use std::path::Path;

    fn parsed(text: &str) -> Policy {
        file::parse(text, Path::new("p")).unwrap()
    }

    #[test]
    fn what_is_shown_says_the_same() {
        let text = "[class.\"a \\\"b\\\"\"]\noom_score_adj=7\nmemory_max=\"8GiB\"\nswap_max=0\nmemory_high=\"5%\"\n\
                    [[rule]]\nclass=\"a \\\"b\\\"\"\nmatch.annotation.\"k.\\\\x\"=\"v*\"\nmatch.id=\"\\\\[\"\n\
                    [runtime]\npath=\"/r\"\nflavor=\"crun\"\n[apply]\nstrict=true\n[log]\nto=\"/l\"\nlevel=\"warn\"\n";
        let once = toml(&parsed(text));
        let again = parsed(&once);
        let sorted = |policy: &Policy| {
            let mut classes = policy.classes.clone();
            classes.sort_by(|one, other| one.name.cmp(&other.name));
            classes
        };
        assert_eq!((sorted(&again), again.strict), (sorted(&parsed(text)), true));
        assert_eq!((again.runtime, again.log), (parsed(text).runtime, parsed(text).log));
        assert_eq!(again.rules[0].conditions[0].field, Field::Annotation("k.\\x".into()));
        assert_eq!(again.rules[0].conditions[1].pattern.text(), "\\[");
    }
}
