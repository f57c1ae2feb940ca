//! The policy: what classes there are ([`class`]), which rule gives which ([`rule`]), what holds without a file
//! ([`built_in()`]), how the file is read ([`mod@file`]), and the decision itself ([`decide`]). Pure: values in, values
//! out; only [`file::load`] opens a file.

mod built_in;
pub mod class;
pub mod decide;
pub mod explain;
pub mod file;
mod parse;
pub mod rule;
pub mod show;

use std::path::PathBuf;

pub use built_in::built_in;
use class::Class;
use rule::{ClassRef, Rule};

use crate::runtime::flavor::Flavor;

/// Everything an administrator can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The classes by name; the built-in ones are always among them.
    pub classes: Vec<Class>,
    /// The rules in order; the first that holds decides. The built-in one stands last.
    pub rules: Vec<Rule>,
    /// What a workload gets that no rule speaks of.
    pub default: ClassRef,
    /// The real runtime's absolute path; absent means that it is looked up.
    pub runtime: Option<PathBuf>,
    /// How the runtime's command line is read; absent means that its name tells.
    pub flavor: Option<Flavor>,
    /// Whether a container whose score cannot be set is refused.
    pub strict: bool,
    /// Where records go.
    pub log: Log,
}

/// Where records go and how much is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Where records go.
    pub to: LogTo,
    /// The least important record that is still written.
    pub level: Level,
}

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTo {
    /// journald's native protocol, `/run/systemd/journal/socket`.
    Journald,
    /// The syslog socket, `/dev/log`.
    Syslog,
    /// A file that lines of JSON are appended to; its path is absolute.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// How important a record is, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The container was refused.
    Error,
    /// The container runs, but not with what its class says.
    Warn,
    /// What was done.
    Info,
    /// What was looked at and left alone.
    Debug,
}

impl Level {
    /// The word for it, as in the policy file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

impl Policy {
    /// The class of that name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.name == name)
    }

    /// What a reference to a class stands for; `None` for `keep`.
    #[must_use]
    pub fn resolve(&self, class: &ClassRef) -> Option<&Class> {
        match class {
            ClassRef::Keep => None,
            ClassRef::Named(name) => self.class(name),
        }
    }
}
