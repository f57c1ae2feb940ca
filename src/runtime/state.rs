//! What a runtime wrote down about a container: where, and its init process.
//!
//! Each keeps it in a file of its own below `--root`: runc and youki in `ID/state.json`, crun in `ID/status`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use thiserror::Error;

use super::flavor::Flavor;
use crate::fsutil::atomic_file::{AtomicFile, AtomicFileError, Problem};
use crate::json::{self, Outline};
use crate::spec::bundle;
use crate::system::os_error::OsError;
use crate::system::process::{Process, ProcessError};

/// Why nobody can tell which process a container's init is.
#[derive(Debug, Error)]
pub enum StateError {
    /// The runtime's file could not be read.
    #[error(transparent)]
    Unreadable(#[from] AtomicFileError),
    /// The runtime's file is not JSON: it is empty, or only half of it was written.
    #[error("the runtime's state {} is not JSON: {reason}", .path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The runtime's file does not say what it always says.
    #[error("the runtime's state {} has no number `{field}`", .path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        field: &'static str,
    },
    /// `/proc/PID` could not be read.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Where a runtime keeps its state when `--root` is not given.
///
/// `runtime_dir` is the value of `XDG_RUNTIME_DIR`. crun always goes by it (`src/libcrun/status.c`, `get_run_directory`);
/// runc and youki only where they are rootless (runc `utils_linux.go`, `shouldHonorXDGRuntimeDir`): as root it may name a
/// directory in which somebody else plants files.
#[must_use]
pub fn default_root(flavor: Flavor, runtime_dir: Option<&OsStr>, is_rootless: impl FnOnce() -> bool) -> PathBuf {
    let user = runtime_dir.filter(|directory| !directory.is_empty());
    let user = user.filter(|_| flavor == Flavor::Crun || is_rootless());
    user.map_or(Path::new("/run"), Path::new).join(flavor.name())
}

/// The directory in which the runtime keeps its state of that container; `None` where that is not known (runsc) or no
/// runtime accepts the id.
#[must_use]
pub fn directory(flavor: Flavor, root: &Path, id: &OsStr) -> Option<PathBuf> {
    // As a path, such an id would lead elsewhere.
    let is_path = id.as_bytes().contains(&b'/') || id == ".." || id == "." || id.is_empty();
    (flavor != Flavor::Runsc && !is_path).then(|| root.join(id))
}

/// The largest state that is read, in bytes: 128 MiB. runc's has the container's whole configuration in it.
const LIMIT: u64 = 2 * bundle::LIMIT;

/// Only what the state says at the top is read: the rest of it, the container's configuration, is the larger part.
const TOP: Outline<'static> = Outline { fields: &[], items: 0 };

/// The init process of a container whose state is in `directory`, if it still is the one that the runtime wrote down.
/// `None` where there is no such container, or its init has ended.
///
/// # Errors
/// [`StateError`] where there may be a container and its init cannot be told.
pub fn init_process(proc: &Path, flavor: Flavor, directory: &Path) -> Result<Option<Process>, StateError> {
    let path = directory.join(if flavor == Flavor::Crun { "status" } else { "state.json" });
    let bytes = match AtomicFile::read(&path, LIMIT) {
        Ok((_, bytes)) => bytes,
        Err(AtomicFileError { problem: Problem::Os(OsError(Errno::ENOENT | Errno::ENOTDIR)), .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let tree = match json::parse_outline(&bytes, &TOP) {
        Ok(tree) => tree,
        Err(error) => return Err(StateError::NotJson { path, reason: error.message }),
    };
    let number = |field: &'static str| {
        let number = tree.root().entry_of(field).and_then(|value| i64::try_from(value.integer()?).ok());
        number.ok_or_else(|| StateError::Incomplete { path: path.clone(), field })
    };
    let (pid, started) = match flavor {
        Flavor::Runc => ("init_process_pid", Some("init_process_start")),
        Flavor::Crun => ("pid", Some("process-start-time")),
        // youki writes no start time.
        Flavor::Youki | Flavor::Runsc => ("pid", None),
    };
    // PID 1 is never a container seen from the host, and 0 is how a stopped one is written.
    let Some(pid) = u32::try_from(number(pid)?).ok().filter(|&pid| pid > 1) else { return Ok(None) };
    let started = started.map(number).transpose()?;
    let process = match Process::open(proc, pid) {
        Ok(process) => process,
        Err(error) if error.is_gone() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let same = match started {
        Some(ticks) => i64::try_from(process.start_time()?).is_ok_and(|started| started == ticks),
        None => true,
    };
    Ok(same.then_some(process))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(file: &str, text: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("c")).unwrap();
        std::fs::write(root.path().join("c").join(file), text).unwrap();
        root
    }

    /// Whether the init process is found, or why nobody can tell.
    fn found(flavor: Flavor, root: &Path) -> Result<bool, String> {
        let directory = directory(flavor, root, OsStr::new("c")).unwrap();
        init_process(Path::new("/proc"), flavor, &directory)
            .map(|found| found.is_some())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_pid_counts_with_its_start_time_only() {
        let me = std::process::id();
        let ticks = Process::own(Path::new("/proc")).unwrap().start_time().unwrap();
        let runc = |pid: u32, ticks: u64| {
            container(
                "state.json",
                &format!(r#"{{"init_process_pid":{pid},"init_process_start":{ticks},"config":{{}}}}"#),
            )
        };
        let crun = |pid: u32, ticks: u64| {
            container("status", &format!(r#"{{"pid" : {pid}, "process-start-time" : {ticks}}}"#))
        };
        assert_eq!(found(Flavor::Runc, runc(me, ticks).path()), Ok(true));
        assert_eq!(found(Flavor::Crun, crun(me, ticks).path()), Ok(true));
        assert_eq!(found(Flavor::Runc, runc(me, ticks + 1).path()), Ok(false), "the PID was reused");
        assert_eq!(found(Flavor::Crun, crun(1, ticks).path()), Ok(false));
        assert_eq!(found(Flavor::Crun, crun(0, ticks).path()), Ok(false));
        assert_eq!(found(Flavor::Runc, tempfile::tempdir().unwrap().path()), Ok(false));
    }

    #[test]
    fn only_youki_needs_no_start_time() {
        let me = std::process::id();
        let runc = container("state.json", &format!(r#"{{"init_process_pid":{me}}}"#));
        assert!(found(Flavor::Runc, runc.path()).unwrap_err().contains("has no number `init_process_start`"));
        let crun = container("status", &format!(r#"{{"pid":{me}}}"#));
        assert!(found(Flavor::Crun, crun.path()).unwrap_err().contains("has no number `process-start-time`"));
        let youki = container("state.json", &format!(r#"{{"pid":{me}}}"#));
        assert_eq!(found(Flavor::Youki, youki.path()), Ok(true));
    }

    #[test]
    fn a_state_that_cannot_be_read_is_not_absent() {
        for text in ["", "{", "not json"] {
            assert!(found(Flavor::Runc, container("state.json", text).path()).unwrap_err().contains("is not JSON"));
        }
        assert!(found(Flavor::Crun, container("status", "{}").path()).unwrap_err().contains("has no number `pid`"));
    }

    #[test]
    fn an_id_is_no_path() {
        // What `..` and `c/../c` would lead to is there, so that only the id can be what stops them.
        let root = container("status", "{}");
        for id in ["..", ".", "../c", "c/../c", "c/", ""] {
            assert_eq!(directory(Flavor::Crun, root.path(), OsStr::new(id)), None, "{id:?}");
        }
        assert_eq!(directory(Flavor::Crun, root.path(), OsStr::new("c")), Some(root.path().join("c")));
        assert_eq!(directory(Flavor::Runsc, root.path(), OsStr::new("c")), None);
    }

    #[test]
    fn xdg_runtime_dir_counts_where_the_runtime_honours_it() {
        let of = |flavor, directory: Option<&str>, rootless| {
            default_root(flavor, directory.map(OsStr::new), || rootless).into_os_string().into_string().unwrap()
        };
        assert_eq!(of(Flavor::Runc, Some("/run/user/7"), true), "/run/user/7/runc");
        assert_eq!(of(Flavor::Runc, Some("/run/user/7"), false), "/run/runc", "a user could plant a state there");
        assert_eq!(of(Flavor::Youki, Some("/run/user/7"), false), "/run/youki");
        assert_eq!(of(Flavor::Crun, Some("/run/user/7"), false), "/run/user/7/crun");
        for empty in [None, Some("")] {
            assert_eq!(of(Flavor::Crun, empty, true), "/run/crun");
        }
    }
}
