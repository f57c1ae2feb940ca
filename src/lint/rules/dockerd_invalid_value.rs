//! `dockerd-invalid-value`: a value of the right type with which dockerd does not start.

use crate::lint::rule::prelude::*;
use crate::lint::schema::go_units::ram_in_bytes;

pub(super) struct DockerdInvalidValue;

impl Rule for DockerdInvalidValue {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "dockerd-invalid-value",
            summary: "a value in daemon.json that dockerd refuses",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Dockerd],
            why: prose! {
                /// dockerd checks its configuration before anything else, and does not start with a value that it
                /// refuses.
            },
            what: prose! {
                /// `log-level`, `log-format`, `default-ipc-mode` or `default-cgroupns-mode` is none of its words; a
                /// number that must not be negative is; `default-shm-size` is no size; an entry of `exec-opts` is not
                /// `native.cgroupdriver=…`, one of `labels` has no `=`, or one of `registry-mirrors` no scheme. What
                /// depends on the machine (users, interfaces, files) is not judged.
            },
            fix: prose! {
                /// Write what the message says; `dockerd --validate --config-file FILE` finds the same.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let root = subject.root();
        for (key, words) in WORDS {
            let Some((node, text)) = root.field(key).and_then(|node| Some((node, node.text()?))) else { continue };
            let known =
                words.iter().any(|word| text.eq_ignore_ascii_case(word) && (key == "log-level" || text == *word));
            if !text.is_empty() && !known {
                report.refused(&node, "dockerd", &format!("{key} is none of {}", words.join(", "))).emit();
            }
        }
        for key in NOT_NEGATIVE {
            if let Some(node) = root.field(key).filter(|node| node.integer().is_some_and(|number| number < 0)) {
                report.refused(&node, "dockerd", &format!("{key} is below 0")).emit();
            }
        }
        if let Some(node) =
            root.field("default-shm-size").filter(|node| node.text().is_some_and(|it| ram_in_bytes(&it).is_none()))
        {
            report.refused(&node, "dockerd", "default-shm-size is no size such as `64m`").emit();
        }
        for (key, is_good, what) in LISTS {
            for item in root.field(key).into_iter().flat_map(Node::items) {
                if item.text().is_some_and(|text| !is_good(&text)) {
                    report.refused(&item, "dockerd", &format!("an entry of {key} is not of the form {what}")).emit();
                }
            }
        }
    }
}

const WORDS: [(&str, &[&str]); 4] = [
    ("log-level", &["panic", "fatal", "error", "warn", "info", "debug", "trace"]),
    ("log-format", &["text", "json"]),
    ("default-ipc-mode", &["private", "shareable"]),
    ("default-cgroupns-mode", &["private", "host"]),
];

const NOT_NEGATIVE: [&str; 5] =
    ["default-stop-timeout", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts", "mtu"];

type List = (&'static str, fn(&str) -> bool, &'static str);

const LISTS: [List; 3] = [
    ("exec-opts", |text| text.trim().to_ascii_lowercase().starts_with("native.cgroupdriver="), "native.cgroupdriver=…"),
    ("labels", |text| text.contains('='), "KEY=VALUE"),
    ("registry-mirrors", |text| text.starts_with("http://") || text.starts_with("https://"), "https://HOST"),
];

#[cfg(test)]
mod tests {
    use crate::lint::{self, Options};

    #[test]
    fn values_are_judged_as_dockerd_does() {
        let fires = |text: &str| {
            let outcome = lint::bytes("daemon.json".as_ref(), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().filter(|finding| finding.rule.name == "dockerd-invalid-value").count()
        };
        // Each as `dockerd --validate` of release 29 said.
        let cases = [
            (r#"{"log-level":"noisy"}"#, 1),
            (r#"{"log-level":"DEBUG","log-format":"json","default-ipc-mode":""}"#, 0),
            (r#"{"default-ipc-mode":"host"}"#, 1),
            (r#"{"default-cgroupns-mode":"x"}"#, 1),
            (r#"{"max-concurrent-downloads":-1,"mtu":-5}"#, 2),
            (r#"{"default-shm-size":"x"}"#, 1),
            (r#"{"default-shm-size":"1g"}"#, 0),
            (r#"{"exec-opts":["x=y","native.cgroupdriver","native.cgroupdriver=systemd"]}"#, 2),
            (r#"{"labels":["a","a=b"]}"#, 1),
            (r#"{"registry-mirrors":["example.org","https://example.org"]}"#, 1),
        ];
        for (text, expected) in cases {
            assert_eq!(fires(text), expected, "{text}");
        }
    }
}
