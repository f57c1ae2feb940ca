//! `memory.oom.group` on a process's cgroup and on all above it.
//!
//! The kernel kills the highest flagged cgroup between the victim and where memory ran out (`mm/memcontrol.c`,
//! `mem_cgroup_get_oom_group`): all in it, except for what has an oom_score_adj of -1000. The kubelet flags each container.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use thiserror::Error;

use super::host;
use super::os_error::OsError;

/// The flag's file.
const FILE: &str = "memory.oom.group";

/// Why a flag cannot be read or cleared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OomGroupError {
    /// The process is in a cgroup that is not below this process's cgroup namespace.
    #[error("the cgroup {} is outside of this cgroup namespace", .0.display())]
    Outside(PathBuf),
    /// A flag could not be read or written.
    #[error("cannot {operation} {}: {reason}", .path.display())]
    File {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
}

/// The cgroups that are flagged, of the one that `/proc/PID/cgroup` names and all above it, the lowest first: their files.
/// None on cgroup v1, which has no flag.
///
/// # Errors
/// [`OomGroupError`]
pub fn flagged(cgroup: &Path, cgroups: &[u8]) -> Result<Vec<PathBuf>, OomGroupError> {
    let Some(own) = host::own_v2_cgroup(cgroups) else { return Ok(Vec::new()) };
    if own.components().any(|part| part == Component::ParentDir) {
        return Err(OomGroupError::Outside(Path::new("/").join(own)));
    }
    let mut all = Vec::new();
    for directory in own.ancestors() {
        let path = cgroup.join(directory).join(FILE);
        match std::fs::read(&path) {
            Ok(text) if text.trim_ascii() == b"1" => all.push(path),
            Ok(_) => {}
            Err(error) => match OsError::from(error) {
                // The real root has none, and neither has a cgroup without the memory controller.
                OsError(Errno::ENOENT) => {}
                reason => return Err(OomGroupError::File { operation: "read", path, reason }),
            },
        }
    }
    Ok(all)
}

/// Clears the flag.
///
/// # Errors
/// [`OomGroupError::File`]
pub fn clear(path: &Path) -> Result<(), OomGroupError> {
    let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(b"0"));
    written.map_err(|error| OomGroupError::File { operation: "write", path: path.to_owned(), reason: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_up_to_the_root_and_cleared() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path).join(FILE);
        std::fs::create_dir_all(root.path().join("a/b/c")).unwrap();
        for (path, flag) in [("", "1\n"), ("a", "0\n"), ("a/b", "1\n")] {
            std::fs::write(at(path), flag).unwrap();
        }
        let found = flagged(root.path(), b"1:name=systemd:/x\n0::/a/b/c\n").unwrap();
        assert_eq!(found, [at("a/b"), at("")]);
        for path in &found {
            clear(path).unwrap();
        }
        assert_eq!(flagged(root.path(), b"0::/a/b/c\n"), Ok(Vec::new()));
        assert_eq!(flagged(root.path(), b"3:memory:/a\n"), Ok(Vec::new()), "cgroup v1 has none");
        assert_eq!(flagged(root.path(), b"0::/../x\n"), Err(OomGroupError::Outside("/../x".into())));
    }

    #[test]
    fn a_flag_that_cannot_be_cleared_is_named() {
        let error = clear(Path::new("/proc/self/status")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write /proc/self/status: "), "{error}");
    }
}
