//! From its birth to its command: what the child does to itself. It tells its parent over a pipe what it could not do.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Gid, Uid, getppid};

use super::mounts::mount_all;
use super::settings::Settings;
use crate::system::clone::exit_now;
use crate::system::disposition::{self, Disposition};
use crate::system::exec::exec_command;
use crate::system::os_error::OsError;
use crate::system::process::Process;

/// What the child needs; all of it was made before its birth.
#[derive(Debug)]
pub struct Preparation<'a> {
    /// What it becomes.
    pub command: &'a [CString],
    /// What it gets.
    pub settings: &'a Settings,
    /// What of the host it keeps where a tmpfs would cover it.
    pub kept: &'a [PathBuf],
    /// The namespaces that it has, or has to make.
    pub namespaces: CloneFlags,
    /// Whether it has them.
    pub unshared: Unshared,
    /// Into these it writes `0` to enter its cgroups.
    pub entrances: Vec<OwnedFd>,
    /// The signals that its parent had blocked.
    pub mask: SigSet,
    /// What became of SIGCHLD when its parent started.
    pub sigchld: Disposition,
    /// Its parent's PID.
    pub parent: i32,
    /// Who it is, for the map of its user namespace: in there it cannot ask before it has one.
    pub user: (Uid, Gid),
    /// Whether what cannot be had is a failure.
    pub strictness: Strictness,
}

/// Whether a child has its namespaces from birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unshared {
    /// It has.
    AtBirth,
    /// It makes them itself, where clone3 is filtered.
    ByItself,
}

/// Whether what cannot be had is said, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// It is said once.
    Warn,
    /// The job is not started.
    Refuse,
}

/// What a child tells before it becomes its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Something could not be had.
    Missing(String),
    /// The child could not be made what it should be; there is no command.
    Failed(String),
    /// The command cannot be executed.
    NotExecuted(Errno),
}

/// Makes of the child what it is to be. Does not return.
pub fn become_command(preparation: &Preparation<'_>, pipe: OwnedFd) -> ! {
    let mut pipe = std::fs::File::from(pipe);
    let message = match prepare(preparation, &mut pipe) {
        Ok(()) => Message::NotExecuted(exec_command(preparation.command).0),
        Err(text) => Message::Failed(text),
    };
    let _ = send(&mut pipe, &message);
    exit_now(125)
}

/// Every error is text already: nobody but a person reads it.
fn prepare(preparation: &Preparation<'_>, pipe: &mut std::fs::File) -> Result<(), String> {
    // Outside of its cgroup nothing of the job may run.
    for entrance in &preparation.entrances {
        nix::unistd::write(entrance, b"0")
            .map_err(|errno| format!("cannot enter the job's cgroup: {}", OsError(errno)))?;
    }
    // Should the parent be killed, the command is not left alone for as long as it takes somebody to clean up.
    let orphaned = set_pdeathsig(Signal::SIGKILL).is_ok() && getppid().as_raw() != preparation.parent;
    if orphaned {
        return Err("oomshim was killed".into());
    }
    if let Err(text) = namespaces(preparation) {
        match preparation.strictness {
            Strictness::Refuse => return Err(text),
            Strictness::Warn => drop(send(pipe, &Message::Missing(text))),
        }
    }
    if let Some(score) = preparation.settings.score {
        let own = Process::own(Path::new("/proc")).and_then(|own| own.set_score_or_floor(score));
        let text = match own {
            Ok(got) if got == score => None,
            Ok(got) => {
                Some(format!("the oom_score_adj is {got} instead of {score}: going lower needs CAP_SYS_RESOURCE"))
            }
            Err(error) => Some(error.to_string()),
        };
        match (text, preparation.strictness) {
            (Some(text), Strictness::Refuse) => return Err(text),
            (Some(text), Strictness::Warn) => drop(send(pipe, &Message::Missing(text))),
            (None, _) => {}
        }
    }
    let _ = disposition::set(Signal::SIGCHLD, preparation.sigchld);
    preparation.mask.thread_set_mask().map_err(|errno| format!("cannot restore the signal mask: {}", OsError(errno)))
}

fn namespaces(preparation: &Preparation<'_>) -> Result<(), String> {
    if preparation.unshared == Unshared::ByItself && !preparation.namespaces.is_empty() {
        unshare(preparation.namespaces).map_err(|errno| format!("cannot make namespaces: {}", OsError(errno)))?;
    }
    if preparation.namespaces.contains(CloneFlags::CLONE_NEWUSER) {
        let (uid, gid) = preparation.user;
        // Nobody is who he was not: each number stands for itself.
        write("setgroups", "deny")?;
        write("uid_map", &format!("{uid} {uid} 1"))?;
        write("gid_map", &format!("{gid} {gid} 1"))?;
    }
    if preparation.namespaces.contains(CloneFlags::CLONE_NEWNS) {
        mount_all(preparation.settings, preparation.kept).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn write(file: &str, text: &str) -> Result<(), String> {
    let path = Path::new("/proc/self").join(file);
    std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {}", path.display(), OsError::from(error)))
}

/// One message: a letter, and lines that do not hold line breaks.
fn send(pipe: &mut std::fs::File, message: &Message) -> std::io::Result<()> {
    let line = match message {
        Message::Missing(text) => format!("m{}\n", text.replace('\n', " ")),
        Message::Failed(text) => format!("f{}\n", text.replace('\n', " ")),
        Message::NotExecuted(errno) => format!("x{}\n", *errno as i32),
    };
    pipe.write_all(line.as_bytes())
}

/// What the child had to say, when it has become its command or ended.
///
/// # Errors
/// The kernel's.
pub fn receive(pipe: OwnedFd) -> std::io::Result<Vec<Message>> {
    let mut text = String::new();
    std::fs::File::from(pipe).take(64 * 1024).read_to_string(&mut text)?;
    Ok(text.lines().filter_map(message).collect())
}

fn message(line: &str) -> Option<Message> {
    let text = line.get(1..)?.to_owned();
    match line.as_bytes().first()? {
        b'm' => Some(Message::Missing(text)),
        b'f' => Some(Message::Failed(text)),
        b'x' => Some(Message::NotExecuted(Errno::from_raw(text.parse().ok()?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_pipe() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let mut writer = std::fs::File::from(writer);
        let all = [Message::Missing("a b".into()), Message::Failed("ü".into()), Message::NotExecuted(Errno::ENOENT)];
        for message in &all {
            send(&mut writer, message).unwrap();
        }
        drop(writer);
        assert_eq!(receive(reader).unwrap(), all);
    }
}
