//! `dockerd-unknown-key`: a key that dockerd refuses, or lets through and never reads.

use crate::lint::rule::prelude::*;
use crate::lint::schema::dockerd::{DOCKERD, FLAGS, FLAT, REMOVED};
use crate::lint::schema::nearest;
use crate::lint::schema::spec::names;

pub(super) struct DockerdUnknownKey;

impl Rule for DockerdUnknownKey {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "dockerd-unknown-key",
            summary: "a key in daemon.json that is no option of dockerd",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Dockerd],
            why: prose! {
                /// dockerd does not start with a key that it does not know: "the following directives don't match any
                /// configuration option". There is no way to write a comment.
            },
            what: prose! {
                /// A key at the top is no option of dockerd 29, in exactly its letters, or one inside of an object that
                /// is no option's value, which dockerd takes for options of its own (`"proxies": {"http-proxy": …}`).
                /// The confidence is medium for what an earlier release had: `oom-score-adjust` is refused since 26,
                /// and a unit's `OOMScoreAdjust=` is what replaces it. A name that only a flag has (`host` for `hosts`)
                /// is let through and ignored, which is a warning.
            },
            fix: prose! {
                /// Correct or remove the key; `dockerd --validate --config-file FILE` finds the same.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for member in subject.root().children().filter(|_| subject.root().is_object()) {
            let key = member.key().unwrap_or_default();
            if member.is_object() && !FLAT.contains(&&*key) {
                member.children().for_each(|inner| judge(inner, report));
            } else {
                judge(member, report);
            }
        }
    }
}

fn judge(member: Node<'_>, report: &mut Report<'_>) {
    let key = member.key().unwrap_or_default();
    if key != "proxies" && names(DOCKERD.fields).any(|name| name == key) {
        return;
    }
    if let Some((_, option)) = FLAGS.iter().find(|(flag, _)| *flag == key) {
        let other = if option.is_empty() { String::new() } else { format!("; the key of the file is `{option}`") };
        return report
            .at(&member.name_span(), format!("{} is a flag, and ignored in daemon.json{other}", quote(&key)))
            .label("ignored")
            .severity(Severity::Warning)
            .emit();
    }
    let draft = report.at(&member.name_span(), message(&key)).label("refused");
    match &*key {
        "oom-score-adjust" => draft
            .confidence(Confidence::Medium)
            .help("Write `OOMScoreAdjust=` into a drop-in of docker.service, and remove the key.")
            .emit(),
        _ if REMOVED.contains(&&*key) => draft.confidence(Confidence::Medium).emit(),
        _ => draft.emit(),
    }
}

fn message(key: &str) -> String {
    match key {
        "oom-score-adjust" => "dockerd does not start with `oom-score-adjust` since release 26".to_owned(),
        _ if REMOVED.contains(&key) => format!("present releases of dockerd do not start with {}", quote(key)),
        _ => {
            let near = nearest(key, names(DOCKERD.fields)).map(|near| format!("; did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            format!("dockerd has no option {} and does not start{near}", quote(key))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::finding::Severity;
    use crate::lint::{self, Options};

    #[test]
    fn keys_are_judged_as_dockerd_does() {
        let found = |text: &str| {
            let outcome = lint::bytes("daemon.json".as_ref(), text.as_bytes(), None, &Options::default()).unwrap();
            let own = outcome.findings.into_iter().filter(|finding| finding.rule.name == "dockerd-unknown-key");
            own.map(|finding| finding.severity).collect::<Vec<_>>()
        };
        let cases: [(&str, &[Severity]); 10] = [
            (r#"{"debug":true,"runtimes":{"a":{"path":"/x","other":1}}}"#, &[]),
            (r#"{"_comment":"x"}"#, &[Severity::Error]),
            (r#"{"Debug":true}"#, &[Severity::Error]),
            (r#"{"registry-miror":["https://a.example"]}"#, &[Severity::Error]),
            (r#"{"foo":{}}"#, &[]),
            (r#"{"foo":{"debug":true}}"#, &[]),
            (r#"{"foo":{"bar":1}}"#, &[Severity::Error]),
            (r#"{"proxies":{"http-proxy":"x"}}"#, &[]),
            (r#"{"oom-score-adjust":-500}"#, &[Severity::Error]),
            (r#"{"host":["fd://"]}"#, &[Severity::Warning]),
        ];
        for (text, expected) in cases {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
