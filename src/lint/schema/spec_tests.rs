//! The table beside the types of oci-spec and beside the edits.

use serde_json::{Map, Value, json};

use super::super::{Object, Shape};
use super::SPEC;
use crate::spec::edit::Edit;
use crate::system::memory_file::MemoryFile;
use crate::system::oom_score_adj::OomScoreAdj;

/// Texts of which one is right for each field of a type that takes only some.
const TEXTS: [&str; 18] = [
    "x",
    "1.0.2",
    "CAP_KILL",
    "RLIMIT_NOFILE",
    "SCHED_OTHER",
    "SCHED_FLAG_RESET_ON_FORK",
    "IOPRIO_CLASS_RT",
    "mount",
    "c",
    "SCMP_ACT_ALLOW",
    "SCMP_ARCH_X86",
    "SECCOMP_FILTER_FLAG_LOG",
    "SCMP_CMP_EQ",
    "LINUX",
    "0-1",
    "MPOL_BIND",
    "MPOL_F_STATIC_NODES",
    "SCHED_RESET_ON_FORK",
];

/// A value of that shape, of an object only what must be there.
fn value(shape: &Shape, text: &str) -> Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Bool => json!(true),
        Shape::Text => json!(text),
        Shape::Integer(..) | Shape::Number => json!(1),
        Shape::Either(one, _) => value(one, text),
        Shape::List(inner) => json!([value(inner, text)]),
        Shape::Map(inner) => json!({ "k": value(inner, text) }),
        Shape::Object(object) => Value::Object(required(object, text)),
    }
}

fn required(object: &Object, text: &str) -> Map<String, Value> {
    let fields = object.fields.iter().filter(|field| field.required);
    let fixed = |name: &str| match name {
        "defaultAction" | "action" => "SCMP_ACT_ALLOW",
        "op" => "SCMP_CMP_EQ",
        "policy" => "SCHED_OTHER",
        "mode" => "MPOL_BIND",
        _ => text,
    };
    fields.map(|field| (field.name.to_owned(), value(&field.shape, fixed(field.name)))).collect()
}

/// The value that has one member of the object, wherever in `shape` that is.
fn with(shape: &Shape, at: &[&str], text: &str) -> Value {
    match (shape, at) {
        (Shape::List(inner), _) => json!([with(inner, at, text)]),
        (Shape::Either(one, _), _) => with(one, at, text),
        (Shape::Map(inner), _) if !at.is_empty() => json!({ "k": with(inner, at, text) }),
        (Shape::Object(object), [name, deeper @ ..]) => {
            let field = object.fields.iter().find(|field| field.name == *name).unwrap();
            let mut members = required(object, text);
            members.insert((*name).to_owned(), with(&field.shape, deeper, text));
            Value::Object(members)
        }
        _ => value(shape, text),
    }
}

/// Whether there is anything at that path, through lists and maps.
fn has(value: &Value, at: &[&str]) -> bool {
    let [name, deeper @ ..] = at else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| has(item, at)),
        Value::Object(members) => {
            members.get(*name).is_some_and(|value| has(value, deeper)) || members.get("k").is_some_and(|it| has(it, at))
        }
        _ => false,
    }
}

fn paths(shape: &Shape, at: &[&'static str], found: &mut Vec<Vec<&'static str>>) {
    match shape {
        Shape::List(inner) | Shape::Map(inner) => paths(inner, at, found),
        Shape::Object(object) => {
            for field in object.fields {
                let path = [at, &[field.name]].concat();
                paths(&field.shape, &path, found);
                found.push(path);
            }
        }
        _ => {}
    }
}

/// What the table has and the types of oci-spec 0.10 do not: fields of older releases, and other systems, whose `Any`
/// is no value of theirs.
const UNKNOWN_TO_THE_TYPES: [&str; 4] = ["linux.intelRdt.enableCMT", "linux.intelRdt.enableMBM", "vm", "freebsd"];

#[test]
fn the_types_of_oci_spec_have_every_field() {
    let whole = Shape::Object(&SPEC);
    let mut all = Vec::new();
    paths(&whole, &[], &mut all);
    assert!(all.len() > 150, "{}", all.len());
    let survives = |path: &[&str]| {
        TEXTS.into_iter().any(|text| {
            let mut spec = with(&whole, path, text);
            // The type wants a user where Go is content with root.
            if let Some(process) = spec.get_mut("process").and_then(Value::as_object_mut) {
                process.entry("user").or_insert(json!({ "uid": 0, "gid": 0 }));
            }
            let read = serde_json::from_value::<oci_spec::runtime::Spec>(spec);
            read.is_ok_and(|spec| has(&serde_json::to_value(spec).unwrap(), path))
        })
    };
    let lost: Vec<String> = all.iter().filter(|path| !survives(path)).map(|path| path.join(".")).collect();
    assert_eq!(lost, UNKNOWN_TO_THE_TYPES);
}

#[test]
fn every_edit_names_a_field_of_the_specification() {
    let mut all = Vec::new();
    paths(&Shape::Object(&SPEC), &[], &mut all);
    let has = |path: &str| all.iter().any(|known| known.join(".") == path);
    assert!(has(&Edit::OomScoreAdj(OomScoreAdj::ZERO).field()));
    for file in MemoryFile::ALL {
        let field = Edit::Memory(file, 0).field();
        assert!(has(field.split(".\"").next().unwrap()), "{field}");
    }
}
