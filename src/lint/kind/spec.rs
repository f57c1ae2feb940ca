//! OCI runtime specs.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension};
use crate::json::Kind;
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "spec",
    title: "OCI runtime spec",
    syntaxes: &[Syntax::Json],
    // `config.json` is everybody's name: what makes it a spec's is the root filesystem beside it, which a search sees.
    name: |name: &Path| if has_extension(name, "json") { Name::Possible } else { Name::Other },
    claim,
    seems: |text| text.contains("\"ociVersion\"") && !text.contains("\"status\""),
};

/// `ociVersion` is also in the state of a container and in what seccomp listeners get, and `process`, `root`, `linux`
/// and `mounts` are anybody's words: what is in them tells.
fn claim(root: Node<'_>) -> Claim {
    let is = |path: &[&'static str], kind: Kind| root.at(path).is_some_and(|node| node.kind() == kind);
    let process = root.field("process").filter(|node| node.is_object());
    let own = |names: &[(&'static str, Kind)]| {
        let has = |(name, kind): &(&'static str, Kind)| {
            process.and_then(|process| process.field(name)).is_some_and(|node| node.kind() == *kind)
        };
        names.iter().filter(|name| has(name)).count()
    };
    let process_like = own(&[
        ("args", Kind::Array),
        ("cwd", Kind::String),
        ("user", Kind::Object),
        ("capabilities", Kind::Object),
        ("rlimits", Kind::Array),
        ("noNewPrivileges", Kind::Bool),
        ("oomScoreAdj", Kind::Number),
        ("apparmorProfile", Kind::String),
    ]);
    let has_root = is(&["root", "path"], Kind::String);
    let linux_like = usize::from(is(&["linux", "namespaces"], Kind::Array))
        + usize::from(is(&["linux", "resources"], Kind::Object))
        + usize::from(is(&["linux", "cgroupsPath"], Kind::String));
    let has_version = root.field("ociVersion").is_some();
    let is_state = root.field("status").is_some() && root.field("bundle").is_some();
    let is_notice = root.field("state").is_some_and(|state| state.field("bundle").is_some());
    let evidence = process_like + usize::from(has_root) + linux_like;
    match () {
        () if has_version && evidence == 0 && (is_state || is_notice) => Claim::No,
        () if has_version => Claim::Certain,
        () if process_like >= 1 && evidence >= 3 => Claim::Certain,
        () if process_like >= 2 && has_root => Claim::Certain,
        () => Claim::No,
    }
}
