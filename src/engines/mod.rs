//! How engines are set up: by which program each of them starts what it is asked to start.
//!
//! One engine is one file here, which reads its command line and its configuration as that engine does. The answer is
//! what `oomshim protect` and `oomshim doctor` need: whether a build step would inherit the daemon's immunity.

pub mod buildkitd;
pub mod containerd;
pub mod crio;
pub mod dockerd;
pub mod launch;
pub mod podman;
mod program;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::system::os_error::OsError;
pub use launch::Launch;

/// The name of the shim's program.
pub const SHIM: &str = "oomshim-runc";

/// An engine that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `BuildKit`'s daemon.
    Buildkitd,
    /// Docker's daemon, with a `BuildKit` of its own inside.
    Dockerd,
    /// containerd, as far as Kubernetes asks it for containers.
    Containerd,
    /// CRI-O.
    Crio,
    /// Podman, which needs no daemon.
    Podman,
}

impl Engine {
    /// The engine that this program is, by its file name.
    #[must_use]
    pub fn of_program(program: &OsStr) -> Option<Engine> {
        match Path::new(program).file_name()?.to_str()? {
            "buildkitd" => Some(Engine::Buildkitd),
            "dockerd" => Some(Engine::Dockerd),
            "containerd" => Some(Engine::Containerd),
            "crio" => Some(Engine::Crio),
            "podman" => Some(Engine::Podman),
            _ => None,
        }
    }

    /// The program's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Engine::Buildkitd => "buildkitd",
            Engine::Dockerd => "dockerd",
            Engine::Containerd => "containerd",
            Engine::Crio => "crio",
            Engine::Podman => "podman",
        }
    }

    /// The ways by which the engine starts workloads when it is launched like that. `shim` is the path of
    /// `oomshim-runc` that the advice names.
    ///
    /// # Errors
    /// [`EngineError`] when a configuration file that the engine would read cannot be read here.
    pub fn routes(self, launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
        match self {
            Engine::Buildkitd => buildkitd::routes(launch, shim),
            Engine::Dockerd => dockerd::routes(launch, shim),
            Engine::Containerd => containerd::routes(launch, shim),
            Engine::Crio => crio::routes(launch, shim),
            Engine::Podman => podman::routes(launch, shim),
        }
    }
}

/// One way by which an engine starts workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What is started, in the plural: "build steps".
    pub workloads: &'static str,
    /// By what.
    pub starter: Starter,
    /// Where that is set up.
    pub source: Source,
    /// Whose score a workload inherits where nobody sets one.
    pub inherits: Inherits,
    /// What to write where, so that oomshim-runc starts them.
    pub advice: String,
}

impl Route {
    /// Whether making the engine immune would make what it starts immune as well.
    #[must_use]
    pub fn leaks_immunity(&self) -> bool {
        self.inherits == Inherits::Engine && !matches!(self.starter, Starter::Oomshim(_))
    }

    /// What is wrong with the route, in a sentence, and how to mend it.
    #[must_use]
    pub fn warning(&self, engine: Engine) -> String {
        let program = crate::text::escape::bytes(self.starter.path().as_os_str().as_encoded_bytes());
        let (engine, workloads) = (engine.name(), self.workloads);
        format!(
            "{workloads} of {engine} would inherit its immunity: {program} starts them ({}); {}",
            self.source, self.advice
        )
    }
}

/// What starts the workloads of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Starter {
    /// oomshim-runc, at this path.
    Oomshim(PathBuf),
    /// Another program, at this path.
    Other(PathBuf),
    /// A program that is not there; the engine will fail to start anything.
    Missing(PathBuf),
}

impl Starter {
    /// What the engine starts when it is told to start `program`.
    #[must_use]
    pub fn of(launch: &Launch, program: &OsStr) -> Starter {
        match launch.find_program(program) {
            None => Starter::Missing(PathBuf::from(program)),
            Some(found) if found.real_name == SHIM => Starter::Oomshim(found.path),
            Some(found) => Starter::Other(found.path),
        }
    }

    /// The path of the program.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Starter::Oomshim(path) | Starter::Other(path) | Starter::Missing(path)) = self;
        path
    }
}

/// Whose score a workload has where its spec says none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherits {
    /// The engine's own.
    Engine,
    /// That of containerd, which does the starting (its shims set themselves one above it).
    Containerd,
    /// Nobody's: the engine always writes a score into the spec.
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
            Source::File(path) => write!(out, "{}", crate::text::escape::bytes(path.as_os_str().as_encoded_bytes())),
            Source::Variable(name) => write!(out, "environment variable {name}"),
            Source::Default => write!(out, "the default"),
        }
    }
}

/// Why it cannot be told what an engine starts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable {
        /// The file, as the engine names it.
        path: PathBuf,
        /// Why not.
        reason: OsError,
    },
    /// The file is not written in its language.
    #[error("{} is malformed: {message}", .path.display())]
    Malformed {
        /// The file, as the engine names it.
        path: PathBuf,
        /// What the parser says, in one line.
        message: String,
    },
}

/// What is to be said before a daemon is made immune: for each way by which it would hand the immunity on to what it
/// starts, a sentence with the setting that mends it. Nothing for a command that is no known engine.
#[must_use]
pub fn inherited_immunity_warnings(command: &[OsString]) -> Vec<String> {
    // It may stand behind a wrapper: `rootlesskit buildkitd`, `tini -- dockerd`.
    let Some((at, engine)) = command.iter().enumerate().find_map(|(at, arg)| Some((at, Engine::of_program(arg)?)))
    else {
        return Vec::new();
    };
    match engine.routes(&Launch::of_command(&command[at..]), &shim_path()) {
        Ok(routes) => routes.iter().filter(|route| route.leaks_immunity()).map(|route| route.warning(engine)).collect(),
        Err(error) => {
            vec![format!("cannot tell whether what {} starts would inherit its immunity: {error}", engine.name())]
        }
    }
}

/// Where oomshim-runc is: beside this program, or where `make install` puts it.
#[must_use]
pub fn shim_path() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(SHIM));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| Path::new("/usr/local/bin").join(SHIM))
}

/// The last value of an option `--name` on a command line of Go's flag packages, `names` without dashes.
///
/// Engines take no positional arguments, so a word without a dash behind an option is the option's value.
pub(crate) fn option<'a>(args: &'a [OsString], name: &str) -> Option<&'a OsStr> {
    options(args, name).last()
}

/// All values of an option, in their order.
pub(crate) fn options<'a>(args: &'a [OsString], name: &str) -> impl Iterator<Item = &'a OsStr> {
    let mut rest = args.iter().skip(1);
    let name = name.as_bytes().to_owned();
    std::iter::from_fn(move || {
        while let Some(word) = rest.next() {
            let Some(given) = word.as_encoded_bytes().strip_prefix(b"-") else { continue };
            let given = given.strip_prefix(b"-").unwrap_or(given);
            if given.is_empty() && word.len() == 2 {
                // `--` ends the options.
                rest.by_ref().for_each(drop);
                return None;
            }
            if given == name {
                return rest.next().map(OsString::as_os_str);
            }
            if let Some(value) = given.strip_prefix(name.as_slice()).and_then(|value| value.strip_prefix(b"=")) {
                return Some(std::os::unix::ffi::OsStrExt::from_bytes(value));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heirs_are_named_with_what_to_write() {
        let of = |line: &str| inherited_immunity_warnings(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("nginx -c x"), [""; 0]);
        let [warning] = <[String; 1]>::try_from(of("tini -- /x/buildkitd --config /absent --oci-worker=true --containerd-worker=false --oci-worker-binary /bin/sh")).unwrap();
        assert!(warning.starts_with("build steps of buildkitd would inherit its immunity: /bin/sh starts them (option --oci-worker-binary); give buildkitd --oci-worker-binary="), "{warning}");
        let [warning] = <[String; 1]>::try_from(of("dockerd --config-file /proc/self/mem")).unwrap();
        assert!(warning.contains("cannot tell whether what dockerd starts"), "{warning}");
    }

    #[test]
    fn options_are_read_as_gos_flag_packages_do() {
        let of = |line: &str, name: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            option(&args, name).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(of("buildkitd --config /a", "config"), Some("/a".into()));
        assert_eq!(of("buildkitd -config=/a --config /b", "config"), Some("/b".into()));
        assert_eq!(of("buildkitd --config-x /a", "config"), None);
        assert_eq!(of("buildkitd --config --debug", "config"), Some("--debug".into()), "a value may begin with a dash");
        assert_eq!(of("buildkitd -- --config /a", "config"), None);
        assert_eq!(of("--config /a", "config"), None, "the program's own name is no option");
    }
}
