//! The job's process: started as near to what is wanted as the kernel lets, heard until it is its command, and waited for.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sched::CloneFlags;

use super::child::{self, Message, Preparation, Strictness, Unshared};
use super::place::{Born, Place, PlaceError};
use super::supervise::{self, Signals};
use super::witness::Witness;
use super::{Isolation, Request, Run, RunError};
use crate::system::clone::{Child, CloneError, Side, clone_process};
use crate::system::disposition::Disposition;
use crate::system::os_error::OsError;

impl Run<'_> {
    /// Starts the child, as near to what is wanted as the kernel lets.
    pub(super) fn birth(
        &mut self,
        place: Option<&Place>,
        signals: &Signals,
        sigchld: Disposition,
    ) -> Result<(Child, OwnedFd), RunError> {
        let wanted = namespaces(self.request);
        let into = place.and_then(Place::birth);
        let mut attempts = vec![(wanted, into, Born::Inside, Unshared::AtBirth)];
        if into.is_some() {
            attempts.push((wanted, None, Born::Outside, Unshared::AtBirth));
        }
        attempts.push((CloneFlags::empty(), None, Born::Outside, Unshared::ByItself));
        let mut last = CloneError::Kernel(Errno::ENOSYS);
        for (flags, cgroup, born, unshared) in attempts {
            let born = if cgroup.is_some() { born } else { Born::Outside };
            let entrances = place.map_or(Ok(Vec::new()), |place| place.entrances(born)).map_err(PlaceError::from)?;
            let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)
                .map_err(|errno| RunError::Kernel { what: "make a pipe", errno })?;
            let preparation = Preparation {
                command: &self.request.command,
                settings: &self.request.settings,
                kept: &self.request.kept,
                namespaces: wanted,
                unshared,
                entrances,
                mask: signals.before(),
                sigchld,
                parent: nix::unistd::getpid().as_raw(),
                user: (nix::unistd::geteuid(), nix::unistd::getegid()),
                strictness: self.request.strictness,
            };
            match clone_process(flags, cgroup) {
                Ok(Side::Parent(child)) => return Ok((child, reader)),
                Ok(Side::Child) => {
                    drop(reader);
                    child::become_command(&preparation, writer)
                }
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    /// Hears what the child has to say, then waits for the end of the command.
    pub(super) fn until_its_end(
        &mut self,
        child: &Child,
        pipe: OwnedFd,
        signals: &Signals,
        witness: Option<&mut Witness>,
    ) -> Result<supervise::End, RunError> {
        let messages = child::receive(pipe)
            .map_err(|error| RunError::Kernel { what: "read a pipe", errno: OsError::from(error).0 })?;
        let mut failed = None;
        for message in messages {
            match message {
                Message::Missing(text) => {
                    self.miss(format!("the job shares what it should have of its own: {text}"))?;
                }
                Message::Failed(text) if self.request.strictness == Strictness::Refuse => {
                    failed = Some(RunError::Refused(text));
                }
                Message::Failed(text) => failed = Some(RunError::Child(text)),
                Message::NotExecuted(errno) => {
                    let program = self.request.command.first().map(CString::as_bytes).unwrap_or_default();
                    let covered =
                        errno == Errno::ENOENT && self.request.settings.covers(Path::new(OsStr::from_bytes(program)));
                    failed =
                        Some(RunError::NotExecuted { program: OsString::from_vec(program.to_owned()), errno, covered });
                }
            }
        }
        let end = supervise::supervise(child, signals, witness)
            .map_err(|errno| RunError::Kernel { what: "wait for the command", errno })?;
        failed.map_or(Ok(end), Err)
    }
}

/// The namespaces that the job gets.
fn namespaces(request: &Request) -> CloneFlags {
    if request.isolation == Isolation::Nothing {
        return CloneFlags::empty();
    }
    let mut flags = CloneFlags::CLONE_NEWIPC;
    if !request.settings.shared.is_empty() || !request.settings.tmpfs.is_empty() {
        flags |= CloneFlags::CLONE_NEWNS;
    }
    if !crate::system::capabilities::has_sys_admin(Path::new("/proc")) {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    flags
}
