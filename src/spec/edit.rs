//! What may be changed in a spec, and the change itself as splices of the raw bytes.
//!
//! The result differs from the input in the named fields and in nothing else; applied to its own result it changes
//! nothing. Where twins or case variants of a field exist, every one of them gets the value, because which of them
//! counts depends on the runtime.

use std::ops::Range;

use thiserror::Error;

use crate::spec::document::{Document, Kind, Member, Node};
use crate::system::oom_score_adj::OomScoreAdj;

/// A file of the cgroup v2 memory controller that a spec can set through `linux.resources.unified`
/// (runtime-spec `config-linux.md`, "Unified"; kernel `cgroup-v2.rst`, "Memory Interface Files").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryFile {
    /// `memory.oom.group`: `1` and the cgroup dies whole.
    OomGroup,
    /// `memory.max`: the hard limit, bytes.
    Max,
    /// `memory.high`: the throttling limit, bytes.
    High,
    /// `memory.swap.max`: the swap limit, bytes.
    SwapMax,
}

impl MemoryFile {
    /// The file's name, which is the key in `unified`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MemoryFile::OomGroup => "memory.oom.group",
            MemoryFile::Max => "memory.max",
            MemoryFile::High => "memory.high",
            MemoryFile::SwapMax => "memory.swap.max",
        }
    }
}

/// One change of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// `process.oomScoreAdj`.
    OomScoreAdj(OomScoreAdj),
    /// An entry of `linux.resources.unified`; `1` for the group flag, bytes for a limit.
    Memory(MemoryFile, u64),
}

impl Edit {
    /// The field's place in the spec, for people.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Edit::OomScoreAdj(_) => "process.oomScoreAdj".to_owned(),
            Edit::Memory(file, _) => format!("linux.resources.unified.\"{}\"", file.name()),
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

/// A replacement of a range of bytes by a text; an empty range is an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes instead.
    pub text: String,
}

/// The splices that make those edits; none where the document already has the values.
///
/// # Errors
/// [`EditError`] when the object that the field belongs into is not there.
pub fn splices(document: &Document<'_>, edits: &[Edit]) -> Result<Vec<Splice>, EditError> {
    let mut splices = Vec::new();
    let objects = |path: &[&str]| -> Vec<Node<'_>> {
        document.find(path).into_iter().filter(|node| node.kind() == Kind::Object).collect()
    };
    let mut memory = Vec::new();
    for edit in edits {
        match edit {
            Edit::OomScoreAdj(score) => {
                let processes = objects(&["process"]);
                if processes.is_empty() {
                    return Err(EditError::NoProcess);
                }
                for process in processes {
                    set(&mut splices, process, Node::fields, &[("oomScoreAdj", score.to_string())]);
                }
            }
            Edit::Memory(file, _) => memory.push((file.name(), edit.value())),
        }
    }
    if memory.is_empty() {
        return Ok(splices);
    }
    let all_resources = objects(&["linux", "resources"]);
    if all_resources.is_empty() {
        return Err(EditError::NoResources);
    }
    for resources in all_resources {
        let (maps, others): (Vec<_>, Vec<_>) =
            resources.fields("unified").into_iter().partition(|node| node.kind() == Kind::Object);
        for map in &maps {
            set(&mut splices, *map, Node::entries, &memory);
        }
        // `"unified": null` is how an engine writes an empty map; another twin of it may hold the entries.
        let nulls = others.iter().filter(|node| node.kind() == Kind::Null);
        splices.extend(nulls.map(|null| Splice { range: null.span(), text: object(&memory) }));
        if maps.is_empty() && others.is_empty() {
            set(&mut splices, resources, Node::fields, &[("unified", object(&memory))]);
        }
    }
    Ok(splices)
}

/// The document's bytes with the splices made. They must not overlap.
#[must_use]
pub fn splice(text: &str, mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|splice| splice.range.start);
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut bytes = Vec::with_capacity(text.len() + grown);
    let mut at = 0;
    for Splice { range, text: replacement } in splices {
        bytes.extend_from_slice(&text.as_bytes()[at..range.start]);
        bytes.extend_from_slice(replacement.as_bytes());
        at = range.end;
    }
    bytes.extend_from_slice(&text.as_bytes()[at..]);
    bytes
}

/// Sets members of an object: replaces the value of every key that `lookup` finds, inserts what is missing.
fn set<'a>(
    splices: &mut Vec<Splice>,
    object: Node<'a>,
    lookup: fn(&Node<'a>, &str) -> Vec<Node<'a>>,
    members: &[(&str, String)],
) {
    let mut missing = Vec::new();
    for (key, value) in members {
        let twins = lookup(&object, key);
        if twins.is_empty() {
            missing.push((*key, value.as_str()));
        }
        let other = twins.iter().filter(|node| !same(node, value));
        splices.extend(other.map(|node| Splice { range: node.span(), text: value.clone() }));
    }
    if !missing.is_empty() {
        let first = object.members().into_iter().next().map(|member: Member<'_>| member.key_node.span().start);
        let inside = object.span().start + 1;
        let gap = first.map_or("", |first| &object.raw()[1..1 + first - inside]);
        splices.push(insertion(inside, gap, first.is_none(), &missing));
    }
}

/// The splice that puts members into an object as its first ones.
///
/// `inside` is the byte behind the object's brace, `gap` the white space between it and the first member. That is
/// repeated before each, so that a spec made for people stays one. Keys are written as they are.
#[must_use]
pub fn insertion(inside: usize, gap: &str, is_empty: bool, members: &[(&str, &str)]) -> Splice {
    let colon = if gap.is_empty() { ":" } else { ": " };
    let inserted = members.iter().map(|(key, value)| format!("{gap}\"{key}\"{colon}{value}"));
    let mut text = inserted.collect::<Vec<_>>().join(",");
    if !is_empty {
        text.push(',');
    }
    Splice { range: inside..inside, text }
}

/// Whether the node already says `value`: the same text, or another spelling of the same string.
fn same(node: &Node<'_>, value: &str) -> bool {
    node.raw() == value || node.text().is_some_and(|text| value == format!("\"{text}\""))
}

/// An object of those members in one line. Keys and values here are ours and need no escaping.
fn object(members: &[(&str, String)]) -> String {
    let members = members.iter().map(|(key, value)| format!("\"{key}\":{value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(number: i64) -> Edit {
        Edit::OomScoreAdj(OomScoreAdj::new(number).unwrap())
    }

    fn edited(text: &str, edits: &[Edit]) -> String {
        let document = Document::parse(text.as_bytes()).unwrap();
        let bytes = splice(text, splices(&document, edits).unwrap());
        let document = Document::parse(&bytes).unwrap();
        assert_eq!(splices(&document, edits).unwrap(), [], "twice is once");
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
    fn every_twin_and_case_variant_gets_the_value() {
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
    fn without_a_place_nothing_is_made_up() {
        let document = Document::parse(br#"{"process":null,"linux":{}}"#).unwrap();
        assert_eq!(splices(&document, &[score(1)]), Err(EditError::NoProcess));
        assert_eq!(splices(&document, &[Edit::Memory(MemoryFile::OomGroup, 1)]), Err(EditError::NoResources));
        assert_eq!(splices(&document, &[]), Ok(vec![]));
    }
}
