//! An engine as it was started, or as it would be: its arguments, its environment, and the root that its paths mean.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag};

use super::EngineError;
use crate::system::os_error::OsError;
use crate::system::process::{Process, ProcessError};

/// The largest configuration file that is read, in bytes.
const LIMIT: usize = 1024 * 1024;

/// Where programs are looked for when an engine has no PATH.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How an engine was started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// The arguments, the program's own name first.
    pub args: Vec<OsString>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The file that a running engine was started from, as this process can open it.
    pub program: Option<PathBuf>,
    /// The directory that the engine sees as `/`.
    pub root: PathBuf,
    /// The working directory, as the engine names it.
    pub directory: PathBuf,
    /// Whether it runs in a user namespace of its own, as rootless engines do.
    pub rootless: bool,
}

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The path by which it was found.
    pub path: PathBuf,
    /// The file's name behind all symbolic links.
    pub real_name: OsString,
}

impl Launch {
    /// The launch of `command` by this process, in its environment.
    #[must_use]
    pub fn of_command(command: &[OsString]) -> Launch {
        Launch {
            args: command.to_vec(),
            environment: std::env::vars_os().collect(),
            program: None,
            root: "/".into(),
            directory: std::env::current_dir().unwrap_or_else(|_| "/".into()),
            rootless: !crate::system::host::in_initial_user_namespace(Path::new("/proc")),
        }
    }

    /// How the process with that PID was started.
    ///
    /// # Errors
    /// [`ProcessError`], as for the environment of somebody else's process.
    pub fn of_process(proc: &Path, pid: u32) -> Result<Launch, ProcessError> {
        let process = Process::open(proc, pid)?;
        let words = |bytes: Vec<u8>| -> Vec<OsString> {
            let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
            bytes.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_owned())).collect()
        };
        let pair = |word: &OsString| {
            let at = word.as_bytes().iter().position(|&byte| byte == b'=')?;
            let (name, value) = word.as_bytes().split_at(at);
            Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(&value[1..]).to_owned()))
        };
        let directory = proc.join(pid.to_string());
        Ok(Launch {
            args: words(process.read("cmdline")?),
            environment: words(process.read("environ")?).iter().filter_map(pair).collect(),
            // It leads to the very file, also when another has its name by now or nobody here can see it.
            program: Some(directory.join("exe")),
            root: directory.join("root"),
            directory: std::fs::read_link(directory.join("cwd")).unwrap_or_else(|_| "/".into()),
            rootless: process.read("uid_map").is_ok_and(|map| !crate::system::host::is_initial_map(&map)),
        })
    }

    /// The last value of an environment variable, if it is not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let same = self.environment.iter().rev().find(|(key, _)| key == name);
        same.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// The directory of the user's own configuration, as Go programs find it.
    #[must_use]
    pub fn user_config(&self) -> PathBuf {
        match self.variable("XDG_CONFIG_HOME") {
            Some(directory) => PathBuf::from(directory),
            None => Path::new(self.variable("HOME").unwrap_or_default()).join(".config"),
        }
    }

    /// The bytes of a file as the engine names it; `None` when there is no such file.
    ///
    /// # Errors
    /// [`EngineError::Unreadable`], also for a file of more than 1 MiB.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, EngineError> {
        let error = |errno| EngineError::Unreadable { path: path.to_owned(), reason: OsError(errno) };
        // NONBLOCK: whoever runs the engine may have put a FIFO there.
        let fd = match self.open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK) {
            Ok(fd) => fd,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
            Err(errno) => return Err(error(errno)),
        };
        let mut bytes = Vec::new();
        let file = std::fs::File::from(fd);
        let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX) + 1;
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(|io| EngineError::Unreadable { path: path.to_owned(), reason: io.into() })?;
        if bytes.len() > LIMIT {
            return Err(error(Errno::EFBIG));
        }
        Ok(Some(bytes))
    }

    /// A TOML file as the engine names it; `None` when there is no such file.
    ///
    /// # Errors
    /// [`EngineError`]
    pub fn read_toml(&self, path: &Path) -> Result<Option<toml::Table>, EngineError> {
        let Some(bytes) = self.read(path)? else { return Ok(None) };
        let malformed = |message: String| EngineError::Malformed { path: path.to_owned(), message };
        let text = std::str::from_utf8(&bytes).map_err(|error| malformed(error.to_string()))?;
        text.parse().map(Some).map_err(|error: toml::de::Error| malformed(error.message().to_owned()))
    }

    /// Whether something is there, a socket for one.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        self.open(path, OFlag::O_PATH).is_ok()
    }

    /// The names in a directory, sorted; none when it cannot be read.
    #[must_use]
    pub fn list(&self, directory: &Path) -> Vec<PathBuf> {
        let Ok(fd) = self.open(directory, OFlag::O_RDONLY | OFlag::O_DIRECTORY) else { return Vec::new() };
        let Ok(entries) = Dir::from_fd(fd) else { return Vec::new() };
        let names = entries.into_iter().filter_map(|entry| Some(entry.ok()?.file_name().to_bytes().to_owned()));
        let names = names.filter(|name| name != b"." && name != b"..");
        let mut all: Vec<PathBuf> = names.map(|name| directory.join(OsStr::from_bytes(&name))).collect();
        all.sort();
        all
    }

    /// The program that the engine would start: a path as it is, a bare name looked for in PATH.
    #[must_use]
    pub fn find_program(&self, program: &OsStr) -> Option<Program> {
        if program.as_bytes().contains(&b'/') {
            return self.program(Path::new(program).to_owned());
        }
        let path = self.variable("PATH").unwrap_or(OsStr::new(PATH));
        path.as_bytes()
            .split(|&byte| byte == b':')
            .find_map(|directory| self.program(Path::new(OsStr::from_bytes(directory)).join(program)))
    }

    /// Whether the engine's program has that text in it, such as the name of a setting; `None` when it cannot be read.
    ///
    /// It tells what a program knows without running it, and versions that distributions patch do not mislead it.
    #[must_use]
    pub fn program_mentions(&self, text: &str) -> Option<bool> {
        let running = self.program.as_deref().and_then(|path| std::fs::File::open(path).ok());
        let file = running.or_else(|| {
            let found = self.find_program(self.args.first()?)?;
            Some(std::fs::File::from(self.open(&found.path, OFlag::O_RDONLY).ok()?))
        })?;
        super::program::mentions(file, text.as_bytes()).ok()
    }

    fn program(&self, path: PathBuf) -> Option<Program> {
        let fd = self.open(&path, OFlag::O_PATH).ok()?;
        let stat = nix::sys::stat::fstat(&fd).ok()?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG || stat.st_mode & 0o111 == 0 {
            return None;
        }
        let real = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
        Some(Program { path, real_name: real.file_name()?.to_owned() })
    }

    /// Opens a file below the engine's root, and never outside of it, wherever links in there lead.
    fn open(&self, path: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
        let absolute = self.directory.join(path);
        let root = nix::fcntl::open(&self.root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let flags = flags | OFlag::O_CLOEXEC;
        let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        match openat2(&root, &absolute, how) {
            // Before Linux 5.6 only the whole machine's root can be looked into safely.
            Err(Errno::ENOSYS) if self.root == Path::new("/") => nix::fcntl::open(&absolute, flags, Mode::empty()),
            other => other,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A machine of these files, with programs `runc`, `oomshim-runc` and a link to that in /usr/bin, and an engine.
    pub(crate) fn engine(line: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, Launch) {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("usr/bin");
        std::fs::create_dir_all(&bin).unwrap();
        for program in ["runc", "oomshim-runc"] {
            std::fs::write(bin.join(program), program).unwrap();
            std::fs::set_permissions(bin.join(program), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink("/usr/bin/oomshim-runc", bin.join("linked")).unwrap();
        for (name, text) in files {
            let path = root.path().join(name.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let launch = Launch {
            args: line.split(' ').map(OsString::from).collect(),
            root: root.path().to_owned(),
            directory: "/".into(),
            ..Launch::default()
        };
        (root, launch)
    }

    #[test]
    fn links_lead_nowhere_but_below_the_engines_root() {
        let (root, launch) = engine("x", &[("/etc/real", "inside")]);
        symlink("/etc/real", root.path().join("etc/absolute")).unwrap();
        symlink("../../../../../../etc/passwd", root.path().join("etc/escape")).unwrap();
        assert_eq!(launch.read(Path::new("/etc/absolute")), Ok(Some(b"inside".to_vec())));
        assert_eq!(launch.read(Path::new("/etc/escape")), Ok(None));
        assert_eq!(
            launch.read(Path::new("etc/real")),
            Ok(Some(b"inside".to_vec())),
            "relative to the working directory"
        );
    }

    #[test]
    fn a_program_is_known_behind_its_links() {
        let (_root, launch) = engine("x", &[("/usr/bin/plain", "not executable")]);
        let found = launch.find_program(OsStr::new("linked")).unwrap();
        assert_eq!((found.path, found.real_name), ("/usr/bin/linked".into(), "oomshim-runc".into()));
        assert_eq!(launch.find_program(OsStr::new("plain")), None);
        assert_eq!(launch.find_program(OsStr::new("absent")), None);
        let mentions =
            |program: &str| Launch { args: vec![program.into()], ..launch.clone() }.program_mentions("oomshim");
        assert_eq!([mentions("linked"), mentions("runc"), mentions("absent")], [Some(true), Some(false), None]);
    }

    #[test]
    fn a_fifo_or_a_huge_file_holds_up_nobody() {
        let (root, launch) = engine("x", &[]);
        nix::unistd::mkfifo(&root.path().join("fifo"), Mode::S_IRUSR).unwrap();
        assert_eq!(launch.read(Path::new("/fifo")), Ok(Some(Vec::new())));
        std::fs::File::create(root.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
        assert!(launch.read(Path::new("/huge")).unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn a_running_process_is_read() {
        let launch = Launch::of_process(Path::new("/proc"), std::process::id()).unwrap();
        assert_eq!(launch.args, std::env::args_os().collect::<Vec<_>>());
        assert_eq!(launch.variable("PATH"), std::env::var_os("PATH").as_deref());
        assert_eq!(launch.directory, std::env::current_dir().unwrap());
        assert!(launch.exists(Path::new("/proc/self")));
        assert_eq!(launch.program_mentions("the file it runs from, not the one of its name"), Some(true));
    }
}
