//! The policy: what classes there are ([`class`]), which rule gives which ([`rule`]), what holds without a file
//! ([`built_in()`]), how the file is read ([`mod@file`]), and the decision itself ([`decide`]). Pure: values in, values
//! out; only [`file::load`] opens a file.

mod built_in;
pub mod class;
pub mod decide;
pub mod file;
pub mod guard;
mod parse;
pub mod rule;
pub mod show;
mod skip;

use std::path::PathBuf;

pub use built_in::built_in;
use class::Class;
use rule::{ClassRef, Rule};

use crate::log::Log;
use crate::runtime::flavor::Flavor;
use crate::runtime::locate::Configured;

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
    /// What `oomshim guard` does.
    pub guard: guard::Guard,
    /// What `oomshim run` does when its command line does not say.
    pub run: Run,
}

/// What holds for `oomshim run` when its command line does not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The cgroup below which jobs get theirs, by its path below the cgroup mount; it is made where it is missing.
    pub parent: Option<PathBuf>,
    /// The class of jobs; absent means the default one.
    pub class: Option<ClassRef>,
}

impl Policy {
    /// What it says about the runtime.
    #[must_use]
    pub fn configured_runtime(&self) -> Configured<'_> {
        Configured { path: self.runtime.as_deref(), flavor: self.flavor }
    }

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
