//! The types of a hooks.d file, version 1.0.0 (containers/common `pkg/hooks/1.0.0`).

use super::{I64, Object, Shape, TEXTS, may, must};
use Shape::{Bool, Map, Text};

/// The whole file.
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
        must(
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
