//! One process, through its open `/proc/PID`: the score it has, the score it may have, its cgroup, its identity.
//!
//! The directory is opened once and everything is relative to that descriptor: a PID that is reused in between answers
//! ESRCH instead of standing in for another process.

mod error;

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::str::FromStr;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

pub use error::ProcessError;

use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;

/// The largest of the files in `/proc/PID` that is read here, in bytes.
const LIMIT: usize = 64 * 1024;

/// Files that the kernel hands over in one piece, so that a short read is their end (`fs/proc/base.c`: `single_open` and
/// `simple_read_from_buffer`). Others may be short in the middle. It saves a call for each of 100 000 processes.
const ONE_PIECE: [&str; 2] = ["status", "oom_score_adj"];

/// A process whose `/proc/PID` is held open.
#[derive(Debug)]
pub struct Process {
    name: String,
    directory: OwnedFd,
}

impl Process {
    /// The process of that PID in the proc file system mounted at `proc`.
    ///
    /// # Errors
    /// [`ProcessError::File`] when there is no such process.
    pub fn open(proc: &Path, pid: u32) -> Result<Self, ProcessError> {
        Self::named(proc, pid.to_string())
    }

    /// This process.
    ///
    /// # Errors
    /// [`ProcessError::File`] when `proc` is not a mounted proc file system.
    pub fn own(proc: &Path) -> Result<Self, ProcessError> {
        Self::named(proc, "self".to_owned())
    }

    fn named(proc: &Path, name: String) -> Result<Self, ProcessError> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        match nix::fcntl::open(&proc.join(&name), flags, Mode::empty()) {
            Ok(directory) => Ok(Process { name, directory }),
            Err(errno) => Err(ProcessError::File { pid: name, file: "", operation: "open", reason: OsError(errno) }),
        }
    }

    fn error(&self, file: &'static str, operation: &'static str) -> impl Fn(Errno) -> ProcessError {
        let pid = self.name.clone();
        move |errno| ProcessError::File { pid: pid.clone(), file, operation, reason: OsError(errno) }
    }

    /// The bytes of one of the process's files, at most 64 KiB of them.
    ///
    /// # Errors
    /// [`ProcessError::File`], with ESRCH when the process has ended.
    pub fn read(&self, file: &'static str) -> Result<Vec<u8>, ProcessError> {
        let mut bytes = Vec::new();
        self.read_into(file, &mut bytes)?;
        Ok(bytes)
    }

    /// The bytes of one of the process's files, at most 64 KiB of them, in place of what `bytes` holds: where many
    /// processes are read, none of them costs an allocation.
    ///
    /// # Errors
    /// [`ProcessError::File`], with ESRCH when the process has ended.
    pub fn read_into(&self, file: &'static str, bytes: &mut Vec<u8>) -> Result<(), ProcessError> {
        let open = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::openat(&self.directory, file, open, Mode::empty()).map_err(self.error(file, "open"))?;
        bytes.clear();
        // Most of these files are shorter than a page, which then is all that is asked for.
        let mut buffer = [0_u8; 4096];
        while bytes.len() < LIMIT {
            match nix::unistd::read(&fd, &mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    bytes.extend_from_slice(&buffer[..count]);
                    if count < buffer.len() && ONE_PIECE.contains(&file) {
                        break;
                    }
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(self.error(file, "read")(errno)),
            }
        }
        bytes.truncate(LIMIT);
        Ok(())
    }

    /// The score that the process has now.
    ///
    /// # Errors
    /// [`ProcessError`] when it cannot be read or is not a score.
    pub fn score(&self) -> Result<OomScoreAdj, ProcessError> {
        let file = "oom_score_adj";
        let bytes = self.read(file)?;
        let text = String::from_utf8_lossy(&bytes);
        text.trim_end().parse().map_err(|_| ProcessError::Content {
            pid: self.name.clone(),
            file,
            text: text.chars().take(40).collect(),
        })
    }

    /// Gives the process that score.
    ///
    /// # Errors
    /// [`ProcessError::File`] with EACCES when the score is below the process's floor and this process lacks
    /// `CAP_SYS_RESOURCE` in the initial user namespace (`fs/proc/base.c`, `__set_oom_adj`).
    pub fn set_score(&self, score: OomScoreAdj) -> Result<(), ProcessError> {
        let file = "oom_score_adj";
        let open = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::openat(&self.directory, file, open, Mode::empty()).map_err(self.error(file, "open"))?;
        let text = score.to_string();
        loop {
            match nix::unistd::write(&fd, text.as_bytes()) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(self.error(file, "write")(errno)),
            }
        }
    }

    /// Gives the process the score nearest to `wanted` that this process may give it, and tells which that was.
    ///
    /// The floor (`oom_score_adj_min`) can be read nowhere, so it is found by trying: eleven writes at the most.
    ///
    /// # Errors
    /// [`ProcessError`] for anything but a refusal to go so low.
    pub fn set_score_or_floor(&self, wanted: OomScoreAdj) -> Result<OomScoreAdj, ProcessError> {
        let refusal = match self.set_score(wanted) {
            Err(error) if error.is_refused() => error,
            done => return done.map(|()| wanted),
        };
        let mut refused = wanted;
        let mut allowed = self.score()?;
        if wanted >= allowed {
            // A floor is below what the process has.
            return Err(refusal);
        }
        while refused.above().is_some_and(|next| next < allowed) {
            let middle = refused.midpoint(allowed);
            match self.set_score(middle) {
                Ok(()) => allowed = middle,
                Err(error) if error.is_refused() => refused = middle,
                Err(error) => return Err(error),
            }
        }
        Ok(allowed)
    }

    /// The text of `/proc/PID/cgroup` (cgroups(7)).
    ///
    /// # Errors
    /// [`ProcessError::File`].
    pub fn cgroups(&self) -> Result<Vec<u8>, ProcessError> {
        self.read("cgroup")
    }

    /// When the process started, in clock ticks since boot: with the PID, its identity (proc(5), stat field 22).
    ///
    /// # Errors
    /// [`ProcessError`].
    pub fn start_time(&self) -> Result<u64, ProcessError> {
        self.stat_field(22)
    }

    /// The PID of the process's parent (proc(5), stat field 4).
    ///
    /// # Errors
    /// [`ProcessError`].
    pub fn parent(&self) -> Result<u32, ProcessError> {
        self.stat_field(4)
    }

    /// A numeric field of `/proc/PID/stat` behind the command name, numbered from 1 as in proc(5).
    fn stat_field<T: FromStr>(&self, number: usize) -> Result<T, ProcessError> {
        let bytes = self.read("stat")?;
        let text = String::from_utf8_lossy(&bytes);
        // The command name, field 2, is in parentheses and may hold anything, parentheses and spaces included.
        let after = text.rfind(')').map_or("", |at| &text[at + 1..]);
        let field = after.split_ascii_whitespace().nth(number - 3);
        field.and_then(|field| field.parse().ok()).ok_or_else(|| ProcessError::Content {
            pid: self.name.clone(),
            file: "stat",
            text: text.chars().take(40).collect(),
        })
    }

    /// Which namespace of that kind (`mnt`, `pid`, …) the process is in: the link's text, `mnt:[4026531841]`.
    ///
    /// # Errors
    /// [`ProcessError::File`], with EACCES for a process of somebody else.
    pub fn namespace(&self, kind: Namespace) -> Result<Vec<u8>, ProcessError> {
        let file = kind.file();
        match nix::fcntl::readlinkat(&self.directory, file) {
            Ok(link) => Ok(link.into_vec()),
            Err(errno) => Err(self.error(file, "read")(errno)),
        }
    }
}

/// The kinds of namespace that tell a container's process from the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// `mount_namespaces(7)`
    Mount,
    /// `pid_namespaces(7)`
    Pid,
    /// `user_namespaces(7)`
    User,
}

impl Namespace {
    fn file(self) -> &'static str {
        match self {
            Namespace::Mount => "ns/mnt",
            Namespace::Pid => "ns/pid",
            Namespace::User => "ns/user",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, Process) {
        let proc = tempfile::tempdir().unwrap();
        std::fs::create_dir(proc.path().join("42")).unwrap();
        for (name, text) in files {
            std::fs::write(proc.path().join("42").join(name), text).unwrap();
        }
        let process = Process::open(proc.path(), 42).unwrap();
        (proc, process)
    }

    #[test]
    fn the_start_time_is_found_behind_any_command_name() {
        let rest = "S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 777 1 2 3";
        for name in ["sh", "a) b", ") S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 (", "\n"] {
            let (_proc, process) = fake(&[("stat", &format!("42 ({name}) {rest}"))]);
            assert_eq!((process.start_time().unwrap(), process.parent().unwrap()), (777, 1), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_a_score_is_named() {
        let (_proc, process) = fake(&[("oom_score_adj", "many\n")]);
        let error = process.score().unwrap_err();
        assert_eq!(error.to_string(), "/proc/42/oom_score_adj holds \"many\\n\", not what the kernel writes there");
    }

    #[test]
    fn a_process_that_is_gone_is_told_apart() {
        let error = Process::open(Path::new("/proc"), u32::MAX).unwrap_err();
        assert!(error.is_gone() && !error.is_refused(), "{error}");
        assert_eq!(error.to_string(), "cannot open /proc/4294967295/: not found (ENOENT)");
    }

    #[test]
    fn this_process_reads_its_own_score_and_may_keep_it() {
        let own = Process::own(Path::new("/proc")).unwrap();
        let score = own.score().unwrap();
        assert_eq!(own.set_score_or_floor(score).unwrap(), score);
        assert_eq!(own.score().unwrap(), score);
        assert!(own.start_time().unwrap() > 0);
    }
}
