//! The runtime that made a container, as it is written down, and where it is by now.

use std::path::{Path, PathBuf};

use super::flavor::Flavor;
use super::locate::{self, Located, SelfExe};

/// The runtime that made a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// The path that it was started by.
    pub path: PathBuf,
    /// The program that this path led to through symbolic links, which an alternatives system may change; `None` for a
    /// path whose last part is no link.
    pub target: Option<PathBuf>,
    /// The device and the inode of the program.
    pub inode: (u64, u64),
    /// How it reads its command line.
    pub flavor: Flavor,
    /// Where it keeps its state of the container, a directory; `None` where that is not known (runsc).
    pub state: Option<PathBuf>,
}

impl Maker {
    /// What is written down when this runtime makes a container whose state will be there.
    #[must_use]
    pub fn of(runtime: &Located, state: Option<PathBuf>) -> Maker {
        Maker {
            path: runtime.path.clone(),
            target: resolve(&runtime.path),
            inode: runtime.inode,
            flavor: runtime.flavor,
            state,
        }
    }

    /// The runtime, where it still is: at its path, also after an upgrade; or, where that path leads to another program
    /// since, where it led to at the time. `None` where there is nothing left, or only a program of another family.
    #[must_use]
    pub fn locate(&self, own: &SelfExe) -> Option<Located> {
        let usable = |path: &Path| locate::usable(path, self.flavor, own).ok();
        let now = std::fs::metadata(&self.path).ok().map(|metadata| locate::inode(&metadata));
        if now == Some(self.inode) {
            return Some(Located { path: self.path.clone(), flavor: self.flavor, inode: self.inode });
        }
        let target = resolve(&self.path);
        if target == self.target {
            return usable(&self.path);
        }
        let before = self.target.as_deref().unwrap_or(&self.path);
        self.target.as_deref().and_then(usable).or_else(|| {
            let is_same_family = Flavor::of_path(target.as_deref().unwrap_or(&self.path)) == Flavor::of_path(before);
            is_same_family.then(|| usable(&self.path)).flatten()
        })
    }
}

/// Where a path leads whose last part is a symbolic link; `None` for anything else.
fn resolve(path: &Path) -> Option<PathBuf> {
    std::fs::read_link(path).ok().and_then(|_| std::fs::canonicalize(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn program(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_maker_is_found_after_upgrades_and_switches() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let nobody = SelfExe::of(Path::new("/nowhere"));
        for name in ["runc-1", "runc-2", "crun-1"] {
            program(&at(name), name);
        }
        let turn = |to: &str| {
            let _ = std::fs::remove_file(at("runc"));
            symlink(at(to), at("runc")).unwrap();
        };
        turn("runc-1");
        let found = locate::usable(&at("runc"), Flavor::Runc, &nobody).unwrap();
        let made = Maker::of(&found, None);
        let now = || made.locate(&nobody).map(|found| found.path);
        assert_eq!(now(), Some(at("runc")));
        std::fs::remove_file(at("runc-1")).unwrap();
        assert_eq!(now(), None, "it is gone");
        program(&at("runc-1"), "a newer one");
        assert_eq!(now(), Some(at("runc")), "upgraded in place");
        turn("crun-1");
        assert_eq!(now(), made.target, "the path was turned to another family");
        std::fs::remove_file(at("runc-1")).unwrap();
        assert_eq!(now(), None, "another family says that there is no container");
        turn("runc-2");
        assert_eq!(now(), Some(at("runc")), "upgraded by turning the link");
        let shim = SelfExe::of_file(&at("runc-2"));
        assert_eq!(made.locate(&shim), None, "and never oomshim");
    }
}
