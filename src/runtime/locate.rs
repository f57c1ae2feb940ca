//! Where the real runtime is. It is never oomshim itself: that would be a loop that nobody sees the end of.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use thiserror::Error;

use super::flavor::Flavor;
use crate::system::os_error::OsError;

/// The runtimes that are looked for, in this order.
const NAMES: [&str; 4] = ["buildkit-runc", "runc", "crun", "youki"];

/// The directories that are looked through behind those of PATH: podman calls the runtime with no PATH at all.
const DIRECTORIES: [&str; 7] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/run/current-system/sw/bin"];

/// Why there is no runtime to become.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LocateError {
    /// The configured path cannot be started.
    #[error("cannot start the runtime {}: {reason}; set `path` under [runtime] in the policy", .path.display())]
    Unusable {
        /// The path from the policy.
        path: PathBuf,
        /// Why not.
        reason: OsError,
    },
    /// The configured path is a directory, a socket or the like.
    #[error("the runtime {} is not a file; set `path` under [runtime] in the policy", .0.display())]
    NotAFile(PathBuf),
    /// The configured path is oomshim.
    #[error("the runtime {} is oomshim itself; set `path` under [runtime] in the policy to the real one", .0.display())]
    Itself(PathBuf),
    /// Nothing was found.
    #[error(
        "found none of buildkit-runc, runc, crun and youki in PATH and the usual directories; \
         install one or set `path` under [runtime] in the policy"
    )]
    NoneFound,
}

/// What tells oomshim from a runtime: its own file. Looked at when it is first needed.
#[derive(Debug)]
pub struct SelfExe {
    path: PathBuf,
    metadata: OnceCell<Option<Metadata>>,
}

impl SelfExe {
    /// The file that this process was started from. Where no `/proc` is mounted nothing is known to be oomshim, and the
    /// mark that [`crate::system::exec`] leaves ends the loop.
    #[must_use]
    pub fn of(proc: &Path) -> SelfExe {
        SelfExe { path: proc.join("self/exe"), metadata: OnceCell::new() }
    }

    /// As if this process had been started from that file.
    #[cfg(test)]
    pub(super) fn of_file(path: &Path) -> SelfExe {
        SelfExe { path: path.to_owned(), metadata: OnceCell::new() }
    }

    /// Whether that file is this program: the same inode, or a copy of it.
    fn is(&self, path: &Path, found: &Metadata) -> bool {
        let Some(own) = self.metadata.get_or_init(|| std::fs::metadata(&self.path).ok()) else { return false };
        inode(own) == inode(found) || own.len() == found.len() && same_bytes(&self.path, path).unwrap_or(false)
    }
}

pub(super) fn inode(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// A runtime that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Its path.
    pub path: PathBuf,
    /// How it reads its command line.
    pub flavor: Flavor,
    /// The device and the inode of the program.
    pub inode: (u64, u64),
}

fn same_bytes(one: &Path, other: &Path) -> std::io::Result<bool> {
    let (mut one, mut other) = (std::fs::File::open(one)?, std::fs::File::open(other)?);
    let (mut left, mut right) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(false);
        }
    }
}

/// What a policy says about the runtime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Configured<'a> {
    /// Its path.
    pub path: Option<&'a Path>,
    /// How it reads its command line, where its name does not tell.
    pub flavor: Option<Flavor>,
}

impl Configured<'_> {
    /// How the configured runtime reads its command line; `None` where nothing is said about it.
    #[must_use]
    pub fn flavor(&self) -> Option<Flavor> {
        self.flavor.or_else(|| self.path.map(Flavor::of_path))
    }
}

/// Finds the runtime: the configured one, or the first of the known names in PATH and the usual directories.
///
/// `invoked_as` is `argv[0]`: where an engine calls oomshim under the name of a runtime (`crun`, `oomshim-crun`), that one
/// is looked for first, because the engine speaks its command line. It also goes before a configured runtime of
/// another flavor, which the engine does not speak.
///
/// # Errors
/// [`LocateError`]
pub fn locate(
    configured: Configured<'_>,
    invoked_as: &OsStr,
    path: Option<&OsStr>,
    own: &SelfExe,
) -> Result<Located, LocateError> {
    let preferred = preferred(invoked_as);
    let mut names: Vec<&OsStr> = preferred.iter().map(OsString::as_os_str).collect();
    let configured = configured.path.zip(configured.flavor());
    match configured {
        Some((path, flavor)) if preferred.as_deref().is_none_or(|name| Flavor::of_runtime(name) == flavor) => {
            return usable(path, flavor, own);
        }
        Some(_) => {}
        None => names.extend(NAMES.iter().map(OsStr::new)),
    }
    // A relative directory in PATH would let the working directory choose what root runs.
    let of_path = path.unwrap_or_default().as_bytes().split(|&byte| byte == b':').filter(|dir| dir.starts_with(b"/"));
    let directories: Vec<&Path> =
        of_path.map(|dir| Path::new(OsStr::from_bytes(dir))).chain(DIRECTORIES.map(Path::new)).collect();
    for name in names {
        for directory in &directories {
            if let Ok(found) = usable(&directory.join(name), Flavor::of_runtime(name), own) {
                return Ok(found);
            }
        }
    }
    // Better the configured one with a foreign command line, which says so, than none.
    configured.map_or(Err(LocateError::NoneFound), |(path, flavor)| usable(path, flavor, own))
}

/// The runtime whose name oomshim was called by.
fn preferred(invoked_as: &OsStr) -> Option<OsString> {
    let name = Path::new(invoked_as).file_name()?.as_bytes();
    let name = name.strip_prefix(b"oomshim-").unwrap_or(name);
    let known = NAMES.iter().chain(["runsc", "krun"].iter()).any(|known| known.as_bytes() == name);
    // `oomshim-runc` is the program's own name and says nothing about which runtime is meant.
    (known && name != b"runc").then(|| OsStr::from_bytes(name).to_owned())
}

pub(super) fn usable(path: &Path, flavor: Flavor, own: &SelfExe) -> Result<Located, LocateError> {
    let unusable = |reason| LocateError::Unusable { path: path.to_owned(), reason };
    let metadata = std::fs::metadata(path).map_err(|error| unusable(error.into()))?;
    if !metadata.is_file() {
        return Err(LocateError::NotAFile(path.to_owned()));
    }
    // Not faccessat2, which asks by the effective user: seccomp profiles older than the call answer it with EPERM, and
    // nobody makes this program set-user-ID.
    access(path, AccessFlags::X_OK).map_err(|errno| unusable(OsError(errno)))?;
    if own.is(path, &metadata) {
        return Err(LocateError::Itself(path.to_owned()));
    }
    Ok(Located { path: path.to_owned(), flavor, inode: inode(&metadata) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(directory: &Path, name: &str, text: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn nobody() -> SelfExe {
        SelfExe::of(Path::new("/nowhere"))
    }

    fn configured(path: &Path) -> Configured<'_> {
        Configured { path: Some(path), flavor: None }
    }

    fn path_of(found: Result<Located, LocateError>) -> Result<PathBuf, LocateError> {
        found.map(|found| found.path)
    }

    #[test]
    fn itself_and_its_copies_are_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let dirs: Vec<PathBuf> = ["a", "b", "c", "d"].iter().map(|name| directory.path().join(name)).collect();
        for dir in &dirs {
            std::fs::create_dir(dir).unwrap();
        }
        let shim = program(&dirs[0], "runc", "the shim");
        program(&dirs[1], "runc", "the shim");
        std::os::unix::fs::symlink(&shim, dirs[2].join("runc")).unwrap();
        let real = program(&dirs[3], "runc", "a runtime");
        let path = std::env::join_paths(&dirs).unwrap();
        assert_eq!(
            path_of(locate(Configured::default(), OsStr::new("runc"), Some(&path), &SelfExe::of_file(&shim))),
            Ok(real)
        );
        for itself in &dirs[..3] {
            let itself = itself.join("runc");
            assert_eq!(
                locate(configured(&itself), OsStr::new("x"), None, &SelfExe::of_file(&shim)),
                Err(LocateError::Itself(itself))
            );
        }
    }

    #[test]
    fn the_name_it_is_called_by_is_looked_for_first() {
        let directory = tempfile::tempdir().unwrap();
        let [runc, crun] = ["runc", "crun"].map(|name| program(directory.path(), name, name));
        let path = directory.path().as_os_str();
        let of = |name: &str| locate(Configured::default(), OsStr::new(name), Some(path), &nobody()).unwrap().path;
        assert_eq!(
            (of("/x/oomshim-crun"), of("crun"), of("oomshim-runc"), of("")),
            (crun.clone(), crun, runc.clone(), runc)
        );
    }

    #[test]
    fn a_name_of_another_flavor_goes_before_the_configured_runtime() {
        let directory = tempfile::tempdir().unwrap();
        let [wrapper, runc, crun] = ["wrapper", "runc", "crun"].map(|name| program(directory.path(), name, name));
        let path = directory.path().as_os_str();
        let of = |flavor, name: &str| {
            locate(Configured { flavor, ..configured(&wrapper) }, OsStr::new(name), Some(path), &nobody()).unwrap().path
        };
        assert_eq!(of(None, "oomshim-crun"), crun, "the engine speaks crun's language");
        assert_eq!(of(Some(Flavor::Crun), "oomshim-crun"), wrapper, "and so does what is configured");
        assert_eq!((of(None, "runc"), of(None, "buildkit-runc")), (wrapper.clone(), wrapper.clone()));
        std::fs::remove_file(&crun).unwrap();
        assert_ne!(of(None, "oomshim-crun"), runc);
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let of = |path: &Path| locate(configured(path), OsStr::new("x"), None, &nobody()).unwrap_err().to_string();
        assert!(of(&plain).contains("access is refused (EACCES); set `path`"), "{}", of(&plain));
        assert!(of(&directory.path().join("absent")).contains("not found (ENOENT)"));
        assert!(of(directory.path()).contains("is not a file"));
    }

    #[test]
    fn krun_is_looked_for_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let [_, krun] = ["crun", "krun"].map(|name| program(directory.path(), name, name));
        for name in ["krun", "oomshim-krun"] {
            let found =
                locate(Configured::default(), OsStr::new(name), Some(directory.path().as_os_str()), &nobody()).unwrap();
            assert_eq!((&found.path, found.flavor), (&krun, Flavor::Crun), "{name}");
        }
    }

    #[test]
    fn relative_directories_of_path_are_not_searched() {
        // A name that no machine has, so that only PATH can give it.
        let directory = tempfile::Builder::new().prefix("oomshim-").tempdir_in(".").unwrap();
        program(directory.path(), "youki", "");
        let relative = directory.path().file_name().unwrap();
        assert!(Path::new(relative).join("youki").is_file(), "it would be found from here");
        let find =
            |path: &OsStr| locate(Configured::default(), OsStr::new("youki"), Some(path), &nobody()).map(|it| it.path);
        let absolute = std::path::absolute(relative).unwrap();
        assert_eq!(find(absolute.as_os_str()), Ok(absolute.join("youki")));
        assert_ne!(find(relative).unwrap_or_default().file_name(), Some(OsStr::new("youki")));
    }
}
