//! What all engines use: the built binaries, the engines' programs, a directory, and a root file system of one busybox.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::run;

/// A name that only the newest engines, built by `integration/tools/build`, are found under: `newest/dockerd`.
const NEWEST: &str = "newest/";

/// Where the project is.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One of our binaries: from the directory in `OOMSHIM_BIN_DIR` (the static ones that are shipped), or of this test run.
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_oomshim"));
    let directory = std::env::var_os("OOMSHIM_BIN_DIR").map_or_else(|| built.with_file_name(""), PathBuf::from);
    // A daemon has another working directory.
    std::fs::canonicalize(directory.join(name)).with_context(|| format!("{} has no {name}", directory.display()))
}

/// The suite.
#[derive(Debug)]
pub(crate) struct Suite {
    directory: TempDir,
    tools: PathBuf,
}

impl Suite {
    /// Makes the directory.
    pub(crate) fn new() -> Result<Suite> {
        // A socket's path has at most 107 bytes, so the directory is near the root.
        let directory = TempDir::with_prefix_in("oomshim-engines-", "/tmp")?;
        let tools =
            std::env::var_os("OOMSHIM_TOOLS_DIR").map_or_else(|| repository().join("target/tools/bin"), PathBuf::from);
        Ok(Suite { directory, tools })
    }

    /// The directory, which goes when the last engine has ended.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Why an engine cannot be tried here.
    pub(crate) fn missing(&self, needs: &[&str]) -> Option<String> {
        if needs.is_empty() {
            return None;
        }
        if !nix::unistd::geteuid().is_root() {
            return Some("engines want to be started by root".to_owned());
        }
        let absent: Vec<&str> = needs.iter().copied().filter(|name| self.find(name).is_none()).collect();
        let (newest, debian): (Vec<&str>, Vec<&str>) = absent.into_iter().partition(|name| name.starts_with(NEWEST));
        match (debian.as_slice(), newest.as_slice()) {
            ([], []) => None,
            ([], newest) => {
                let newest = newest.join(", ").replace(NEWEST, "");
                Some(format!("{} lacks {newest}, which integration/tools/build makes", self.tools.display()))
            }
            (debian, _) => Some(format!("missing {}, which integration/engines/install installs", debian.join(", "))),
        }
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        match name.strip_prefix(NEWEST) {
            Some(name) => Some(self.tools.join(name)).filter(|path| path.is_file()),
            // Where Debian's packages put them: a newer docker in /usr/local/bin may lack its build plugin.
            None => ["/usr/bin", "/usr/sbin"].iter().map(|dir| Path::new(dir).join(name)).find(|path| path.is_file()),
        }
    }

    /// A program that an engine said it needs.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        self.find(name).with_context(|| format!("{name} is gone"))
    }

    /// PATH for an engine: the directory of the newest tools where it is one of them, then Debian's.
    pub(crate) fn search_path(&self, newest: bool) -> String {
        let tools = if newest { format!("{}:", self.tools.display()) } else { String::new() };
        format!("{tools}/usr/sbin:/usr/bin:/sbin:/bin")
    }

    /// A directory of an engine's own.
    pub(crate) fn directory(&self, engine: &str) -> Result<PathBuf> {
        let directory = self.directory.path().join(engine);
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// A file of `hooks/`, with the places where an administrator puts our binaries replaced by the built ones.
    pub(crate) fn snippet(name: &str) -> Result<String> {
        let path = repository().join("hooks").join(name);
        let mut text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        for program in ["oomshim-runc", "oomshim-hook"] {
            let installed = format!("/usr/local/bin/{program}");
            text = text.replace(&installed, &binary(program)?.display().to_string());
        }
        Ok(text)
    }

    /// Makes `DIR/rootfs` and `DIR/rootfs.tar`: one static busybox.
    pub(crate) fn rootfs(directory: &Path) -> Result<(PathBuf, PathBuf)> {
        let (root, tar) = (directory.join("rootfs"), directory.join("rootfs.tar"));
        for name in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
            std::fs::create_dir_all(root.join(name))?;
        }
        std::fs::copy("/usr/bin/busybox", root.join("bin/busybox")).context("copy busybox")?;
        for applet in ["cat", "echo", "sh", "sleep", "true"] {
            symlink("busybox", root.join("bin").join(applet))?;
        }
        std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n")?;
        run(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg("."))?.stdout()?;
        Ok((root, tar))
    }

    /// Makes a build context of that Dockerfile's steps behind a busybox; gives its directory.
    pub(crate) fn context(directory: &Path, name: &str, steps: &str) -> Result<PathBuf> {
        let context = directory.join(name);
        std::fs::create_dir_all(&context)?;
        let tar = directory.join("rootfs.tar");
        ensure!(tar.is_file(), "rootfs() comes first");
        std::fs::copy(tar, context.join("rootfs.tar"))?;
        std::fs::write(context.join("Dockerfile"), format!("FROM scratch\nADD rootfs.tar /\n{steps}\n"))?;
        Ok(context)
    }
}

impl Drop for Suite {
    /// The parents of the refused containers' cgroups, which the engines leave: cgroup v2's, and each of v1's.
    fn drop(&mut self) {
        let root = Path::new("/sys/fs/cgroup");
        let controllers = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
        for directory in controllers.chain([root.to_owned()]) {
            remove_cgroups(&directory.join("oomshim-immune"));
        }
    }
}

/// Removes a cgroup and those below it, if they are there and nothing runs in them.
fn remove_cgroups(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroups(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(directory);
}
