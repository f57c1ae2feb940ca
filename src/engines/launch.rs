//! An engine as it was started, or as it would be: its arguments, its environment, and the files that it sees.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::fsutil::confined::{ConfinedRoot, Program};
use crate::system::process::{Process, ProcessError};

/// Where programs are looked for when an engine has no PATH.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How an engine was started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The arguments, the program's own name first.
    pub args: Vec<OsString>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The file that a running engine was started from, as this process can open it.
    pub program: Option<PathBuf>,
    /// The files that the engine sees.
    pub files: ConfinedRoot,
    /// Whether it runs in a user namespace of its own, as rootless engines do.
    pub rootless: bool,
}

impl Launch {
    /// The launch of `command` by this process, in its environment.
    #[must_use]
    pub fn of_command(command: &[OsString]) -> Launch {
        Launch {
            args: command.to_vec(),
            environment: std::env::vars_os().collect(),
            program: None,
            files: ConfinedRoot::new("/").in_directory(std::env::current_dir().unwrap_or_else(|_| "/".into())),
            rootless: !crate::system::capabilities::in_initial_user_namespace(Path::new("/proc")),
        }
    }

    /// The launch of a program by root of the machine of those files, without arguments and in an empty environment.
    #[must_use]
    pub fn by_root(program: &str, files: ConfinedRoot) -> Launch {
        Launch { args: vec![program.into()], environment: Vec::new(), program: None, files, rootless: false }
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
            files: ConfinedRoot::new(directory.join("root"))
                .in_directory(std::fs::read_link(directory.join("cwd")).unwrap_or_else(|_| "/".into())),
            rootless: process.read("uid_map").is_ok_and(|map| !crate::system::capabilities::is_initial_map(&map)),
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

    /// The bytes of a file as the engine names it; `None` when it does not exist.
    ///
    /// # Errors
    /// [`EngineError::Unreadable`], also for a file of more than 1 MiB.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, EngineError> {
        self.files.read(path).map_err(|reason| EngineError::Unreadable { path: path.to_owned(), reason })
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

    /// The program that the engine would start: a path as it is, a bare name looked for in PATH.
    #[must_use]
    pub fn find_program(&self, program: &OsStr) -> Option<Program> {
        if program.as_bytes().contains(&b'/') {
            return self.files.program(Path::new(program));
        }
        let path = self.variable("PATH").unwrap_or(OsStr::new(PATH));
        path.as_bytes()
            .split(|&byte| byte == b':')
            .find_map(|directory| self.files.program(&Path::new(OsStr::from_bytes(directory)).join(program)))
    }

    /// Whether the engine's program has that text in it, such as the name of a setting; `None` when it cannot be read.
    ///
    /// It tells what a program knows without running it, and versions that distributions patch do not mislead it.
    #[must_use]
    pub fn program_mentions(&self, text: &str) -> Option<bool> {
        let running = self.program.as_deref().and_then(|path| std::fs::File::open(path).ok());
        let file = running.or_else(|| {
            let found = self.find_program(self.args.first()?)?;
            self.files.open_file(&found.path).ok()
        })?;
        super::program::mentions(file, text.as_bytes()).ok()
    }

    /// The directories of its PATH that a line of a unit may repeat: plain names of directories that only root may write.
    #[must_use]
    pub fn safe_path(&self) -> String {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
        let is_safe = |directory: &&[u8]| {
            let stat = self.files.metadata(Path::new(OsStr::from_bytes(directory)));
            let is_roots = stat.is_some_and(|stat| {
                (stat.st_uid == 0 || stat.st_uid == nix::unistd::geteuid().as_raw()) && stat.st_mode & 0o022 == 0
            });
            directory.starts_with(b"/") && directory.iter().all(is_plain) && is_roots
        };
        let path = self.variable("PATH").unwrap_or_default().as_bytes().split(|&byte| byte == b':');
        let safe: Vec<String> = path.filter(is_safe).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        if safe.is_empty() { PATH.to_owned() } else { safe.join(":") }
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
            environment: Vec::new(),
            program: None,
            files: ConfinedRoot::new(root.path()),
            rootless: false,
        };
        (root, launch)
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
    fn only_safe_directories_of_path_are_repeated() {
        let (root, mut launch) = engine("x", &[("/tmp/x", ""), ("/a b/x", ""), ("/opt/bin/x", "")]);
        std::fs::set_permissions(root.path().join("tmp"), std::fs::Permissions::from_mode(0o777)).unwrap();
        launch.environment = vec![("PATH".into(), "/tmp:/a b:/absent:bin:/usr/bin:$(x):/opt/bin".into())];
        assert_eq!(launch.safe_path(), "/usr/bin:/opt/bin");
        launch.environment.clear();
        assert_eq!(launch.safe_path(), PATH);
    }

    #[test]
    fn a_running_process_is_read() {
        let launch = Launch::of_process(Path::new("/proc"), std::process::id()).unwrap();
        assert_eq!(launch.args, std::env::args_os().collect::<Vec<_>>());
        assert_eq!(launch.variable("PATH"), std::env::var_os("PATH").as_deref());
        assert!(launch.files.exists(Path::new("src/lib.rs")), "relative to the working directory");
        assert_eq!(launch.program_mentions("the file it runs from, not the one of its name"), Some(true));
    }
}
