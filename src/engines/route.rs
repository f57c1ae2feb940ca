//! A way by which an engine starts workloads: by which program, where that is set, and whose oom_score_adj it inherits.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{Engine, Launch, Remedy, nvidia};
use crate::fsutil::confined::Program;
use crate::runtime::flavor::Flavor;
use crate::text::escape;

/// One way by which an engine starts workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What is started, in the plural: "build steps".
    pub workloads: Cow<'static, str>,
    /// By what.
    pub starter: Starter,
    /// Where that is set.
    pub source: Source,
    /// Whose oom_score_adj a workload inherits where nobody sets one.
    pub inherits: Inherits,
    /// What to write where, so that oomshim starts them.
    pub remedy: Remedy,
}

impl Route {
    /// Whether oomshim starts them.
    #[must_use]
    pub fn is_oomshim(&self) -> bool {
        matches!(self.starter, Starter::Oomshim(_))
    }

    /// Whether making the engine immune would make what it starts immune as well.
    #[must_use]
    pub fn leaks_immunity(&self) -> bool {
        self.inherits == Inherits::Engine && !self.is_oomshim()
    }

    /// What is wrong with the route, and what to do: a sentence, and then [`Remedy`]'s lines.
    #[must_use]
    pub fn warning(&self, engine: Engine) -> String {
        let (engine, workloads, starter) = (engine.name(), &self.workloads, &self.starter);
        format!(
            "{workloads} of {engine} would inherit its immunity: {starter} starts them ({}); {}",
            self.source, self.remedy
        )
    }
}

/// What starts the workloads of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Starter {
    /// oomshim, at this path or behind the wrapper at this path.
    Oomshim(PathBuf),
    /// nvidia-container-runtime, at this path, with another runtime behind it.
    Nvidia(PathBuf),
    /// Another program, at this path.
    Other(PathBuf),
    /// A program that does not exist; the engine will fail to start anything.
    Missing(PathBuf),
}

impl Starter {
    /// What the engine starts when it is told to start `program`.
    #[must_use]
    pub fn of(launch: &Launch, program: &OsStr) -> Starter {
        match launch.find_program(program) {
            None => Starter::Missing(PathBuf::from(program)),
            Some(found) if is_oomshim(&found) => Starter::Oomshim(found.path),
            Some(found) if nvidia::is_nvidia(&found) => match nvidia::behind(launch) {
                Some(behind) if is_oomshim(&behind) => Starter::Oomshim(found.path),
                _ => Starter::Nvidia(found.path),
            },
            Some(found) => Starter::Other(found.path),
        }
    }

    /// The path of the program.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Starter::Oomshim(path) | Starter::Nvidia(path) | Starter::Other(path) | Starter::Missing(path)) = self;
        path
    }

    /// Whose command line the engine speaks to it: the flavor that oomshim must keep in its place.
    #[must_use]
    pub fn flavor(&self) -> Flavor {
        Flavor::of_runtime(self.path().file_name().unwrap_or_default())
    }
}

impl fmt::Display for Starter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&escape::bytes(self.path().as_os_str().as_encoded_bytes()))
    }
}

/// Whether a program is oomshim: by its own name, or a copy by the name of a link to it (`oomshim-crun`).
pub(super) fn is_oomshim(program: &Program) -> bool {
    let behind = program.real_name.to_str().and_then(|name| name.strip_prefix("oomshim-"));
    behind.is_some_and(|name| FLAVORS.iter().any(|flavor| flavor.name() == name))
}

const FLAVORS: [Flavor; 4] = [Flavor::Runc, Flavor::Crun, Flavor::Youki, Flavor::Runsc];

/// The path by which oomshim becomes a runtime of that flavor, and the command that makes it where it does not exist.
///
/// By the name of another flavor it would become another runtime, which knows none of the containers that run: they could
/// no longer be stopped.
pub(crate) fn shim_of(launch: &Launch, shim: &Path, flavor: Flavor) -> (PathBuf, Vec<String>) {
    if flavor == Flavor::Runc {
        return (shim.to_owned(), Vec::new());
    }
    let path = shim.with_file_name(format!("oomshim-{}", flavor.name()));
    let exists = launch.find_program(path.as_os_str()).is_some();
    let target = escape::bytes(shim.file_name().unwrap_or_default().as_encoded_bytes());
    let link = format!("ln -s {target} {}", escape::bytes(path.as_os_str().as_encoded_bytes()));
    (path, if exists { Vec::new() } else { vec![link] })
}

/// The workloads of a handler that pods choose by their `RuntimeClass`.
pub(super) fn of_handler(name: &str) -> Cow<'static, str> {
    format!("pods of the handler {}", escape::text(name)).into()
}

/// Whose oom_score_adj a workload has where its spec says none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherits {
    /// The engine's own.
    Engine,
    /// That of containerd, which does the starting (its shims set themselves one above it).
    Containerd,
    /// Nobody's: the engine always writes one into the spec.
    Nobody,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An option on the command line.
    Option(&'static str),
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(&'static str),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Option(name) => write!(out, "option {name}"),
            Source::File(path) => write!(out, "{}", escape::bytes(path.as_os_str().as_encoded_bytes())),
            Source::Variable(name) => write!(out, "environment variable {name}"),
            Source::Default => write!(out, "the default"),
        }
    }
}
