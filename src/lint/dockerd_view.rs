//! What dockerd reads of its runtimes (moby `daemon/runtime_unix.go`).

use crate::json::Node;

/// A name that dockerd has a runtime for without being told.
pub(super) const STOCK: [&str; 2] = ["runc", "io.containerd.runc.v2"];

/// The default runtime's entry in `runtimes`; names keep their case.
pub(super) fn default_runtime(root: Node<'_>) -> Option<Node<'_>> {
    let name = root.field("default-runtime")?.text()?;
    root.field("runtimes")?.entry_of(&name)
}

/// The program of a runtime: its path, or what its containerd shim is told to run.
pub(super) fn program(runtime: Node<'_>) -> Option<Node<'_>> {
    let named = |node: &Node<'_>| node.text().is_some_and(|text| !text.is_empty());
    runtime.field("path").filter(named).or_else(|| runtime.at(&["options", "BinaryName"]).filter(named))
}

/// Whether the name is that of a shim of containerd, which dockerd takes without an entry: it has a dot, no slash, and
/// something in its last two parts.
pub(super) fn is_containerd_name(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    let last_two = [parts.next(), parts.next()];
    !name.contains('/')
        && !name.starts_with('.')
        && last_two.iter().all(|part| part.is_some_and(|part| !part.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_containerd_shims_have_a_dot() {
        for (name, expected) in [
            ("io.containerd.kata.v2", true),
            ("a.b", true),
            ("oomshim", false),
            (".a.b", false),
            ("a/b.c", false),
            ("a.", false),
        ] {
            assert_eq!(is_containerd_name(name), expected, "{name}");
        }
    }
}
