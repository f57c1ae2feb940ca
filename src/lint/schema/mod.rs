//! Whether a file has the shape that its reader's types have: one walk, all flaws.
//!
//! A table is a file here; [`object_of`] names the one of a kind. What a table calls `Any` is not looked into. `null`
//! is absent, as in Go.

pub mod buildkitd;
pub mod containerd;
pub mod containers_conf;
pub mod dockerd;
pub mod go_regexp;
pub mod go_units;
pub mod hook;
pub mod quantity;
pub mod spec;

use std::collections::HashMap;
use std::fmt;

use super::kind::FileKind;
use crate::json::{Kind, Node};

/// An object whose members have names of their own.
#[derive(Debug)]
pub struct Object {
    /// Where it stands in the spec, for people: `process`, `mounts[]`.
    pub name: &'static str,
    /// Its members.
    pub fields: &'static [Field],
}

/// A member of an object.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What the value is.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
}

/// What a value is.
#[derive(Debug)]
pub enum Shape {
    /// Anything.
    Any,
    /// `true` or `false`
    Bool,
    /// A text.
    Text,
    /// A whole number in that range.
    Integer(i128, i128),
    /// Any number.
    Number,
    /// One of two.
    Either(&'static Shape, &'static Shape),
    /// A list of such values.
    List(&'static Shape),
    /// An object whose keys are free, with such values.
    Map(&'static Shape),
    /// An object with named members.
    Object(&'static Object),
}

/// An object of those members, as a [`Shape`].
macro_rules! object {
    ($name:literal: $($field:expr),+ $(,)?) => {
        Shape::Object(&Object { name: $name, fields: const { &[$($field),+] } })
    };
}
use object;

/// A member that may be missing.
pub(super) const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

/// A member that must be there.
pub(super) const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

/// Go's `uint16`.
pub(super) const U16: Shape = Shape::Integer(0, u16::MAX as i128);
/// Go's `uint32`.
pub(super) const U32: Shape = Shape::Integer(0, u32::MAX as i128);
/// Go's `uint64`.
pub(super) const U64: Shape = Shape::Integer(0, u64::MAX as i128);
/// Go's `int32`.
pub(super) const I32: Shape = Shape::Integer(i32::MIN as i128, i32::MAX as i128);
/// Go's `int64`, and its `int` on every machine that runs containers.
pub(super) const I64: Shape = Shape::Integer(i64::MIN as i128, i64::MAX as i128);
/// A list of texts.
pub(super) const TEXTS: Shape = Shape::List(&Shape::Text);

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Any => out.write_str("anything"),
            Shape::Bool => out.write_str("true or false"),
            Shape::Text => out.write_str("a string"),
            Shape::Integer(min, max) if *min == i128::from(i64::MIN) && *max == i128::from(i64::MAX) => {
                out.write_str("an integer")
            }
            Shape::Integer(0, max) if *max == i128::from(u64::MAX) => out.write_str("an integer that is not negative"),
            Shape::Integer(min, max) => write!(out, "an integer from {min} to {max}"),
            Shape::Number => out.write_str("a number"),
            Shape::Either(one, other) => write!(out, "{one} or {other}"),
            Shape::List(_) => out.write_str("an array"),
            Shape::Map(_) | Shape::Object(_) => out.write_str("an object"),
        }
    }
}

/// A way in which a file is not what its reader reads.
#[derive(Debug)]
pub enum Flaw<'t> {
    /// The value is something else.
    WrongType {
        /// The value.
        node: Node<'t>,
        /// What it should be.
        expected: &'static Shape,
    },
    /// No reader knows that member.
    Unknown {
        /// The member.
        node: Node<'t>,
        /// The object that it is in.
        object: &'static Object,
        /// The value of that object.
        parent: Node<'t>,
    },
    /// A member must be there and is not.
    Missing {
        /// The object.
        node: Node<'t>,
        /// What it is.
        object: &'static Object,
        /// The member's name.
        field: &'static str,
    },
    /// A member is there twice, or in two spellings that Go takes for one.
    DuplicateKey {
        /// The earlier one.
        first: Node<'t>,
        /// The later one, which Go takes.
        second: Node<'t>,
        /// The field's name; `None` for the entry of a map.
        name: Option<&'static str>,
    },
    /// A member whose name is right but for its case, which is enough for Go and for nobody else.
    OtherCase {
        /// The member.
        node: Node<'t>,
        /// The field's name.
        name: &'static str,
        /// The value of the object that it is in.
        parent: Node<'t>,
    },
}

/// The table that files of a kind are held against; `None` where their readers have no types.
#[must_use]
pub fn object_of(kind: FileKind, root: Node<'_>) -> Option<&'static Object> {
    match kind {
        FileKind::Spec => Some(&spec::SPEC),
        FileKind::Hook => Some(hook::object(root)),
        FileKind::Buildkitd => Some(&buildkitd::BUILDKITD),
        FileKind::Containerd => Some(&containerd::CONTAINERD),
        FileKind::Dockerd => Some(&dockerd::DOCKERD),
        FileKind::ContainersConf => Some(&containers_conf::CONTAINERS_CONF),
        _ => None,
    }
}

/// All flaws of a value that should be such an object, in the order of the text.
#[must_use]
pub fn flaws<'t>(root: Node<'t>, object: &'static Object) -> Vec<Flaw<'t>> {
    let mut flaws = Vec::new();
    if root.is_object() {
        walk_object(root, object, &mut flaws);
    }
    flaws
}

// The recursion ends with the tables, which no file can deepen.
fn walk<'t>(node: Node<'t>, shape: &'static Shape, flaws: &mut Vec<Flaw<'t>>) {
    let kind = node.kind();
    let fits = match shape {
        Shape::Any => return,
        _ if kind == Kind::Null => return,
        Shape::Bool => kind == Kind::Bool,
        Shape::Text => kind == Kind::String,
        Shape::Integer(min, max) => node.integer().is_some_and(|number| (*min..=*max).contains(&number)),
        Shape::Number => kind == Kind::Number,
        Shape::Either(one, other) => {
            let fits = |shape| {
                let mut flaws = Vec::new();
                walk(node, shape, &mut flaws);
                flaws.is_empty()
            };
            fits(one) || fits(other)
        }
        Shape::List(_) => kind == Kind::Array,
        Shape::Map(_) | Shape::Object(_) => kind == Kind::Object,
    };
    if !fits {
        flaws.push(Flaw::WrongType { node, expected: shape });
        return;
    }
    match shape {
        Shape::List(Shape::Text) => {
            let wrong = node.children().filter(|item| !matches!(item.kind(), Kind::String | Kind::Null));
            flaws.extend(wrong.map(|node| Flaw::WrongType { node, expected: &Shape::Text }));
        }
        Shape::List(inner) => node.children().for_each(|item| walk(item, inner, flaws)),
        Shape::Map(inner) => {
            duplicates_in_map(node, flaws);
            node.children().for_each(|entry| walk(entry, inner, flaws));
        }
        Shape::Object(object) => walk_object(node, object, flaws),
        _ => {}
    }
}

fn walk_object<'t>(node: Node<'t>, object: &'static Object, flaws: &mut Vec<Flaw<'t>>) {
    let (mut few, mut many) = ([None; 32], Vec::new());
    let seen: &mut [Option<Node<'t>>] = if object.fields.len() <= few.len() {
        &mut few
    } else {
        many.resize(object.fields.len(), None);
        &mut many
    };
    // Engines' readers of TOML take keys in any case, as those of JSON do.
    let is_json = node.tree().is_json();
    let is_named = |member: Node<'t>, name: &str| {
        member.is_named(name) || (!is_json && member.key().is_some_and(|key| key.eq_ignore_ascii_case(name)))
    };
    let mut expected = 0;
    for member in node.children() {
        // Encoders write members in the order of their types, so the next one is most likely the next field.
        let fields = object.fields;
        let found = (expected..fields.len()).chain(0..expected).find(|index| is_named(member, fields[*index].name));
        let Some(index) = found else {
            flaws.push(Flaw::Unknown { node: member, object, parent: node });
            continue;
        };
        expected = (index + 1) % fields.len();
        if let Some(first) = seen[index].replace(member) {
            flaws.push(Flaw::DuplicateKey { first, second: member, name: Some(fields[index].name) });
        }
        if is_json && member.key().is_some_and(|key| key != fields[index].name) {
            flaws.push(Flaw::OtherCase { node: member, name: fields[index].name, parent: node });
        }
        walk(member, &fields[index].shape, flaws);
    }
    for (field, seen) in object.fields.iter().zip(&*seen).filter(|(field, _)| field.required) {
        if !seen.is_some_and(|node| node.kind() != Kind::Null) {
            flaws.push(Flaw::Missing { node, object, field: field.name });
        }
    }
}

/// Keys that a map has twice: the last one counts, and the first is a surprise.
fn duplicates_in_map<'t>(node: Node<'t>, flaws: &mut Vec<Flaw<'t>>) {
    let mut seen = HashMap::new();
    for entry in node.children() {
        if let Some(first) = entry.key().and_then(|key| seen.insert(key, entry)) {
            flaws.push(Flaw::DuplicateKey { first, second: entry, name: None });
        }
    }
}

/// The name that was probably meant by `word`.
#[must_use]
pub fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // A word of another length is no slip of the pen, and measuring it costs its length squared.
    let near = names.filter(|name| word.len() <= name.len() * 2 && name.len() <= word.len() * 2);
    let fold = word.to_ascii_lowercase().replace(['_', '-'], "");
    let measured = near.map(|name| (strsim::osa_distance(&fold, &name.to_ascii_lowercase()), name));
    let (distance, name) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len().div_ceil(4)).then_some(name)
}

#[cfg(test)]
mod tests;
