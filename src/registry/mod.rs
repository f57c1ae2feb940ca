//! What oomshim remembers of each container that it started: a small file below `/run/oomshim`, written when the
//! container is made, so that `report` and `rank` can name its class and command.
//!
//! Engines delete a container as soon as it has died, before anybody can ask why. So a deleted one's record moves to one
//! of a fixed number of places, where it stays until another takes its place: a rename costs what an unlink does.
//!
//! It must cost next to nothing and never be a reason to fail: one file, made in one piece, no sync, and every error is
//! the caller's to ignore. The directory is root's alone. No symbolic link is followed and no other file is written to.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::Result;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::fsutil::private_directory;

/// Below which the directory of records is.
pub const ROOT: &str = "/run";

/// The directory of records, below the root.
const DIRECTORY: &str = "oomshim";

/// The largest record in bytes.
const LIMIT: usize = 8 * 1024;

/// How many deleted containers have a place.
const PLACES: u64 = 128;

/// The longest name of a file that file systems take, in bytes.
const NAME: usize = 255;

/// What is remembered of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its id on the runtime's command line.
    pub id: OsString,
    /// The bundle's absolute path.
    pub bundle: PathBuf,
    /// The name of its class.
    pub class: String,
    /// The score that it was given.
    pub score: Option<i16>,
    /// `linux.cgroupsPath` of the spec: a path, or `slice:prefix:name`.
    pub cgroup: OsString,
    /// `process.args`, as far as they fit.
    pub command: Vec<OsString>,
}

/// Writes down a container, in place of an older one of the same id.
///
/// # Errors
/// The kernel's. A container that is not remembered is started all the same.
pub fn record(root: &Path, container: &Container) -> Result<()> {
    let bytes = encode(container);
    if bytes.len() > LIMIT {
        return Err(Errno::E2BIG);
    }
    let directory = private_directory::open_or_create(&root.join(DIRECTORY))?;
    let name = file_name(&container.id);
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let fd = match nix::fcntl::openat(&directory, &*name, flags, mode) {
        // Left behind by a container that nobody deleted.
        Err(Errno::EEXIST) => {
            unlinkat(&directory, &*name, UnlinkatFlags::NoRemoveDir)?;
            nix::fcntl::openat(&directory, &*name, flags, mode)?
        }
        other => other?,
    };
    match nix::unistd::write(&fd, &bytes) {
        Ok(count) if count == bytes.len() => Ok(()),
        outcome => {
            // Half of a record would say something that is not so.
            let _ = unlinkat(&directory, &*name, UnlinkatFlags::NoRemoveDir);
            outcome.and(Err(Errno::ENOSPC))
        }
    }
}

/// Arity a container off the list of those that are there.
///
/// # Errors
/// The kernel's; none when there is no such record.
pub fn archive(root: &Path, id: &OsStr) -> Result<()> {
    let place = format!("d{}", checksum(id.as_bytes()) % PLACES);
    let rename = || {
        let directory = private_directory::open(&root.join(DIRECTORY))?;
        nix::fcntl::renameat(&directory, &*file_name(id), &directory, &*place)
    };
    match rename() {
        Err(Errno::ENOENT) => Ok(()),
        other => other,
    }
}

/// The containers that are there, those left out that cannot be read.
#[must_use]
pub fn all(root: &Path) -> Vec<Container> {
    list(root, b'c')
}

/// The containers that were deleted lately.
#[must_use]
pub fn deleted(root: &Path) -> Vec<Container> {
    list(root, b'd')
}

fn list(root: &Path, kind: u8) -> Vec<Container> {
    let Ok(directory) = private_directory::open(&root.join(DIRECTORY)) else { return Vec::new() };
    let listed = Dir::openat(&directory, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    let Ok(entries) = listed else { return Vec::new() };
    let names = entries.into_iter().filter_map(|entry| Some(entry.ok()?.file_name().to_bytes().to_owned()));
    let mut containers: Vec<Container> =
        names.filter(|name| name.first() == Some(&kind)).filter_map(|name| read(&directory, &name)).collect();
    containers.sort_by(|one, other| one.id.cmp(&other.id));
    containers
}

/// The container whose cgroup that is, or is above it. `path` is the kernel's, from the memory controller's root.
#[must_use]
pub fn find_by_cgroup<'a>(containers: &'a [Container], path: &Path) -> Option<&'a Container> {
    containers.iter().find(|container| container.owns(path))
}

impl Container {
    /// Whether the cgroup at that path is the container's or below it.
    #[must_use]
    pub fn owns(&self, path: &Path) -> bool {
        let wanted = self.cgroup_tail();
        let wanted: Vec<_> =
            wanted.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
        let parts: Vec<_> = path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
        // Where the engine runs in a cgroup namespace, the kernel's path begins with more than the engine knows.
        !wanted.is_empty() && parts.windows(wanted.len()).any(|window| window == wanted)
    }

    /// The end of the path that its cgroup has: of `slice:prefix:name` systemd makes `prefix-name.scope`, and without
    /// any path the runtime takes the id.
    fn cgroup_tail(&self) -> PathBuf {
        let parts: Vec<&[u8]> = self.cgroup.as_bytes().split(|&byte| byte == b':').collect();
        match parts[..] {
            [_, prefix, name] if !self.cgroup.as_bytes().contains(&b'/') => {
                let mut unit = prefix.to_owned();
                if !prefix.is_empty() {
                    unit.push(b'-');
                }
                unit.extend_from_slice(name);
                if !name.ends_with(b".slice") {
                    unit.extend_from_slice(b".scope");
                }
                PathBuf::from(OsString::from_vec(unit))
            }
            _ if self.cgroup.is_empty() => PathBuf::from(&self.id),
            _ => PathBuf::from(&self.cgroup),
        }
    }
}

/// The id as a file name: letters, digits, `-`, `_` and dots inside stay, all else is `%` and two hexadecimal digits.
/// What would be too long ends in a checksum.
fn file_name(id: &OsStr) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut name = Vec::with_capacity(id.len() + 1);
    // The first letter keeps `.` and `..` away.
    name.push(b'c');
    for &byte in id.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(byte);
        } else {
            name.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    if name.len() > NAME {
        let sum = checksum(id.as_bytes());
        name.truncate(NAME - 17);
        name.push(b'~');
        name.extend(format!("{sum:016x}").into_bytes());
    }
    name
}

/// FNV-1a, 64 bits: it only has to keep long names apart.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Strings that end in NUL, from which any is left out that is in them: version, id, bundle, class, score, cgroup, and the command.
fn encode(container: &Container) -> Vec<u8> {
    let score = container.score.map(|score| score.to_string()).unwrap_or_default();
    let fixed: [&[u8]; 6] = [
        b"1",
        container.id.as_bytes(),
        container.bundle.as_os_str().as_bytes(),
        container.class.as_bytes(),
        score.as_bytes(),
        container.cgroup.as_bytes(),
    ];
    let mut bytes = Vec::new();
    // A spec may say NUL where no runtime would take it; here it would move the fields behind it.
    let field = |word: &[u8], bytes: &mut Vec<u8>| {
        bytes.extend(word.iter().filter(|&&byte| byte != 0));
        bytes.push(0);
    };
    for word in fixed {
        field(word, &mut bytes);
    }
    for word in &container.command {
        if bytes.len() + word.len() >= LIMIT {
            break;
        }
        field(word.as_bytes(), &mut bytes);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Container> {
    let bytes = bytes.strip_suffix(b"\0")?;
    let mut words = bytes.split(|&byte| byte == 0).map(OsStr::from_bytes);
    let mut next = || words.next().map(OsStr::to_owned);
    (next()? == "1").then_some(())?;
    let (id, bundle, class, score, cgroup) = (next()?, next()?, next()?, next()?, next()?);
    let command = words.map(OsStr::to_owned).collect();
    let score = score.to_str()?.parse().ok();
    Some(Container { id, bundle: bundle.into(), class: class.into_string().ok()?, score, cgroup, command })
}

fn read(directory: &OwnedFd, name: &[u8]) -> Option<Container> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let fd = nix::fcntl::openat(directory, OsStr::from_bytes(name), flags, Mode::empty()).ok()?;
    let mut bytes = vec![0; LIMIT + 1];
    let mut length = 0;
    loop {
        match nix::unistd::read(&fd, &mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
    decode(&bytes[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn container(id: &str) -> Container {
        Container {
            id: id.into(),
            bundle: "/b".into(),
            class: "build-step".into(),
            score: Some(500),
            cgroup: "/buildkit/x".into(),
            command: vec!["sh".into(), "-c".into(), OsStr::from_bytes(b"make \xff\n").to_owned()],
        }
    }

    #[test]
    fn what_is_remembered_is_found_until_it_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (container("one"), container("two"));
        record(root.path(), &one).unwrap();
        record(root.path(), &two).unwrap();
        assert_eq!(all(root.path()), [one.clone(), two.clone()]);
        let newer = Container { class: "daemon".into(), score: None, command: Vec::new(), ..one };
        record(root.path(), &newer).unwrap();
        assert_eq!(all(root.path()), [newer, two]);
        for id in ["one", "two", "two", "never"] {
            archive(root.path(), OsStr::new(id)).unwrap();
        }
        assert_eq!(all(root.path()), []);
        assert_eq!(deleted(root.path()).iter().map(|it| it.id.to_str().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
        let metadata = std::fs::metadata(root.path().join(DIRECTORY)).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o700);
        assert_eq!(archive(Path::new("/absent"), OsStr::new("x")), Ok(()));
    }

    #[test]
    fn an_id_is_no_path_and_no_two_have_the_same_file() {
        let root = tempfile::tempdir().unwrap();
        let long = "x".repeat(400);
        let ids = ["..", ".", "../../etc/passwd", "a/b", "a%2fb", "a\nb", "", &long, &format!("{long}y")];
        for id in ids {
            record(root.path(), &container(id)).unwrap();
        }
        assert_eq!(all(root.path()).len(), ids.len());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_deleted_never_take_more_than_their_places() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..1000 {
            let id = format!("build-{number}");
            record(root.path(), &container(&id)).unwrap();
            archive(root.path(), OsStr::new(&id)).unwrap();
        }
        let left = deleted(root.path());
        assert!(left.len() <= 128 && left.iter().any(|it| it.id == "build-999"), "{}", left.len());
    }

    #[test]
    fn no_link_is_followed_and_no_folder_of_others_is_used() {
        let root = tempfile::tempdir().unwrap();
        let victim = root.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        record(root.path(), &container("x")).unwrap();
        let directory = root.path().join(DIRECTORY);
        symlink(&victim, directory.join("cevil")).unwrap();
        record(root.path(), &container("evil")).unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(all(root.path()).len(), 2);
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(record(root.path(), &container("y")), Err(Errno::EPERM));
        let other = tempfile::tempdir().unwrap();
        symlink(&directory, other.path().join(DIRECTORY)).unwrap();
        assert!(record(other.path(), &container("y")).is_err());
    }

    #[test]
    fn a_record_has_a_limit_and_what_is_broken_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let huge = Container { command: vec!["a".repeat(1_000_000).into(), "b".into()], ..container("x") };
        record(root.path(), &huge).unwrap();
        assert_eq!(all(root.path())[0].command, [""; 0]);
        let directory = root.path().join(DIRECTORY);
        assert!(std::fs::metadata(directory.join("cx")).unwrap().len() < 9 * 1024);
        for broken in ["", "1\0x\0", "2\0a\0b\0c\0\0e\0", "garbage"] {
            std::fs::write(directory.join("cx"), broken).unwrap();
            assert_eq!(all(root.path()), [], "{broken:?}");
        }
    }

    #[test]
    fn a_cgroup_names_its_container() {
        let of =
            |cgroup: &str, path: &str| Container { cgroup: cgroup.into(), ..container("abc") }.owns(Path::new(path));
        assert!(of("/buildkit/abc", "/buildkit/abc") && of("/buildkit/abc", "/docker/q/buildkit/abc/sub"));
        assert!(!of("/buildkit/abc", "/buildkit/abcd") && !of("/buildkit/abc", "/buildkit"));
        assert!(of("system.slice:docker:abc", "/system.slice/docker-abc.scope"));
        assert!(!of("system.slice:docker:abc", "/system.slice/docker-abd.scope"));
        assert!(of("", "/user.slice/abc") && !of("", "/user.slice"));
        assert!(!of("/", "/anything"));
    }
}
