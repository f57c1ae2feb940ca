//! Which program a configuration names as a runtime: ours, ours by mistake, one that stays in the middle, or another.

use std::path::{Path, PathBuf};

use super::subject::Subject;

/// A program named as a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// `oomshim-runc`, or a name of its own for another family (`oomshim-crun`).
    Shim,
    /// `oomshim` or `oomshim-hook`, which are no runtimes.
    Tool,
    /// `nvidia-container-runtime`, which starts the runtime that its own configuration names.
    Nvidia,
    /// Any other.
    Other,
}

impl Program {
    /// The program at that path; with a machine at hand also behind symbolic links.
    pub(super) fn at(subject: &Subject<'_>, path: &str) -> Program {
        let named = Program::named(Path::new(path));
        if named != Program::Other || !path.starts_with('/') {
            return named;
        }
        let real: Option<PathBuf> = subject.machine.and_then(|machine| std::fs::canonicalize(machine.path(path)).ok());
        real.map_or(Program::Other, |real| Program::named(&real))
    }

    fn named(path: &Path) -> Program {
        match path.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default() {
            b"oomshim" | b"oomshim-hook" => Program::Tool,
            name if name.starts_with(b"oomshim-") => Program::Shim,
            name if name.starts_with(b"nvidia-container-runtime") => Program::Nvidia,
            _ => Program::Other,
        }
    }
}

/// The shim's name that keeps the family of that runtime: the name decides which command line the shim reads and which
/// runtime it looks for.
pub(super) fn shim_for(path: &str) -> &'static str {
    match path.rsplit('/').next().unwrap_or_default() {
        "crun" => "oomshim-crun",
        "youki" => "oomshim-youki",
        _ => "oomshim-runc",
    }
}

/// What to do where nvidia's runtime is named: it has to stay where it is.
pub(super) const NVIDIA: &str = "Leave nvidia-container-runtime here, or containers lose their GPUs; write \
    `runtimes = [\"oomshim-runc\", \"runc\"]` under `[nvidia-container-runtime]` in \
    /etc/nvidia-container-runtime/config.toml, which holds for every container that is started from then on.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_programs_apart() {
        let cases = [
            ("/usr/local/bin/oomshim-runc", Program::Shim),
            ("oomshim-crun", Program::Shim),
            ("/usr/local/bin/oomshim", Program::Tool),
            ("/usr/local/bin/oomshim-hook", Program::Tool),
            ("/usr/bin/nvidia-container-runtime", Program::Nvidia),
            ("nvidia-container-runtime.cdi", Program::Nvidia),
            ("/usr/bin/runc", Program::Other),
            ("", Program::Other),
        ];
        for (path, expected) in cases {
            assert_eq!(Program::named(Path::new(path)), expected, "{path}");
        }
        assert_eq!(
            (shim_for("/usr/bin/crun"), shim_for("runc"), shim_for("")),
            ("oomshim-crun", "oomshim-runc", "oomshim-runc")
        );
    }
}
