//! What may be changed in a spec, and the change itself as splices of the raw bytes.
//!
//! The result differs from the input in the named fields and in nothing else; applied to its own result it changes
//! nothing. Where duplicates or case variants of a field exist, every one of them gets the value, because which of them
//! counts depends on the runtime.

use thiserror::Error;

use crate::json::{Kind, Node};
use crate::spec::field::{self, name};
pub use crate::spec::splice::{Splice, insert_first, splice};
pub use crate::system::memory_file::MemoryFile;
use crate::system::oom_score_adj::OomScoreAdj;

/// One change of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// `process.oomScoreAdj`.
    OomScoreAdj(OomScoreAdj),
    /// An entry of `linux.resources.unified`; `0` or `1` for the group flag, bytes for a limit.
    Memory(MemoryFile, u64),
}

impl Edit {
    /// The field's place in the spec, for people.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Edit::OomScoreAdj(_) => field::OOM_SCORE_ADJ.join("."),
            Edit::Memory(file, _) => format!("{}.\"{}\"", field::UNIFIED.join("."), file.name()),
        }
    }

    /// The value as the spec has it, quotes included.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Edit::OomScoreAdj(score) => score.to_string(),
            Edit::Memory(_, value) => format!("\"{value}\""),
        }
    }
}

/// Why an edit has no place in a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EditError {
    /// There is no object `process`, so nothing is started and there is nobody to protect.
    #[error("the spec has no object `process` to put oomScoreAdj into")]
    NoProcess,
    /// There is no object `linux.resources`: the engine sets no limits here, and a runtime without rights on cgroups
    /// would fail on them.
    #[error("the spec has no object `linux.resources` to put the memory settings into")]
    NoResources,
}

/// The splices that make those edits in the spec; none where it already has the values.
///
/// # Errors
/// [`EditError`] when the object that the field belongs into is not there.
pub fn splices(root: Node<'_>, edits: &[Edit]) -> Result<Vec<Splice>, EditError> {
    let mut splices = Vec::new();
    let objects =
        |path: &[&str]| -> Vec<Node<'_>> { root.find(path).into_iter().filter(|node| node.is_object()).collect() };
    let mut memory = Vec::new();
    for edit in edits {
        match edit {
            Edit::OomScoreAdj(score) => {
                let processes = objects(field::PROCESS);
                if processes.is_empty() {
                    return Err(EditError::NoProcess);
                }
                for process in processes {
                    set(&mut splices, process, Keys::Fields, &[(name::OOM_SCORE_ADJ, score.to_string())]);
                }
            }
            Edit::Memory(file, _) => memory.push((file.name(), edit.value())),
        }
    }
    if memory.is_empty() {
        return Ok(splices);
    }
    let all_resources = objects(field::RESOURCES);
    if all_resources.is_empty() {
        return Err(EditError::NoResources);
    }
    for resources in all_resources {
        set_unified(&mut splices, resources, &memory);
    }
    Ok(splices)
}

/// Sets entries of `unified`, wherever a runtime may look for it.
///
/// `"unified": null` is how an engine writes an empty map. To Go a `null` behind another `unified` also takes away what
/// that one said; so one that is the last stays, and the entries come in one more behind it. In its place they would
/// join what it took away.
fn set_unified(splices: &mut Vec<Splice>, resources: Node<'_>, memory: &[(&str, String)]) {
    let all: Vec<Node<'_>> = resources.fields(name::UNIFIED).collect();
    if all.is_empty() {
        return set(splices, resources, Keys::Fields, &[(name::UNIFIED, object(memory))]);
    }
    let mut map_before = false;
    for (index, unified) in all.iter().enumerate() {
        match unified.kind() {
            Kind::Object => {
                map_before = true;
                set(splices, *unified, Keys::Entries, memory);
            }
            Kind::Null if !map_before => splices.push(Splice { range: unified.span(), text: object(memory) }),
            Kind::Null if index + 1 == all.len() => {
                let behind = unified.span().end;
                splices
                    .push(Splice { range: behind..behind, text: format!(",\"{}\":{}", name::UNIFIED, object(memory)) });
            }
            _ => {}
        }
    }
}

/// How the keys of an object are read.
#[derive(Debug, Clone, Copy)]
enum Keys {
    /// The fields of a type, in any case.
    Fields,
    /// The entries of a map, which keep their case.
    Entries,
}

/// Sets members of an object: replaces the value of every key that is read as theirs, inserts what is missing.
fn set(splices: &mut Vec<Splice>, object: Node<'_>, keys: Keys, members: &[(&str, String)]) {
    let mut missing = Vec::new();
    for (key, value) in members {
        let present: Vec<Node<'_>> = match keys {
            Keys::Fields => object.fields(key).collect(),
            Keys::Entries => object.entries(key).collect(),
        };
        if present.is_empty() {
            missing.push((*key, value.as_str()));
        }
        let other = present.iter().filter(|node| !same(**node, value));
        splices.extend(other.map(|node| Splice { range: node.span(), text: value.clone() }));
    }
    if !missing.is_empty() {
        splices.push(insert_first(object, &missing));
    }
}

/// Whether the node already says `value`: the same text, or another spelling of the same string.
fn same(node: Node<'_>, value: &str) -> bool {
    node.bytes() == value.as_bytes() || node.text().is_some_and(|text| value == format!("\"{text}\""))
}

/// An object of those members in one line. Keys and values here are ours and need no escaping.
fn object(members: &[(&str, String)]) -> String {
    let members = members.iter().map(|(key, value)| format!("\"{key}\":{value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::document::Document;

    fn score(number: i64) -> Edit {
        Edit::OomScoreAdj(OomScoreAdj::new(number).unwrap())
    }

    fn edited(text: &str, edits: &[Edit]) -> String {
        let document = Document::parse(text.as_bytes()).unwrap();
        let bytes = splice(text.as_bytes(), splices(document.root(), edits).unwrap());
        let document = Document::parse(&bytes).unwrap();
        assert_eq!(splices(document.root(), edits).unwrap(), [], "twice is once");
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_missing_score_is_inserted_in_the_style_of_the_file() {
        assert_eq!(edited(r#"{"process":{"a":1}}"#, &[score(500)]), r#"{"process":{"oomScoreAdj":500,"a":1}}"#);
        assert_eq!(edited(r#"{"process":{ }}"#, &[score(500)]), r#"{"process":{"oomScoreAdj":500 }}"#);
        assert_eq!(
            edited("{\n\t\"process\": {\n\t\t\"a\": 1\n\t}\n}\n", &[score(-7)]),
            "{\n\t\"process\": {\n\t\t\"oomScoreAdj\": -7,\n\t\t\"a\": 1\n\t}\n}\n"
        );
    }

    #[test]
    fn duplicate_keys_and_case_variants_get_the_value() {
        let text = r#"{"process":{"oomScoreAdj":321,"OOMSCOREADJ" : 77},"Process":{"args":[]},"process":7} junk"#;
        assert_eq!(
            edited(text, &[score(500)]),
            r#"{"process":{"oomScoreAdj":500,"OOMSCOREADJ" : 500},"Process":{"oomScoreAdj":500,"args":[]},"process":7} junk"#
        );
    }

    #[test]
    fn whatever_the_value_was_it_is_replaced() {
        for old in ["null", "\"500\"", "1e3", "{\"a\":[1]}", "[5]", "-1000", "18446744073709551615", "true"] {
            let text = format!("{{\"process\":{{\"oomScoreAdj\":{old}}}}}");
            assert_eq!(edited(&text, &[score(500)]), r#"{"process":{"oomScoreAdj":500}}"#);
        }
    }

    #[test]
    fn memory_settings_join_what_is_there() {
        let edits = [Edit::Memory(MemoryFile::OomGroup, 1), Edit::Memory(MemoryFile::Max, 1 << 33)];
        let made = r#""unified":{"memory.oom.group":"1","memory.max":"8589934592"}"#;
        let cases = [
            (r#"{"linux":{"resources":{}}}"#, format!(r#"{{"linux":{{"resources":{{{made}}}}}}}"#)),
            (r#"{"linux":{"resources":{"unified":null}}}"#, format!(r#"{{"linux":{{"resources":{{{made}}}}}}}"#)),
            (
                r#"{"linux":{"resources":{"unified":{"memory.oom.group":"0","x":"1"}}}}"#,
                r#"{"linux":{"resources":{"unified":{"memory.max":"8589934592","memory.oom.group":"1","x":"1"}}}}"#.into(),
            ),
            (
                // The keys of a map keep their case; those of the struct around it do not.
                r#"{"Linux":{"RESOURCES":{"Unified":{"Memory.Max":"1","memory.max":"\u0038589934592"}}}}"#,
                r#"{"Linux":{"RESOURCES":{"Unified":{"memory.oom.group":"1","Memory.Max":"1","memory.max":"\u0038589934592"}}}}"#.into(),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(edited(text, &edits), expected);
        }
    }

    #[test]
    fn what_null_took_away_stays_away() {
        let group = [Edit::Memory(MemoryFile::OomGroup, 1)];
        let ours = r#"{"memory.oom.group":"1"}"#;
        let with = |unified: &str| format!(r#"{{"linux":{{"resources":{{{unified}}}}}}}"#);
        let cases = [
            (r#""unified":null,"unified":null"#, format!(r#""unified":{ours},"unified":{ours}"#)),
            (
                r#""unified":{"x":"1"},"unified":null"#,
                format!(r#""unified":{{"memory.oom.group":"1","x":"1"}},"unified":null,"unified":{ours}"#),
            ),
            (
                r#""unified":{"x":"1"},"unified":null,"Unified":{"y":"1"}"#,
                r#""unified":{"memory.oom.group":"1","x":"1"},"unified":null,"Unified":{"memory.oom.group":"1","y":"1"}"#
                    .into(),
            ),
            (
                r#""unified":null,"unified":{"x":"1"}"#,
                format!(r#""unified":{ours},"unified":{{"memory.oom.group":"1","x":"1"}}"#),
            ),
        ];
        for (unified, expected) in cases {
            assert_eq!(edited(&with(unified), &group), with(&expected));
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let spec = b"{\"process\":{\"env\":[\"A=\xff\xfe\"]},\"\xff\":1}\xff";
        let document = Document::parse(spec).unwrap();
        let bytes = splice(spec, splices(document.root(), &[score(5)]).unwrap());
        assert_eq!(bytes, b"{\"process\":{\"oomScoreAdj\":5,\"env\":[\"A=\xff\xfe\"]},\"\xff\":1}\xff");
    }

    #[test]
    fn without_a_place_nothing_is_made_up() {
        let document = Document::parse(br#"{"process":null,"linux":{}}"#).unwrap();
        assert_eq!(splices(document.root(), &[score(1)]), Err(EditError::NoProcess));
        assert_eq!(splices(document.root(), &[Edit::Memory(MemoryFile::OomGroup, 1)]), Err(EditError::NoResources));
        assert_eq!(splices(document.root(), &[]), Ok(vec![]));
    }
}
