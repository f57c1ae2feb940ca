//! `unit-ignored-setting`: a setting about memory that systemd ignores.

use crate::lint::rule::prelude::*;
use crate::lint::unit_value::SETTINGS;

pub(super) struct UnitIgnoredSetting;

impl Rule for UnitIgnoredSetting {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unit-ignored-setting",
            summary: "a setting about memory in a unit that systemd ignores",
            group: Group::Shape,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Unit],
            why: prose! {
                /// systemd starts the unit without the setting and says so in the journal alone: a daemon that was to
                /// be protected is not, and a limit does not hold.
            },
            what: prose! {
                /// `OOMScoreAdjust=` is no number from -1000 to 1000, `OOMPolicy=` or a `ManagedOOM…=` none of its
                /// words, a `Memory…=` no size (`8G`, not `8GB`, `8g` or `8Gi`; no comment behind it), one of them
                /// stands in `[Unit]` or `[Install]`, or its name has other letters (`OomScoreAdjust`).
            },
            fix: prose! {
                /// Write what the message says; `systemd-analyze verify UNIT` finds the same.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        for section in subject.root().children() {
            let name = section.key().unwrap_or_default();
            for node in section.children() {
                let key = node.key().unwrap_or_default();
                let Some((known, value)) = SETTINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&key)) else {
                    continue;
                };
                let text = node.text().unwrap_or_default();
                if key != *known {
                    let message = format!("systemd ignores {}: the setting is called {known}", quote(&key));
                    report.at(&node.name_span(), message).label("ignored").emit();
                } else if matches!(&*name, "Unit" | "Install") {
                    let message = format!("systemd ignores {key} in [{name}]: it belongs into [Service]");
                    report.at(&node.name_span(), message).label("ignored").emit();
                } else if !text.is_empty() && !text.contains(['$', '@', '{']) && !value.takes(&text) {
                    let message = format!("systemd ignores {key} {}: it takes {}", quote(&text), value.words());
                    report.at(&node, message).label("ignored").emit();
                }
            }
        }
    }
}
