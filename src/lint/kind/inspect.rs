//! What `crictl inspect` and `crictl inspectp` print: the spec that the engine gave to the runtime is in it.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension};
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "inspect",
    title: "output of crictl inspect",
    syntaxes: &[Syntax::Json],
    name: |name: &Path| if has_extension(name, "json") { Name::Possible } else { Name::Other },
    claim: |root| if spec(root).is_some() { Claim::Certain } else { Claim::No },
    seems: |_| false,
};

/// The spec in it, `info.runtimeSpec`: containerd and CRI-O write it there. Others have a key of that name too, and no
/// `ociVersion` below it.
#[must_use]
pub(in crate::lint) fn spec(root: Node<'_>) -> Option<Node<'_>> {
    root.at(&["info", "runtimeSpec"]).filter(|spec| spec.field("ociVersion").is_some())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::finding::{Fixes, Safety};
    use crate::lint::kind::FileKind;
    use crate::lint::{self, LintError, Options, fix};

    const OUTPUT: &str = r#"{"status":{"id":"x"},"info":{"pid":7,"runtimeSpec":{"ociVersion":"1.2.0",
        "root":{"path":"rootfs"},"process":{"cwd":"/","args":["make"]}}}}"#;

    #[test]
    fn the_spec_in_it_is_judged_and_never_changed() {
        let options = Options { fixes: Fixes::Changes, ..Options::default() };
        let outcome = lint::bytes(Path::new("<stdin>"), OUTPUT.as_bytes(), None, &options).unwrap();
        assert_eq!(outcome.kind, FileKind::Inspect);
        let score = outcome.findings.iter().find(|finding| finding.rule.name == "oom-score-adj-unset").unwrap();
        assert_eq!(score.pointer, "/info/runtimeSpec/process");
        assert!(outcome.findings.iter().all(|finding| finding.fix.is_none()), "{:#?}", outcome.findings);
        let fixed = fix::fix(Path::new("x.json"), OUTPUT.as_bytes(), None, &options, Safety::Unsafe).unwrap();
        assert!(fixed.made.is_empty() && fixed.bytes == OUTPUT.as_bytes());
    }

    #[test]
    fn what_has_no_spec_is_not_judged() {
        for text in [r#"{"info":{"runtimeSpec":{"image":"x"}}}"#, r#"{"runtimeSpec":{"ociVersion":"1.2.0"}}"#] {
            for kind in [None, Some(FileKind::Inspect)] {
                let said = lint::bytes(Path::new("x.json"), text.as_bytes(), kind, &Options::default());
                assert_eq!(said.unwrap_err(), LintError::UnknownKind, "{text} {kind:?}");
            }
        }
        let said = lint::bytes(Path::new("x.json"), b"{", Some(FileKind::Inspect), &Options::default()).unwrap();
        assert_eq!(said.findings[0].rule.name, "not-json");
    }
}
