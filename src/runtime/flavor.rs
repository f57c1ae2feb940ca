//! The four families of runtimes, told apart by how they read their command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A family of runtimes that read a command line the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// runc, and wrappers that call it.
    Runc,
    /// crun, by glibc's argp.
    Crun,
    /// youki, by clap.
    Youki,
    /// gVisor's runsc, by Go's flag package.
    Runsc,
}

/// The subcommands that are about one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subcommand {
    /// Makes a container.
    Create,
    /// Makes a container and starts it.
    Run,
    /// Makes a container from a checkpoint.
    Restore,
    /// Starts a process in a container.
    Exec,
    /// Deletes a container.
    Delete,
    /// Starts a container that was made.
    Start,
    /// Prints a container's state.
    State,
    /// Sends a signal.
    Kill,
    /// Freezes a container.
    Pause,
    /// Thaws it.
    Resume,
    /// Lists a container's processes.
    Ps,
    /// Prints what happens in a container.
    Events,
    /// Changes a container's limits.
    Update,
    /// Writes a container's image to the disk.
    Checkpoint,
}

/// Every subcommand by its name.
const SUBCOMMANDS: [(&str, Subcommand); 14] = [
    ("create", Subcommand::Create),
    ("run", Subcommand::Run),
    ("restore", Subcommand::Restore),
    ("exec", Subcommand::Exec),
    ("delete", Subcommand::Delete),
    ("start", Subcommand::Start),
    ("state", Subcommand::State),
    ("kill", Subcommand::Kill),
    ("pause", Subcommand::Pause),
    ("resume", Subcommand::Resume),
    ("ps", Subcommand::Ps),
    ("events", Subcommand::Events),
    ("update", Subcommand::Update),
    ("checkpoint", Subcommand::Checkpoint),
];

impl Subcommand {
    /// The subcommand of that name.
    #[must_use]
    pub fn named(word: &OsStr) -> Option<Subcommand> {
        SUBCOMMANDS.iter().find(|(name, _)| word == *name).map(|(_, subcommand)| *subcommand)
    }

    /// Whether it makes a container.
    #[must_use]
    pub fn creates(self) -> bool {
        matches!(self, Subcommand::Create | Subcommand::Run | Subcommand::Restore)
    }
}

impl Flavor {
    /// All of them.
    pub const ALL: [Flavor; 4] = [Flavor::Runc, Flavor::Crun, Flavor::Youki, Flavor::Runsc];

    /// The flavor of a runtime of that file name. What is not known reads its command line as runc does, because
    /// wrappers imitate runc.
    #[must_use]
    pub fn of_runtime(name: &OsStr) -> Flavor {
        let name = name.as_bytes();
        let begins = |prefix: &str| name.starts_with(prefix.as_bytes());
        if begins("crun") || begins("krun") {
            Flavor::Crun
        } else if begins("youki") {
            Flavor::Youki
        } else if begins("runsc") {
            Flavor::Runsc
        } else {
            Flavor::Runc
        }
    }

    /// The flavor of the runtime at that path, by its file's name.
    #[must_use]
    pub fn of_path(path: &Path) -> Flavor {
        Flavor::of_runtime(path.file_name().unwrap_or_default())
    }

    /// The flavor that is called after that runtime.
    #[must_use]
    pub fn named(name: &str) -> Option<Flavor> {
        Flavor::ALL.into_iter().find(|flavor| flavor.name() == name)
    }

    /// The name of the runtime that the flavor is called after.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Flavor::Runc => "runc",
            Flavor::Crun => "crun",
            Flavor::Youki => "youki",
            Flavor::Runsc => "runsc",
        }
    }
}
