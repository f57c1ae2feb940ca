//! What a runtime wrote down about a running container: its init process.
//!
//! Each keeps it in a file of its own below `--root`: runc and youki in `ID/state.json`, crun in `ID/status`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::flavor::Flavor;
use crate::fsutil::atomic_file::AtomicFile;
use crate::json::{self, Outline};
use crate::system::process::Process;

/// The init process of a container, if it still is the one that the runtime wrote down.
///
/// `runtime_dir` is the value of `XDG_RUNTIME_DIR`, below which rootless runtimes keep their state. `None` where there is
/// no such container, no such process, or (runsc) no process of the container on the host.
#[must_use]
pub fn init_process(
    proc: &Path,
    flavor: Flavor,
    root: Option<&OsStr>,
    runtime_dir: Option<&OsStr>,
    id: &OsStr,
) -> Option<Process> {
    // No runtime accepts such an id, and as a path it would lead elsewhere.
    if id.as_bytes().contains(&b'/') || id == ".." || id == "." {
        return None;
    }
    let file = match flavor {
        Flavor::Runc | Flavor::Youki => "state.json",
        Flavor::Crun => "status",
        Flavor::Runsc => return None,
    };
    let roots = match root {
        Some(root) => vec![PathBuf::from(root)],
        None => default_roots(flavor, runtime_dir),
    };
    roots.iter().find_map(|root| read(proc, flavor, &root.join(id).join(file)))
}

/// Where the state is when `--root` is not given: a rootless runtime's directory first, as the runtime does.
fn default_roots(flavor: Flavor, runtime_dir: Option<&OsStr>) -> Vec<PathBuf> {
    let name = flavor.name();
    let rootless = runtime_dir.filter(|dir| !dir.is_empty()).map(|dir| Path::new(dir).join(name));
    rootless.into_iter().chain([Path::new("/run").join(name)]).collect()
}

/// The largest state that is read, in bytes: 16 MiB. runc's has the container's whole configuration in it.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The members of the state itself; runc writes the container's whole configuration into one of them.
const TOP: Outline<'static> = Outline { fields: &[], items: 0 };

fn read(proc: &Path, flavor: Flavor, path: &Path) -> Option<Process> {
    let (_, bytes) = AtomicFile::read(path, LIMIT).ok()?;
    let document = json::parse_outline(&bytes, &TOP).ok()?;
    let (pid, started) = match flavor {
        Flavor::Runc => ("init_process_pid", "init_process_start"),
        Flavor::Crun => ("pid", "process-start-time"),
        Flavor::Youki | Flavor::Runsc => ("pid", ""),
    };
    let number = |name: &str| i64::try_from(document.root().entry_of(name)?.integer()?).ok();
    // PID 1 is never a container seen from the host, and 0 is how a stopped one is written.
    let pid = u32::try_from(number(pid)?).ok().filter(|&pid| pid > 1)?;
    let process = Process::open(proc, pid).ok()?;
    let same = match number(started).and_then(|ticks| u64::try_from(ticks).ok()) {
        Some(ticks) => process.start_time().ok()? == ticks,
        // youki writes no start time.
        None => flavor == Flavor::Youki,
    };
    same.then_some(process)
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

    fn found(flavor: Flavor, root: &Path, id: &str) -> bool {
        init_process(Path::new("/proc"), flavor, Some(root.as_os_str()), None, OsStr::new(id)).is_some()
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
        assert!(found(Flavor::Runc, runc(me, ticks).path(), "c"));
        assert!(found(Flavor::Crun, crun(me, ticks).path(), "c"));
        assert!(!found(Flavor::Runc, runc(me, ticks + 1).path(), "c"), "the PID was reused");
        assert!(!found(Flavor::Crun, crun(1, ticks).path(), "c"));
        assert!(!found(Flavor::Crun, crun(0, ticks).path(), "c"));
        assert!(!found(Flavor::Runc, container("state.json", "not json").path(), "c"));
    }

    #[test]
    fn an_id_is_no_path() {
        let root = container("status", "{}");
        for id in ["..", ".", "../c", "c/../c"] {
            assert!(!found(Flavor::Crun, root.path(), id));
        }
    }
}
