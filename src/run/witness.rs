//! Tells a signal to the whole process group, which the command got too, from one to `oomshim run` alone: the kernel says who
//! sent a signal, and not to whom.
//!
//! The witness is a process of the same group that does nothing else. The kernel visits the youngest member of a group first
//! (`attach_pid` adds at the head), so what reached this process through the group has reached the witness before.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sched::CloneFlags;
use nix::sys::prctl::{set_name, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::unistd::{getpgid, getpgrp, getpid, getppid};

use super::janitor::close_others;
use super::supervise::Signals;
use crate::system::clone::{Child, CloneError, Side, clone_process, exit_now};
use crate::system::os_error::OsError;

/// How long an answer may take. Somebody may have stopped the witness.
const ANSWER: Duration = Duration::from_millis(500);

/// The witness, as its parent sees it.
#[derive(Debug)]
pub struct Witness {
    line: UnixStream,
    child: Child,
    /// What reached the group and was not asked for yet: the number and the sender of each signal.
    seen: BTreeMap<i32, u32>,
}

impl Witness {
    /// Starts it. It has this process's signals blocked, and reads them where this process does.
    ///
    /// # Errors
    /// [`CloneError`]
    pub fn start(signals: &Signals) -> Result<Witness, CloneError> {
        let (line, other) = UnixStream::pair().map_err(|error| CloneError::Kernel(OsError::from(error).0))?;
        let parent = getpid();
        match clone_process(CloneFlags::empty(), None)? {
            Side::Parent(child) => Ok(Witness { line, child, seen: BTreeMap::new() }),
            Side::Child => {
                drop(line);
                if set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == parent {
                    watch(signals, other);
                }
                exit_now(0)
            }
        }
    }

    /// Whether that signal, which this process got from `sender`, went to the command as well.
    pub fn saw(&mut self, command: &Child, number: i32, sender: u32) -> bool {
        self.ask();
        let is_in_group = getpgid(Some(nix::unistd::Pid::from_raw(command.pid))) == Ok(getpgrp());
        self.seen.remove(&number).is_some_and(|from| from == sender) && is_in_group
    }

    /// Without an answer nothing was seen, and every signal is passed on.
    fn ask(&mut self) {
        use std::io::{Read, Write};
        let _ = self.line.set_read_timeout(Some(ANSWER));
        if self.line.write_all(b"?").is_err() {
            return;
        }
        let mut count = [0];
        if self.line.read_exact(&mut count).is_err() {
            return;
        }
        for _ in 0..count[0] {
            let (mut number, mut sender) = ([0; 4], [0; 4]);
            if self.line.read_exact(&mut number).and_then(|()| self.line.read_exact(&mut sender)).is_err() {
                return;
            }
            self.seen.insert(i32::from_ne_bytes(number), u32::from_ne_bytes(sender));
        }
    }

    /// Goes on with what was stopped together with this process.
    pub fn go_on(&self) {
        let _ = self.child.fd.send(Signal::SIGCONT);
    }

    /// Lets it go.
    pub fn dismiss(self) {
        let _ = self.child.fd.send(Signal::SIGKILL);
        drop(self.line);
        let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(self.child.pid), None);
    }
}

fn watch(signals: &Signals, line: UnixStream) {
    use std::io::{Read, Write};
    let _ = set_name(c"oomshim-witness");
    let line = OwnedFd::from(line);
    let _ = close_others(&[line.as_fd(), signals.as_fd()].map(|fd| std::os::fd::AsRawFd::as_raw_fd(&fd)));
    let mut line = UnixStream::from(line);
    let mut question = [0];
    while line.read_exact(&mut question).is_ok() {
        let mut answer = vec![0];
        while let Ok(Some(info)) = signals.read() {
            // What the kernel sends of its own accord, for the terminal, is told apart without a witness.
            if info.ssi_code <= 0 && answer[0] < u8::MAX {
                answer[0] += 1;
                answer.extend(info.ssi_signo.to_ne_bytes());
                answer.extend(info.ssi_pid.to_ne_bytes());
            }
        }
        if line.write_all(&answer).is_err() {
            return;
        }
    }
}
