//! What kind of file a file is, told by what it says and only then by its name.

use std::fmt;
use std::path::Path;

use super::finding::words;
use crate::json::Kind;
use crate::json::{Node, Tree};

/// The kinds of files that rules know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// An OCI runtime spec, `config.json`.
    Spec,
    /// A file of hooks.d, `oci-hooks(5)`.
    Hook,
    /// oomshim's policy.
    Policy,
    /// The `buildkitd.toml` of `BuildKit`.
    Buildkitd,
    /// Docker's `daemon.json`.
    Dockerd,
    /// containerd's `config.toml`.
    Containerd,
}

words!(FileKind {
    Spec => "spec", Hook => "hook", Policy => "policy", Buildkitd => "buildkitd", Dockerd => "dockerd",
    Containerd => "containerd"
});

/// The two ways in which files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// RFC 8259
    Json,
    /// TOML 1.0
    Toml,
}

impl Syntax {
    /// How the names of such files end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Syntax::Json => "json",
            Syntax::Toml => "toml",
        }
    }
}

impl FileKind {
    /// How files of the kind are written.
    #[must_use]
    pub fn syntax(self) -> Syntax {
        match self {
            FileKind::Spec | FileKind::Hook | FileKind::Dockerd => Syntax::Json,
            FileKind::Policy | FileKind::Buildkitd | FileKind::Containerd => Syntax::Toml,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            FileKind::Spec => "OCI runtime spec",
            FileKind::Hook => "hooks.d file",
            FileKind::Policy => "oomshim policy",
            FileKind::Buildkitd => "buildkitd.toml",
            FileKind::Dockerd => "daemon.json",
            FileKind::Containerd => "containerd config.toml",
        }
    }

    /// The keys that a file of the kind has at its top.
    fn keys(self) -> &'static [&'static str] {
        match self {
            FileKind::Spec => &["ociVersion", "process", "root", "mounts", "linux", "hostname", "annotations", "hooks"],
            FileKind::Hook => &["hook", "when", "stages", "stage", "version"],
            FileKind::Policy => &["class", "rule", "default", "runtime", "apply", "log"],
            FileKind::Buildkitd => &[
                "worker",
                "grpc",
                "registry",
                "insecure-entitlements",
                "root",
                "frontend",
                "dns",
                "trace",
                "debug",
                "history",
                "cdi",
            ],
            FileKind::Dockerd => DOCKERD,
            FileKind::Containerd => &[
                "version",
                "plugins",
                "oom_score",
                "root",
                "state",
                "disabled_plugins",
                "required_plugins",
                "imports",
                "proxy_plugins",
                "grpc",
                "ttrpc",
                "debug",
                "metrics",
                "cgroup",
                "timeouts",
                "stream_processors",
            ],
        }
    }

    /// Keys that no file of another kind has.
    fn telling(self) -> &'static [&'static str] {
        match self {
            FileKind::Spec => &["ociVersion"],
            FileKind::Hook => &["hook", "stages"],
            FileKind::Policy => &["class", "rule", "apply"],
            FileKind::Buildkitd => &["worker", "insecure-entitlements", "registry"],
            FileKind::Dockerd => &DOCKERD[..DOCKERS_OWN],
            FileKind::Containerd => &["plugins", "oom_score", "disabled_plugins", "proxy_plugins", "imports"],
        }
    }
}

/// How many of [`DOCKERD`] no other program has under that name; they come first.
const DOCKERS_OWN: usize = 21;

/// What dockerd reads from its file (moby `daemon/config`).
const DOCKERD: &[&str] = &[
    "runtimes",
    "default-runtime",
    "exec-opts",
    "data-root",
    "storage-driver",
    "storage-opts",
    "log-driver",
    "log-opts",
    "registry-mirrors",
    "insecure-registries",
    "live-restore",
    "exec-root",
    "oom-score-adjust",
    "default-shm-size",
    "default-ulimits",
    "cgroup-parent",
    "userns-remap",
    "default-cgroupns-mode",
    "max-concurrent-downloads",
    "userland-proxy",
    "metrics-addr",
    "containerd",
    "builder",
    "features",
    "hosts",
    "iptables",
    "bip",
    "experimental",
];

/// The kind of a file that could be parsed.
#[must_use]
pub fn of_tree(tree: &Tree<'_>, syntax: Syntax, name: &Path) -> Option<FileKind> {
    let root = tree.root();
    let count = |kind: FileKind| {
        let has = |keys: &[&str]| keys.iter().filter(|key| names(root, key)).count();
        // `[default]` alone is anybody's; with a class in it, it is a policy's.
        let default = kind == FileKind::Policy && root.at(&["default", "class"]).is_some();
        has(kind.keys()) + 4 * has(kind.telling()) + 4 * usize::from(default)
    };
    let is_possible = |kind: FileKind| match kind {
        FileKind::Spec => is_spec(root, name),
        // Other programs have a table of rules, but no list of them.
        FileKind::Policy => names(root, "class") || root.field("rule").is_none_or(|rule| rule.kind() == Kind::Array),
        _ => true,
    };
    let kinds = FileKind::ALL.iter().map(|(kind, _)| *kind);
    let kinds = kinds.filter(|kind| kind.syntax() == syntax && is_possible(*kind));
    let scored = kinds.map(|kind| (count(kind), kind)).filter(|(score, _)| *score > 0);
    // A file named as one is taken for one in doubt: it may well be the one that lacks what would tell.
    scored
        .max_by_key(|(score, kind)| (*score, by_name(name) == Some(*kind)))
        .and_then(|(score, kind)| {
            let named = by_name(name) == Some(kind);
            (score > 1 || named).then_some(kind)
        })
        .or_else(|| {
            let is_empty = root.children().next().is_none();
            let is_told = |kind: FileKind| kind != FileKind::Spec || is_spec(root, name) || is_empty;
            by_name(name).filter(|kind| kind.syntax() == syntax && root.is_object() && is_told(*kind))
        })
}

/// Whether an object is a runtime spec. `config.json` is many a program's, an image's too, and the other keys are
/// everybody's: what crictl takes has `linux` and `mounts`, a container's state has `ociVersion`.
fn is_spec(root: Node<'_>, name: &Path) -> bool {
    let is_object = |key| root.field(key).is_some_and(Node::is_object);
    let is_own = is_object("process") || is_object("root");
    let is_state = !is_own && names(root, "status") && names(root, "bundle");
    let is_named = by_name(name) == Some(FileKind::Spec) && is_object("linux");
    is_own || is_named || (names(root, "ociVersion") && !is_state)
}

fn names(root: Node<'_>, key: &str) -> bool {
    // A hostile file's thousands of keys must not be walked once for each word.
    root.children().take(64).any(|child| child.is_named(key))
}

/// The kind of a file that could not be parsed: what it seems to be.
#[must_use]
pub fn of_text(text: &str, name: &Path) -> Option<FileKind> {
    let head: &str = text.get(..text.len().min(64 * 1024)).unwrap_or(text);
    let says = |words: &[&str]| words.iter().any(|word| head.contains(word));
    let is_other = |kind: &FileKind| *kind == FileKind::Spec && !head.trim().is_empty() && !says(&["\"process\""]);
    by_name(name).filter(|kind| !is_other(kind)).or_else(|| {
        Some(match () {
            () if says(&["\"ociVersion\""]) => FileKind::Spec,
            () if says(&["\"stages\""]) && says(&["\"hook\""]) => FileKind::Hook,
            () if says(&["[[rule]]", "[class."]) => FileKind::Policy,
            () if says(&["[worker."]) => FileKind::Buildkitd,
            () if says(&["[plugins."]) => FileKind::Containerd,
            () if says(&["\"default-runtime\"", "\"runtimes\""]) => FileKind::Dockerd,
            () => return None,
        })
    })
}

/// The kind that the file's usual name tells. `config.toml` is everybody's name and tells nothing.
pub(super) fn by_name(name: &Path) -> Option<FileKind> {
    let parent = name.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    match (parent, name.file_name()?.to_str()?) {
        (_, "config.json") => Some(FileKind::Spec),
        (_, "daemon.json") => Some(FileKind::Dockerd),
        (_, "buildkitd.toml") => Some(FileKind::Buildkitd),
        (Some("oomshim"), "policy.toml") => Some(FileKind::Policy),
        (Some("containerd"), "config.toml") => Some(FileKind::Containerd),
        (Some("hooks.d"), _) if name.extension().is_some_and(|extension| extension == "json") => Some(FileKind::Hook),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{json, toml};

    #[test]
    fn the_content_tells() {
        let cases = [
            (r#"{"ociVersion":"1.0.2"}"#, Some(FileKind::Spec)),
            (r#"{"process":{},"root":{}}"#, Some(FileKind::Spec)),
            (r#"{"version":"1.0.0","hook":{"path":"/x"},"stages":["prestart"],"when":{}}"#, Some(FileKind::Hook)),
            (r#"{"default-runtime":"x"}"#, Some(FileKind::Dockerd)),
            (r#"{"name":"left-pad","version":"1.0.0"}"#, None),
            (r#"{"compilerOptions":{}}"#, None),
            (r#"{"hosts":["a.example"],"key":{"algo":"rsa"}}"#, None),
            (r#"{"hosts":["fd://"],"iptables":false}"#, Some(FileKind::Dockerd)),
            ("[]", None),
            (r#"{"ociVersion":"1.0.2","id":"x","status":"created","pid":7,"bundle":"/b"}"#, None),
            (r#"{"metadata":{"name":"x"},"hostname":"h","mounts":[],"linux":{},"annotations":{}}"#, None),
            (r#"{"hostname":"h","root":"/srv","hooks":[]}"#, None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                of_tree(&json::parse(text.as_bytes()).unwrap(), Syntax::Json, Path::new("x.json")),
                expected,
                "{text}"
            );
        }
        let cases = [
            ("[class.x]\noom_score_adj = 1\n", Some(FileKind::Policy)),
            ("[worker.oci]\nbinary = \"x\"\n", Some(FileKind::Buildkitd)),
            ("version = 2\n[plugins]\n", Some(FileKind::Containerd)),
            ("oom_score = -999\n", Some(FileKind::Containerd)),
            ("[package]\nname = \"x\"\n", None),
            ("[dependencies]\n", None),
            ("severity = \"x\"\n[rule.blank-imports]\n", None),
            ("[[rule]]\nclass = \"x\"\n", Some(FileKind::Policy)),
        ];
        for (text, expected) in cases {
            assert_eq!(of_tree(&toml::parse(text).unwrap(), Syntax::Toml, Path::new("x.toml")), expected, "{text}");
        }
    }

    #[test]
    fn the_name_tells_where_the_content_does_not() {
        let empty = json::parse(b"{}").unwrap();
        assert_eq!(of_tree(&empty, Syntax::Json, Path::new("b/config.json")), Some(FileKind::Spec));
        assert_eq!(of_tree(&empty, Syntax::Json, Path::new("hooks.d/x.json")), Some(FileKind::Hook));
        assert_eq!(of_tree(&empty, Syntax::Json, Path::new("x.json")), None);
        for other in [r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{}}"#, r#"{"auths":{}}"#] {
            assert_eq!(
                of_tree(&json::parse(other.as_bytes()).unwrap(), Syntax::Json, Path::new("b/config.json")),
                None,
                "{other}"
            );
        }
        assert_eq!(of_text("// settings\n{}", Path::new("config.json")), None);
        assert_eq!(of_text("", Path::new("config.json")), Some(FileKind::Spec));
        assert_eq!(of_text("{\"ociVersion\":", Path::new("x.json")), Some(FileKind::Spec));
        assert_eq!(of_text("hello", Path::new("x.txt")), None);
    }
}
