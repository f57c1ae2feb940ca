//! The files that containerd reads, in its order, and what the CRI plugin's settings come to
//! (containerd `cmd/containerd/server/config`).

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::super::{EngineError, Launch};

/// The newest version of the configuration that is known (containerd 2.3).
pub const NEWEST: i64 = 4;

/// The plugin's name in the configuration versions 1 to [`NEWEST`].
const PLUGINS: [&str; 4] =
    ["cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime", "io.containerd.cri.v1.runtime"];

/// How many files are read at the most.
const FILES: usize = 256;

/// A text that only containerd 2.0 and later have in them, and one that only 2.3 and later have.
const KNOWS_VERSION_3: &str = PLUGINS[2];
const KNOWS_VERSION_4: &str = "io.containerd.server.v1";

/// The CRI plugin's name in a configuration of that version.
#[must_use]
pub fn plugin_of(version: i64) -> Option<&'static str> {
    PLUGINS.get(usize::try_from(version.checked_sub(1)?).ok()?).copied()
}

/// Whether a plugin's name is the CRI plugin's in one of the versions.
#[must_use]
pub fn is_plugin(name: &str) -> bool {
    PLUGINS.contains(&name)
}

/// A file that it reads.
#[derive(Debug)]
pub(super) struct File {
    pub path: PathBuf,
    pub table: Table,
    /// The version that it is written in: its own, or that of the file that imports it.
    pub version: Option<i64>,
}

impl File {
    /// The `containerd` table of the plugin of that name.
    fn named(&self, name: &str) -> Option<&Value> {
        self.table.get("plugins")?.get(name)?.get("containerd")
    }

    /// The same for the plugin of the file's own version: no other counts.
    pub(super) fn cri(&self) -> Option<&Value> {
        self.named(plugin_of(self.version.unwrap_or(1))?)
    }

    /// Whether it turns the plugin off, as the one that Docker ships with containerd does.
    pub(super) fn turns_cri_off(&self) -> bool {
        let disabled = self.table.get("disabled_plugins").and_then(Value::as_array).into_iter().flatten();
        disabled.filter_map(Value::as_str).any(is_plugin)
    }

    /// The directories that it imports all files of, and how their names must end.
    pub(super) fn imported_directories(&self) -> Vec<PathBuf> {
        let all = imports(&self.path, &self.table);
        let globs = all.into_iter().filter(|path| path.file_name() == Some(OsStr::new("*.toml")));
        globs.filter_map(|path| path.parent().map(Path::to_owned)).filter(|path| !has_glob(path)).collect()
    }
}

/// The configuration as it counts.
#[derive(Debug)]
pub(super) struct Config {
    /// The files, the later of which count more; the first is the one on the command line.
    pub files: Vec<File>,
    /// Whether tables of several files are merged, as containerd 2 does. containerd 1 replaces a plugin's whole table.
    pub merges: bool,
}

impl Config {
    /// Reads the file and what it imports.
    ///
    /// # Errors
    /// [`EngineError`] where a file cannot be read, or what it means depends on containerd's release.
    pub(super) fn read(launch: &Launch, main: &Path) -> Result<Config, EngineError> {
        let mut files = collect(launch, main)?;
        let with_cri = |file: &&File| file.cri().is_some();
        for file in &files {
            check_version(file)?;
        }
        let knows_3 =
            files.iter().any(|file| file.version >= Some(3)) || launch.program_mentions(KNOWS_VERSION_3) == Some(true);
        let versions: BTreeSet<Option<i64>> =
            files.iter().filter(with_cri).map(|file| file.version.max(Some(1))).collect();
        let names: BTreeSet<_> = versions.iter().filter_map(|version| plugin_of(version.unwrap_or(1))).collect();
        if names.len() > 1 && launch.program_mentions(KNOWS_VERSION_4) != Some(true) {
            let file = files.iter().rev().find(with_cri).map_or(main, |file| &file.path);
            return Err(malformed(
                file,
                "it is of another `version` than the file that imports it: containerd 1 does not start with that, and 2.0 to \
                 2.2 ignore the CRI settings of one of the two",
            ));
        }
        if !knows_3 && let Some(last) = files.iter().rposition(|file| file.cri().is_some()) {
            for file in &mut files[..last] {
                if let Some(plugins) = file.table.get_mut("plugins").and_then(Value::as_table_mut) {
                    plugins.retain(|name, _| !is_plugin(name));
                }
            }
        }
        Ok(Config { files, merges: knows_3 })
    }

    /// The version of the first file.
    pub(super) fn version(&self) -> Option<i64> {
        self.files.first().and_then(|file| file.version)
    }

    /// The last value at those keys below the plugin's `containerd`, and the file that has it.
    pub(super) fn find(&self, keys: &[&str]) -> Option<(&Value, &Path)> {
        self.files.iter().rev().find_map(|file| {
            let value = keys.iter().try_fold(file.cri()?, |value, key| value.get(key))?;
            Some((value, file.path.as_path()))
        })
    }

    /// The same for a text that is not empty.
    pub(super) fn text(&self, keys: &[&str]) -> Option<(&str, &Path)> {
        self.find(keys).and_then(|(value, path)| Some((value.as_str()?, path))).filter(|(text, _)| !text.is_empty())
    }

    /// The table at those keys with what all files say in it.
    pub(super) fn merged(&self, keys: &[&str]) -> Table {
        let mut all = Table::new();
        for file in &self.files {
            let table = file.cri().and_then(|cri| keys.iter().try_fold(cri, |value, key| value.get(key)));
            all.extend(table.and_then(Value::as_table).cloned().unwrap_or_default());
        }
        all
    }

    /// The version to write into a file that says none. One with settings of version 1 keeps their meaning; else
    /// containerd 1.3 and all later ones take 2, and those that know the plugin of version 3 write that themselves.
    pub(super) fn version_to_write(&self, launch: &Launch) -> i64 {
        match () {
            () if self
                .files
                .iter()
                .any(|file| file.table.get("plugins").is_some_and(|all| all.get(PLUGINS[0]).is_some())) =>
            {
                1
            }
            () if launch.program_mentions(KNOWS_VERSION_3) == Some(true) => 3,
            () => 2,
        }
    }
}

fn malformed(path: &Path, message: &str) -> EngineError {
    EngineError::Malformed { path: path.to_owned(), message: message.to_owned() }
}

/// Refuses a version that nobody knows, and settings without a version: containerd 1 takes such a file for one of version
/// 1, and containerd 2 for one of version 3 (2.2 for both).
fn check_version(file: &File) -> Result<(), EngineError> {
    match file.version {
        Some(version) if plugin_of(version).is_none() => {
            Err(malformed(&file.path, &format!("nothing is known here of `version = {version}`")))
        }
        None if PLUGINS[1..].iter().any(|name| file.named(name).is_some()) => Err(malformed(
            &file.path,
            "without a `version` line its meaning depends on containerd's release: write `version = 2` first (3 for names \
             such as io.containerd.cri.v1.runtime)",
        )),
        _ => Ok(()),
    }
}

/// The file and what it imports, breadth first as containerd does, each file once.
fn collect(launch: &Launch, main: &Path) -> Result<Vec<File>, EngineError> {
    let mut waiting = VecDeque::from([(main.to_owned(), None)]);
    let (mut seen, mut files) = (BTreeSet::new(), Vec::new());
    while let Some((path, inherited)) = waiting.pop_front() {
        if !seen.insert(path.clone()) || seen.len() > FILES {
            continue;
        }
        let Some(table) = launch.read_toml(&path)? else { continue };
        let version = table.get("version").and_then(Value::as_integer).or(inherited);
        for import in imports(&path, &table) {
            waiting.extend(matching(launch, &import).into_iter().map(|path| (path, version)));
        }
        files.push(File { path, table, version });
    }
    Ok(files)
}

/// The paths of the `imports` line; they are relative to the file's directory.
fn imports(path: &Path, table: &Table) -> Vec<PathBuf> {
    let list = table.get("imports").and_then(Value::as_array).into_iter().flatten();
    let directory = path.parent().unwrap_or(Path::new("/"));
    list.filter_map(Value::as_str).map(|import| directory.join(import)).collect()
}

/// The files that a path with `*` and `?` in any of its parts means (Go's `filepath.Glob`).
fn matching(launch: &Launch, pattern: &Path) -> Vec<PathBuf> {
    if !has_glob(pattern) {
        return vec![pattern.to_owned()];
    }
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.strip_prefix("/").unwrap_or(pattern) {
        let next = |directory: PathBuf| -> Vec<PathBuf> {
            if !has_glob(Path::new(part)) {
                return vec![directory.join(part)];
            }
            let fits = |path: &PathBuf| {
                is_match(part.as_encoded_bytes(), path.file_name().unwrap_or_default().as_encoded_bytes())
            };
            launch.files.list(&directory).into_iter().filter(fits).collect()
        };
        found = found.into_iter().flat_map(next).take(FILES).collect();
    }
    found
}

fn has_glob(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?".contains(byte))
}

/// Whether a name matches; in time that grows with the product of the lengths at the most.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut rest) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while rest < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, rest));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[rest] => (at, rest) = (at + 1, rest + 1),
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    (at, rest) = (place + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::launch::tests::engine;

    #[test]
    fn imports_match_as_globs() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.conf", false),
            ("a?c*e", "abcde", true),
            ("a*b*c", "abcbd", false),
            ("**", "", true),
            ("?", "", false),
        ] {
            assert_eq!(is_match(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
        let (_root, launch) = engine("containerd", &[("/etc/a/x.toml", ""), ("/etc/b/y.toml", ""), ("/etc/b/z", "")]);
        let found = matching(&launch, Path::new("/etc/?/*.toml"));
        assert_eq!(found, [Path::new("/etc/a/x.toml"), Path::new("/etc/b/y.toml")]);
    }

    #[test]
    fn imports_of_itself_end() {
        let (_root, launch) =
            engine("containerd", &[("/etc/c/a.toml", "imports = [\"*.toml\", \"b.toml\"]"), ("/etc/c/b.toml", "")]);
        assert_eq!(collect(&launch, Path::new("/etc/c/a.toml")).unwrap().len(), 2);
    }
}
