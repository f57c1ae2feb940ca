//! How engines are set up: by which program each of them starts what it is asked to start.
//!
//! One engine is one file here, which reads its command line and its configuration as that engine does. The answer is
//! what `oomshim protect` and `oomshim doctor` need: whether a build step would inherit the daemon's immunity.

pub mod buildkitd;
pub mod command;
pub mod containerd;
pub mod crio;
pub mod dockerd;
pub mod launch;
pub mod nvidia;
pub mod podman;
mod program;
pub mod remedy;
pub mod route;
pub mod standing;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::system::os_error::OsError;
pub use launch::Launch;
pub use remedy::{Change, Remedy};
pub use route::{Inherits, Route, Source, Starter};

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

    /// The systemd unit that it usually is.
    #[must_use]
    pub fn usual_unit(self) -> &'static str {
        match self {
            Engine::Buildkitd => "buildkit.service",
            Engine::Dockerd => "docker.service",
            Engine::Containerd => "containerd.service",
            Engine::Crio => "crio.service",
            Engine::Podman => "podman.service",
        }
    }

    /// The configuration file that it reads first; none for podman, which has many.
    #[must_use]
    pub fn config_file(self, launch: &Launch) -> Option<PathBuf> {
        match self {
            Engine::Buildkitd => Some(buildkitd::config_file(launch)),
            Engine::Dockerd => Some(dockerd::config_file(launch)),
            Engine::Containerd => Some(containerd::config_file(launch)),
            Engine::Crio => Some(crio::config_file(launch)),
            Engine::Podman => None,
        }
    }

    /// The ways by which the engine starts workloads when it is launched like that. `shim` is the path of
    /// `oomshim-runc` that the advice names.
    ///
    /// # Errors
    /// [`EngineError`] when a configuration file that the engine would read cannot be read here.
    pub fn routes(self, launch: &Launch, shim: &Path) -> Result<Vec<Route>, EngineError> {
        let mut routes = match self {
            Engine::Buildkitd => buildkitd::routes(launch, shim),
            Engine::Dockerd => dockerd::routes(launch, shim),
            Engine::Containerd => containerd::routes(launch, shim),
            Engine::Crio => crio::routes(launch, shim),
            Engine::Podman => podman::routes(launch, shim),
        }?;
        for route in routes.iter_mut().filter(|route| matches!(route.starter, Starter::Nvidia(_))) {
            route.remedy = nvidia::remedy(launch, shim);
        }
        Ok(routes)
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

    #[test]
    fn shipped_snippets_make_oomshim_the_runtime() {
        use std::os::unix::fs::PermissionsExt;
        let crun = include_str!("../../hooks/cri-o/oomshim.conf");
        let cases = [
            (Engine::Buildkitd, "/etc/buildkit/buildkitd.toml", include_str!("../../hooks/buildkit/buildkitd.toml")),
            (Engine::Containerd, "/etc/containerd/config.toml", include_str!("../../hooks/containerd/config-v2.toml")),
            (Engine::Containerd, "/etc/containerd/config.toml", include_str!("../../hooks/containerd/config-v3.toml")),
            (Engine::Crio, "/etc/crio/crio.conf.d/50-oomshim.conf", crun),
            (
                Engine::Podman,
                "/etc/containers/containers.conf.d/oomshim.conf",
                include_str!("../../hooks/podman/containers.conf"),
            ),
            (Engine::Dockerd, "/etc/docker/daemon.json", include_str!("../../hooks/docker/daemon.json")),
        ];
        for (engine, file, text) in cases {
            let programs = ["/usr/local/bin/oomshim-runc", "/usr/local/bin/oomshim-crun"];
            let (root, launch) =
                launch::tests::engine(engine.name(), &[(file, text), (programs[0], "x"), (programs[1], "x")]);
            for program in programs {
                let path = root.path().join(program.trim_start_matches('/'));
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
            // The BuildKit in dockerd is the matter of the unit's drop-in.
            let route = engine.routes(&launch, Path::new(programs[0])).unwrap().pop().unwrap();
            assert!(route.is_oomshim(), "{file}: {route:?}");
        }
    }
}
