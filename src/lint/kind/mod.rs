//! What kind of file a file is: told by what it says, and only where that leaves it open by its name.
//!
//! A kind is a file here that says by what it is known, its `mod` line and its line in `kinds!`. Another program's file
//! must never be taken for one of ours: keys that others have too prove nothing, and a value of another type than the
//! kind's proves the contrary. What is not [`Claim::Certain`] is judged with care and never changed.

mod buildkitd;
mod compose;
mod container_inspect;
mod containerd;
mod containerd_template;
mod containers_conf;
mod crio;
mod dockerd;
mod hook;
pub(super) mod inspect;
mod kubernetes;
mod nvidia;
mod policy;
mod spec;
mod unit;

use std::fmt;
use std::path::Path;

pub use super::syntax::Syntax;
use crate::json::{Node, Tree};

/// What a kind is. Each file of this directory has one.
#[derive(Debug)]
pub struct Definition {
    /// The word for it, in options and in every output.
    pub word: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// How files of the kind are written, the usual way first.
    pub syntaxes: &'static [Syntax],
    /// What a file's name says.
    pub name: fn(&Path) -> Name,
    /// What a file's values say.
    pub claim: fn(Node<'_>) -> Claim,
    /// Whether a text that could not be parsed was meant to be one, whatever its name is.
    pub seems: fn(&str) -> bool,
}

/// What the name of a file says about its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// No file of the kind is called so.
    Other,
    /// Any file may be called so; a search of a directory looks into it.
    Possible,
    /// Files of the kind are called so where their reader looks for them.
    Usual,
}

/// What the content of a file says about its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// It is something else, whatever it is called.
    No,
    /// It may be one: whether it is, its name tells.
    Possible,
    /// It is one, whatever it is called.
    Certain,
}

/// A kind, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognized {
    /// The kind.
    pub kind: FileKind,
    /// What it rests on.
    pub certainty: Certainty,
}

/// What it rests on that a file is of some kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Its name or its place. It is judged, and no fix is made.
    Name,
    /// What it says, or what a person says.
    Content,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident => $module:ident,)+) => {
        /// The kinds of files that rules know.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FileKind { $($(#[$doc])* $variant),+ }

        impl FileKind {
            /// Every kind with its word.
            pub const ALL: &'static [(FileKind, &'static str)] =
                &[$((FileKind::$variant, $module::DEFINITION.word)),+];

            fn definition(self) -> &'static Definition {
                match self { $(FileKind::$variant => &$module::DEFINITION),+ }
            }
        }
    };
}

kinds! {
    /// An OCI runtime spec, `config.json`.
    Spec => spec,
    /// A file of hooks.d, `oci-hooks(5)`.
    Hook => hook,
    /// oomshim's policy.
    Policy => policy,
    /// The `buildkitd.toml` of `BuildKit`.
    Buildkitd => buildkitd,
    /// Docker's `daemon.json`.
    Dockerd => dockerd,
    /// containerd's `config.toml`.
    Containerd => containerd,
    /// The templates of k3s and rke2 for it.
    ContainerdTemplate => containerd_template,
    /// CRI-O's `crio.conf`.
    Crio => crio,
    /// podman's `containers.conf`.
    ContainersConf => containers_conf,
    /// The `config.toml` of nvidia-container-runtime.
    Nvidia => nvidia,
    /// A unit file of systemd.
    Unit => unit,
    /// A compose file.
    Compose => compose,
    /// A manifest of Kubernetes with a pod or a `RuntimeClass`.
    Kubernetes => kubernetes,
    /// What `crictl inspect` prints.
    Inspect => inspect,
    /// What `docker inspect` and `podman inspect` print.
    ContainerInspect => container_inspect,
}

impl FileKind {
    /// The word for it, in options and in every output.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.definition().word
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.definition().title
    }

    /// How files of the kind are written, as a rule.
    #[must_use]
    pub fn syntax(self) -> Syntax {
        self.definition().syntaxes.first().copied().unwrap_or(Syntax::Text)
    }

    /// Whether files of the kind may be written so.
    #[must_use]
    pub fn is_written_in(self, syntax: Syntax) -> bool {
        self.definition().syntaxes.contains(&syntax)
    }

    /// Whether a file of the kind may have that name.
    #[must_use]
    pub fn may_be_called(self, name: &Path) -> bool {
        (self.definition().name)(name) != Name::Other
    }

    fn is_usual(self, name: &Path) -> bool {
        (self.definition().name)(name) == Name::Usual
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

fn all() -> impl Iterator<Item = FileKind> {
    FileKind::ALL.iter().map(|(kind, _)| *kind)
}

/// The kind of a file that could be parsed. Where the content is certain of several, the name chooses, and then the
/// order of the list.
#[must_use]
pub fn of_tree(tree: &Tree<'_>, syntax: Syntax, name: &Path) -> Option<Recognized> {
    let claims =
        all().filter(|kind| kind.is_written_in(syntax)).map(|kind| (kind, (kind.definition().claim)(tree.root())));
    let claims: Vec<_> = claims.filter(|(_, claim)| *claim != Claim::No).collect();
    let of = |least: Claim| claims.iter().filter(move |(_, claim)| *claim == least).map(|(kind, _)| *kind);
    let certain = of(Claim::Certain).find(|kind| kind.is_usual(name)).or_else(|| of(Claim::Certain).next());
    let certain = certain.map(|kind| Recognized { kind, certainty: Certainty::Content });
    let possible = || of(Claim::Possible).find(|kind| kind.is_usual(name));
    certain.or_else(|| possible().map(|kind| Recognized { kind, certainty: Certainty::Name }))
}

/// The kind of a file that could not be parsed: what it seems to be, or is called.
#[must_use]
pub fn of_text(text: &str, syntax: Syntax, name: &Path) -> Option<FileKind> {
    let head = &text[..text.floor_char_boundary(64 * 1024)];
    let kinds = || all().filter(|kind| kind.is_written_in(syntax));
    // Prose quotes files; only what may be one by its name can be a broken one.
    let may_be = |kind: &FileKind| kind.may_be_called(name) || name.extension().is_none();
    let seems = |kind: &FileKind| may_be(kind) && (kind.definition().seems)(head);
    kinds().find(|kind| kind.is_usual(name)).or_else(|| kinds().find(seems))
}

/// The kind of a text that only becomes a file: nothing of it is certain.
#[must_use]
pub fn of_template(text: &str, name: &Path) -> Option<Recognized> {
    let templates = || all().filter(|kind| kind.is_written_in(Syntax::Text) && kind.may_be_called(name));
    let kind = templates().find(|kind| (kind.definition().seems)(text))?;
    Some(Recognized { kind, certainty: Certainty::Name })
}

/// The kind that the file's usual name tells.
#[must_use]
pub fn by_name(name: &Path) -> Option<FileKind> {
    all().find(|kind| kind.is_usual(name))
}

/// Whether a file of that name is worth a look where nobody named it.
#[must_use]
pub fn is_candidate(name: &Path) -> bool {
    all().any(|kind| kind.may_be_called(name))
}

/// Whether a name ends with a dot and that word.
fn has_extension(name: &Path, extension: &str) -> bool {
    name.extension().is_some_and(|it| it == extension)
}

/// The file's name, and that of its directory; empty where there is none.
fn last_two(name: &Path) -> (&str, &str) {
    fn text(name: &Path) -> &str {
        name.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
    (name.parent().map_or("", text), text(name))
}

#[cfg(test)]
mod tests;
