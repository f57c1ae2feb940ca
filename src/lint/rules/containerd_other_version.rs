//! `containerd-other-version`: a table that not every containerd reads.

use crate::lint::containerd_view::Containerd;
use crate::lint::rule::prelude::*;

pub(super) struct ContainerdOtherVersion;

impl Rule for ContainerdOtherVersion {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containerd-other-version",
            summary: "a table of runtimes that belongs to another version of the configuration",
            group: Group::Deployment,
            severity: Severity::Warning,
            confidence: Confidence::Medium,
            fixable: Fixable::No,
            kinds: &[FileKind::Containerd],
            why: prose! {
                /// It depends on containerd's release whether the table is read, and a runtime in a table that is not
                /// read does not exist: containers start by plain runc, and nothing says so.
            },
            what: prose! {
                /// The CRI plugin's table is called `plugins.cri` in version 1, `io.containerd.grpc.v1.cri` in 2 and
                /// `io.containerd.cri.v1.runtime` in 3 and 4, and another one than that of the file's `version` sets
                /// runtimes. containerd 2.3 and later read the last two in each other's place, 2.0 to 2.2 do not, and
                /// 1.x knows only the first two. A file without a `version` line is one of version 1 to containerd 1.x,
                /// and of another version to later ones. `plugins.cri` in a file of version 2 or later is read by none.
            },
            fix: prose! {
                /// Give the file the `version` that its tables belong to, and rename those that belong to another one.
                /// `containerd config migrate` prints the file in the version of the containerd that is installed.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let view = Containerd::of(subject);
        for plugin in &view.others {
            let name = plugin.key().unwrap_or_default();
            let (message, sure) = match view.version {
                None => (
                    format!(
                        "without a `version` line it depends on containerd's release whether {} is read",
                        quote(&name)
                    ),
                    Confidence::Medium,
                ),
                Some(version) if version >= 2 && name == "cri" => {
                    (format!("the table {} is not read in a file of version {version}", quote(&name)), Confidence::High)
                }
                Some(version) => (
                    format!(
                        "containerd before 2.3 does not read the table {} in a file of version {version}",
                        quote(&name)
                    ),
                    Confidence::Medium,
                ),
            };
            report.at(&plugin.name_span(), message).label("of another version").confidence(sure).emit();
        }
    }
}
