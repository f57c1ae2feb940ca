//! A file being judged: its tree, its kind, and what rules derive from it once for all of them.

use std::cell::OnceCell;
use std::path::Path;

use super::kind::FileKind;
use super::schema::{self, Flaw};
use super::spec_view::Spec;
use super::syntax::Syntax;
use super::target_host::TargetHost;
use crate::json::SyntaxError;
use crate::json::{Node, Tree};
use crate::policy::Policy;
use crate::policy::file::{self, PolicyError};

/// A file being judged.
#[derive(Debug)]
pub struct Subject<'t> {
    /// Its name as it was given.
    pub name: &'t Path,
    /// What kind of file it is.
    pub kind: FileKind,
    /// How it is written.
    pub syntax: Syntax,
    /// The whole of it.
    pub text: &'t str,
    /// Its values; one `null` where it could not be parsed.
    pub tree: &'t Tree<'t>,
    /// Why it could not be parsed.
    pub syntax_error: Option<&'t SyntaxError>,
    /// Whether its name is that of a real file, beside which others can be looked for.
    pub on_disk: bool,
    /// The machine to judge it against.
    pub machine: Option<&'t TargetHost>,
    /// Where the values that are judged are in a file that holds more than them.
    part: Option<Node<'t>>,
    spec: OnceCell<Spec<'t>>,
    flaws: OnceCell<Vec<Flaw<'t>>>,
    policy: OnceCell<Result<Policy, PolicyError>>,
}

impl<'t> Subject<'t> {
    pub(super) fn new(name: &'t Path, kind: FileKind, text: &'t str, tree: &'t Tree<'t>) -> Self {
        Subject {
            name,
            kind,
            syntax: kind.syntax(),
            text,
            tree,
            syntax_error: None,
            on_disk: false,
            machine: None,
            part: None,
            spec: OnceCell::new(),
            flaws: OnceCell::new(),
            policy: OnceCell::new(),
        }
    }

    /// Only that part of the file is judged, as a file of that kind.
    pub(super) fn judge_part(&mut self, part: Node<'t>, kind: FileKind) {
        self.part = Some(part);
        self.kind = kind;
    }

    /// Whether only a part of the file is judged. It is what a program printed, and nothing reads it again.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// The file's value, or the part of it that is judged.
    #[must_use]
    pub fn root(&self) -> Node<'t> {
        self.part.unwrap_or_else(|| self.tree.root())
    }

    /// The file as a spec.
    pub fn spec(&self) -> &Spec<'t> {
        self.spec.get_or_init(|| Spec::of(self.root()))
    }

    /// In what the file differs from the types of its reader; nothing for kinds whose readers are not strict.
    pub fn flaws(&self) -> &[Flaw<'t>] {
        self.flaws.get_or_init(|| {
            let object = schema::object_of(self.kind, self.root());
            object.map_or_else(Vec::new, |object| schema::flaws(self.root(), object))
        })
    }

    /// The file as a policy.
    ///
    /// # Errors
    /// What oomshim itself says about it.
    pub fn policy(&self) -> Result<&Policy, &PolicyError> {
        self.policy.get_or_init(|| file::parse(self.text, self.name)).as_ref()
    }
}
