//! What a containerd configuration says together with the files that it imports.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::subject::Subject;
use super::target_host::read;
use super::toml;
use crate::engines::containerd;
use crate::json::Node;

/// The most files that are read.
const MOST_FILES: usize = 64;

/// A configuration with its imports.
#[derive(Debug)]
pub(super) struct Containerd<'t> {
    /// The version of the file itself.
    pub version: Option<i128>,
    /// `oom_score`, of the last file that sets it.
    pub score: Option<(i128, Place<'t>)>,
    /// The runtimes in the tables of each file's own version.
    pub runtimes: Vec<Runtime<'t>>,
    /// Where each of them is in that list.
    by_name: HashMap<String, usize>,
    /// `default_runtime_name` in those tables.
    pub default: Option<(String, Place<'t>)>,
    /// The plugin tables of another version that set runtimes, in this file.
    pub others: Vec<Node<'t>>,
    /// The entries of `imports`.
    pub imports: Vec<Import<'t>>,
}

/// Where something is said.
#[derive(Debug, Clone)]
pub(super) enum Place<'t> {
    /// In the file itself.
    Here(Node<'t>),
    /// In a file that this entry imports.
    Imported(Node<'t>, PathBuf),
}

impl<'t> Place<'t> {
    /// The node in the file itself that a finding can show.
    pub(super) fn node(&self) -> Node<'t> {
        match self {
            Place::Here(node) | Place::Imported(node, _) => *node,
        }
    }

    /// The imported file, for a message: ` (in drop-in.toml)`.
    pub(super) fn suffix(&self) -> String {
        match self {
            Place::Here(_) => String::new(),
            Place::Imported(_, file) => {
                let name = file.file_name().unwrap_or_default().as_encoded_bytes();
                format!(" (in {})", crate::text::escape::bytes(name))
            }
        }
    }
}

/// A runtime of the CRI plugin.
#[derive(Debug)]
pub(super) struct Runtime<'t> {
    /// Its name.
    pub name: String,
    /// `runtime_type`, empty where nothing says it.
    pub kind: String,
    /// `options.BinaryName`, empty where nothing says it.
    pub binary: String,
    /// Whether a `base_runtime_spec` is set.
    pub has_base: bool,
    /// Where it is.
    pub place: Place<'t>,
}

/// An entry of `imports`.
#[derive(Debug)]
pub(super) struct Import<'t> {
    /// The entry.
    pub node: Node<'t>,
    /// What came of it.
    pub found: Found,
}

/// What came of an entry of `imports`.
#[derive(Debug)]
pub(super) enum Found {
    /// The versions of the files that it names.
    Files(Vec<(PathBuf, Option<i128>)>),
    /// It names a file that does not exist.
    Missing,
    /// It is not beside this file, or this is no file.
    NotFollowed,
}

impl<'t> Containerd<'t> {
    /// Reads the configuration, and those of its imports that are beside it.
    pub(super) fn of(subject: &Subject<'t>) -> Self {
        let root = subject.root();
        let mut view = Containerd {
            version: version(root),
            score: None,
            runtimes: Vec::new(),
            by_name: HashMap::new(),
            default: None,
            others: Vec::new(),
            imports: Vec::new(),
        };
        view.take(root, view.version, &Place::Here);
        view.others =
            plugins(root).filter(|(plugin, is_own)| !is_own && has_settings(*plugin)).map(|it| it.0).collect();
        let mut left = MOST_FILES;
        for node in root.field("imports").into_iter().flat_map(Node::items) {
            let found = node.text().map_or(Found::NotFollowed, |path| view.import(subject, node, &path, &mut left));
            view.imports.push(Import { node, found });
        }
        view
    }

    /// Whether every import was read.
    pub(super) fn is_complete(&self) -> bool {
        self.imports.iter().all(|import| !matches!(import.found, Found::NotFollowed))
    }

    /// Takes over what a file says. `own` is the version of its tables.
    fn take<'f>(&mut self, root: Node<'f>, version: Option<i128>, place: &dyn Fn(Node<'f>) -> Place<'t>) {
        if let Some(node) = root.field("oom_score")
            && let Some(score) = node.integer().filter(|score| *score != 0)
        {
            self.score = Some((score, place(node)));
        }
        for (plugin, _) in plugins(root).filter(|(plugin, _)| is_own(*plugin, version)) {
            let Some(table) = plugin.field("containerd") else { continue };
            if let Some(node) = table.field("default_runtime_name")
                && let Some(name) = node.text()
            {
                self.default = Some((name.into_owned(), place(node)));
            }
            let entries = table.field("runtimes").into_iter().flat_map(Node::children);
            for node in entries.filter(|node| node.is_object()) {
                self.runtime(node, place(node));
            }
        }
    }

    fn runtime(&mut self, node: Node<'_>, place: Place<'t>) {
        let name = node.key().unwrap_or_default().into_owned();
        let text = |node: Option<Node<'_>>| node.and_then(Node::text).unwrap_or_default().into_owned();
        let (kind, binary) = (text(node.field("runtime_type")), text(node.at(&["options", "BinaryName"])));
        let has_base = !text(node.field("base_runtime_spec")).is_empty();
        let known = self.by_name.get(&name).and_then(|index| self.runtimes.get_mut(*index));
        let Some(known) = known else {
            self.by_name.insert(name.clone(), self.runtimes.len());
            return self.runtimes.push(Runtime { name, kind, binary, has_base, place });
        };
        if !kind.is_empty() {
            known.kind = kind;
        }
        if !binary.is_empty() {
            (known.binary, known.place) = (binary, place);
        }
        known.has_base |= has_base;
    }

    fn import(&mut self, subject: &Subject<'t>, node: Node<'t>, path: &str, left: &mut usize) -> Found {
        let Some(pattern) = beside(subject, path) else { return Found::NotFollowed };
        let Some(mut files) = matching(&pattern) else { return Found::NotFollowed };
        if files.is_empty() && !path.contains('*') {
            return Found::Missing;
        }
        let mut found = Vec::new();
        while let Some(file) = files.pop() {
            if *left == 0 || found.iter().any(|(known, _)| *known == file) {
                continue;
            }
            *left -= 1;
            let Some(text) = read(&file) else { continue };
            let Ok(tree) = toml::parse(&text) else { continue };
            let own = version(tree.root());
            self.take(tree.root(), own.or(self.version), &|_| Place::Imported(node, file.clone()));
            for more in tree.root().field("imports").into_iter().flat_map(Node::items) {
                let more = more.text().unwrap_or_default();
                let more = file.parent().unwrap_or(Path::new("")).join(&*more);
                files.extend(matching(&more).unwrap_or_default());
            }
            found.push((file, own));
        }
        Found::Files(found)
    }
}

/// The configuration beside this file or above it that imports it; it judges both.
pub(super) fn importer(subject: &Subject<'_>) -> Option<PathBuf> {
    if !subject.on_disk {
        return None;
    }
    let own = fs::canonicalize(subject.name).ok()?;
    let directories = [own.parent()?, own.parent()?.parent()?];
    directories.into_iter().map(|directory| directory.join("config.toml")).find(|file| {
        let Some(text) = read(file).filter(|_| *file != own) else { return false };
        let Ok(tree) = toml::parse(&text) else { return false };
        let imports = tree.root().field("imports").into_iter().flat_map(Node::items).filter_map(Node::text);
        let directory = file.parent().unwrap_or(Path::new(""));
        let mut files = imports.flat_map(|path| matching(&directory.join(&*path)).unwrap_or_default());
        files.any(|file| fs::canonicalize(file).is_ok_and(|file| file == own))
    })
}

fn version(root: Node<'_>) -> Option<i128> {
    root.field("version")?.integer()
}

/// The plugin's name in a file of that version; version 0 is what Go reads where none is said.
fn plugin_of(version: Option<i128>) -> Option<&'static str> {
    match version {
        None | Some(0) => containerd::plugin_of(1),
        Some(version) => containerd::plugin_of(i64::try_from(version).ok()?),
    }
}

fn is_own(plugin: Node<'_>, version: Option<i128>) -> bool {
    plugin.key().is_some_and(|key| Some(&*key) == plugin_of(version))
}

/// The tables of the CRI plugin, in whatever version, and whether it is that of the file's own.
fn plugins(root: Node<'_>) -> impl Iterator<Item = (Node<'_>, bool)> {
    let version = version(root);
    let all = root.field("plugins").into_iter().flat_map(Node::children);
    let cri = all.filter(|plugin| plugin.key().is_some_and(|key| containerd::is_plugin(&key)));
    cri.map(move |plugin| (plugin, is_own(plugin, version)))
}

fn has_settings(plugin: Node<'_>) -> bool {
    let table = plugin.field("containerd");
    table.is_some_and(|table| ["runtimes", "default_runtime_name"].iter().any(|name| table.field(name).is_some()))
}

/// Where an import is, if it may be looked at: a relative one is beside a real file; an absolute one is asked of the
/// machine, or is where this very file is.
fn beside(subject: &Subject<'_>, path: &str) -> Option<PathBuf> {
    let is_absolute = path.starts_with('/');
    if let Some(machine) = subject.machine.filter(|_| is_absolute) {
        return Some(machine.path(path));
    }
    if !subject.on_disk {
        return None;
    }
    if !is_absolute {
        return Some(subject.name.parent().unwrap_or(Path::new("")).join(path));
    }
    let own = fs::canonicalize(subject.name).ok()?;
    Path::new(path).parent()?.starts_with(own.parent()?).then(|| PathBuf::from(path))
}

/// The files that a path with `*` in its last part means, sorted as Go's `filepath.Glob` does; `None` for a pattern in
/// a directory's name.
fn matching(pattern: &Path) -> Option<Vec<PathBuf>> {
    let (directory, name) = (pattern.parent().unwrap_or(Path::new("")), pattern.file_name()?.to_str()?);
    if directory.to_str()?.contains('*') {
        return None;
    }
    if !name.contains('*') {
        return Some(if pattern.is_file() { vec![pattern.to_owned()] } else { Vec::new() });
    }
    let glob = wildcard::Wildcard::new(name.as_bytes()).ok()?;
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let names = entries.map(|entry| entry.path());
    let fits =
        |path: &PathBuf| path.is_file() && path.file_name().is_some_and(|name| glob.is_match(name.as_encoded_bytes()));
    let mut files: Vec<PathBuf> = names.filter(fits).take(MOST_FILES).collect();
    // They are taken from the end.
    files.sort_by(|one, other| other.cmp(one));
    Some(files)
}
