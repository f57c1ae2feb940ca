//! The types of a hooks.d file in both of its versions (containers/common `pkg/hooks/1.0.0` and `pkg/hooks/0.1.0`).

use super::{I64, Object, Shape, TEXTS, may, must};
use crate::json::Node;
use Shape::{Bool, Map, Text};

/// The version in which podman and CRI-O read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `"version": "1.0.0"`.
    Current,
    /// `"version": "0.1.0"`, or none: CRI-O's first format, which is still read.
    Old,
    /// Any other, which is refused.
    Unknown,
}

/// The version of that file.
#[must_use]
pub fn version(root: Node<'_>) -> Version {
    match root.field("version").map(Node::text) {
        None => Version::Old,
        Some(Some(text)) if text == "1.0.0" => Version::Current,
        Some(Some(text)) if text.is_empty() || text == "0.1.0" => Version::Old,
        Some(_) => Version::Unknown,
    }
}

/// The type into which such a file is read.
#[must_use]
pub fn object(root: Node<'_>) -> &'static Object {
    match version(root) {
        Version::Old => &OLD,
        Version::Current | Version::Unknown => &HOOK,
    }
}

/// The whole file, version 1.0.0.
pub static HOOK: Object = Object {
    name: "the hook",
    fields: &[
        must("version", Text),
        must(
            "hook",
            Shape::Object(&Object {
                name: "hook",
                fields: &[must("path", Text), may("args", TEXTS), may("env", TEXTS), may("timeout", I64)],
            }),
        ),
        may(
            "when",
            Shape::Object(&Object {
                name: "when",
                fields: &[
                    may("always", Bool),
                    may("annotations", Map(&Text)),
                    may("commands", TEXTS),
                    may("hasBindMounts", Bool),
                ],
            }),
        ),
        must("stages", TEXTS),
    ],
};

/// The whole file, version 0.1.0. Of `stage` and `stages` one must be there, and of no pair both may.
pub static OLD: Object = Object {
    name: "the hook (version 0.1.0)",
    fields: &[
        may("version", Text),
        must("hook", Text),
        may("arguments", TEXTS),
        may("stages", TEXTS),
        may("stage", TEXTS),
        may("cmds", TEXTS),
        may("cmd", TEXTS),
        may("annotations", TEXTS),
        may("annotation", TEXTS),
        may("hasbindmounts", Bool),
    ],
};
