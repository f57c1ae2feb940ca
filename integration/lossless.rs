//! The edit is lossless, over generated JSON: outside of the named fields every byte is as it was, the result parses to
//! what an independent parse-and-set gives, and twice is once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use oomshim::json::folds_to;
use oomshim::spec::document::Document;
use oomshim::spec::edit::{self, Edit, EditError, MemoryFile};
use oomshim::system::oom_score_adj::OomScoreAdj;
use proptest::prelude::*;

/// JSON as text, with the liberties that RFC 8259 leaves: any white space, number text, escapes, twins.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        prop_oneof![
            Just("18446744073709551615".to_owned()),
            Just("1e3".to_owned()),
            Just("-0".to_owned()),
            Just("1.0".to_owned()),
            Just("0.1E-400".to_owned()),
            Just("123456789012345678901234567890".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
        ],
        string(),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(", "))),
            object(prop::collection::vec((string(), inner), 0..5)),
        ]
    })
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,6}".prop_map(|text| format!("\"{text}\"")),
        Just(r#""\u0000\ud83e\udd80\\\"\/\n""#.to_owned()),
        Just(r#""\ud800""#.to_owned()),
        Just("\"process\"".to_owned()),
        Just("\"ümläut\u{202e}🦀\"".to_owned()),
    ]
}

fn gap() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r\n  ")]
}

/// An object whose members are written with white space between everything.
fn object(members: impl Strategy<Value = Vec<(String, String)>>) -> impl Strategy<Value = String> {
    (members, prop::collection::vec(gap(), 24), gap()).prop_map(|(members, gaps, last)| {
        let mut gaps = gaps.into_iter().cycle();
        let mut gap = || gaps.next().unwrap_or("");
        let parts = members.iter().map(|(key, value)| format!("{}{key}{}:{}{value}{}", gap(), gap(), gap(), gap()));
        format!("{{{}{last}}}", parts.collect::<Vec<_>>().join(","))
    })
}

/// A name as it is, in another case, with an escape in it, or with the letters that Go's folding takes for others.
fn spelling(name: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(format!("\"{name}\"")),
        1 => Just(format!("\"{}\"", name.to_uppercase())),
        1 => Just(format!("\"\\u{:04x}{}\"", name.as_bytes()[0], &name[1..])),
        1 => Just(format!("\"{}\"", name.replace('s', "\u{17f}"))),
    ]
}

type Members = Vec<(String, String)>;

/// Members of which some, in any order and number, are the named ones.
fn around(named: impl Strategy<Value = (String, String)>) -> impl Strategy<Value = Members> {
    (prop::collection::vec(named, 0..3), prop::collection::vec((string(), value()), 0..4))
        .prop_map(|(named, others)| named.into_iter().chain(others).collect::<Members>())
        .prop_shuffle()
}

fn member(name: &'static str, value: impl Strategy<Value = String>) -> impl Strategy<Value = (String, String)> {
    (spelling(name), value)
}

fn spec() -> impl Strategy<Value = String> {
    let process = object(around(member("oomScoreAdj", value())));
    let entry = prop_oneof![Just("\"memory.oom.group\""), Just("\"memory.max\""), Just("\"Memory.Max\"")];
    let unified = object(around((entry.prop_map(str::to_owned), string())));
    let resources = object(around(member("unified", prop_oneof![4 => unified, 1 => Just("null".to_owned())])));
    let linux = object(around(member("resources", prop_oneof![8 => resources, 1 => value()])));
    let top = prop_oneof![
        member("process", prop_oneof![8 => process, 1 => value()]).boxed(),
        member("linux", prop_oneof![8 => linux, 1 => value()]).boxed(),
    ];
    let tail = prop_oneof![4 => Just(""), 1 => Just("\n"), 1 => Just(" {\"process\":{}} trailing")];
    (object(around(top)), tail).prop_map(|(object, tail)| format!("{object}{tail}"))
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let score = (-1000_i64..=1000).prop_map(|number| OomScoreAdj::new(number).ok().map(Edit::OomScoreAdj));
    let group = any::<bool>().prop_map(|wanted| wanted.then_some(Edit::Memory(MemoryFile::OomGroup, 1)));
    let max = proptest::option::of(any::<u64>().prop_map(|bytes| Edit::Memory(MemoryFile::Max, bytes)));
    (score, group, max).prop_map(|(score, group, max)| score.into_iter().chain(group).chain(max).collect())
}

/// A JSON value that keeps twins, order and the text of numbers: the independent reading.
#[derive(Debug, Clone, PartialEq)]
enum Plain {
    Object(Vec<(String, Plain)>),
    Array(Vec<Plain>),
    Other(String),
}

/// A parser of its own, recursive and slow, which shares nothing with the code under test.
fn plain(text: &str) -> Plain {
    let bytes = text.as_bytes();
    let mut at = 0;
    parse_value(bytes, &mut at)
}

fn skip(bytes: &[u8], at: &mut usize) {
    while bytes.get(*at).is_some_and(u8::is_ascii_whitespace) {
        *at += 1;
    }
}

fn parse_string(bytes: &[u8], at: &mut usize) -> String {
    let start = *at;
    *at += 1;
    while bytes[*at] != b'"' {
        *at += if bytes[*at] == b'\\' { 2 } else { 1 };
    }
    *at += 1;
    String::from_utf8(bytes[start..*at].to_vec()).unwrap()
}

fn parse_value(bytes: &[u8], at: &mut usize) -> Plain {
    skip(bytes, at);
    match bytes[*at] {
        b'{' => {
            let mut members = Vec::new();
            *at += 1;
            loop {
                skip(bytes, at);
                match bytes[*at] {
                    b'}' => break,
                    b',' => *at += 1,
                    _ => {
                        let key = parse_string(bytes, at);
                        skip(bytes, at);
                        assert_eq!(bytes[*at], b':');
                        *at += 1;
                        members.push((key, parse_value(bytes, at)));
                    }
                }
            }
            *at += 1;
            Plain::Object(members)
        }
        b'[' => {
            let mut items = Vec::new();
            *at += 1;
            loop {
                skip(bytes, at);
                match bytes[*at] {
                    b']' => break,
                    b',' => *at += 1,
                    _ => items.push(parse_value(bytes, at)),
                }
            }
            *at += 1;
            Plain::Array(items)
        }
        b'"' => Plain::Other(parse_string(bytes, at)),
        _ => {
            let start = *at;
            while bytes.get(*at).is_some_and(|byte| !b",]} \t\r\n".contains(byte)) {
                *at += 1;
            }
            Plain::Other(String::from_utf8(bytes[start..*at].to_vec()).unwrap())
        }
    }
}

/// The key with its simple escapes resolved; the generated keys that matter have no others.
fn decoded(key: &str) -> String {
    serde_json::from_str(key).unwrap_or_default()
}

fn is(key: &str, name: &str) -> bool {
    folds_to(&decoded(key), name)
}

/// Sets the edits in the independent reading, as the design says: every twin and case variant.
fn set(root: &mut Plain, edits: &[Edit]) {
    let memory: Vec<(String, Plain)> = edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Memory(file, value) => Some((format!("\"{}\"", file.name()), Plain::Other(format!("\"{value}\"")))),
            Edit::OomScoreAdj(_) => None,
        })
        .collect();
    let Plain::Object(top) = root else { return };
    for (key, value) in top {
        let Plain::Object(members) = value else { continue };
        for edit in edits {
            if let (true, Edit::OomScoreAdj(score)) = (is(key, "process"), edit) {
                put(members, &[("\"oomScoreAdj\"".into(), Plain::Other(score.to_string()))], |key| {
                    is(key, "oomScoreAdj")
                });
            }
        }
        if is(key, "linux") && !memory.is_empty() {
            for (_, resources) in members.iter_mut().filter(|(key, _)| is(key, "resources")) {
                if let Plain::Object(resources) = resources {
                    set_memory(resources, &memory);
                }
            }
        }
    }
}

fn set_memory(resources: &mut Vec<(String, Plain)>, memory: &[(String, Plain)]) {
    let mut found = false;
    let mut map_before = false;
    let last = resources.iter().rposition(|(key, _)| is(key, "unified"));
    let mut behind = None;
    for (index, (_, unified)) in resources.iter_mut().enumerate().filter(|(_, (key, _))| is(key, "unified")) {
        found = true;
        map_before |= matches!(unified, Plain::Object(_));
        match unified {
            Plain::Object(entries) => {
                let missing: Vec<_> = memory
                    .iter()
                    .filter(|(name, _)| !entries.iter().any(|(key, _)| decoded(key) == decoded(name)))
                    .cloned()
                    .collect();
                for (name, value) in memory {
                    for (_, old) in entries.iter_mut().filter(|(key, _)| decoded(key) == decoded(name)) {
                        if !matches!((&*old, value), (Plain::Other(old), Plain::Other(new)) if decoded(old) == decoded(new))
                        {
                            *old = value.clone();
                        }
                    }
                }
                entries.splice(0..0, missing);
            }
            null if *null == Plain::Other("null".into()) && !map_before => *null = Plain::Object(memory.to_vec()),
            null if *null == Plain::Other("null".into()) && Some(index) == last => behind = Some(index + 1),
            _ => {}
        }
    }
    // What stands before a null is gone for Go, and must not come back.
    if let Some(index) = behind {
        resources.insert(index, ("\"unified\"".into(), Plain::Object(memory.to_vec())));
    }
    if !found {
        resources.insert(0, ("\"unified\"".into(), Plain::Object(memory.to_vec())));
    }
}

fn put(members: &mut Vec<(String, Plain)>, new: &[(String, Plain)], same: impl Fn(&str) -> bool) {
    let mut found = false;
    for (_, value) in members.iter_mut().filter(|(key, _)| same(key)) {
        *value = new[0].1.clone();
        found = true;
    }
    if !found {
        members.splice(0..0, new.to_vec());
    }
}

fn no_object(document: &Document<'_>, path: &[&str]) -> bool {
    document.find(path).iter().all(|node| !node.raw().starts_with('{'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn outside_of_the_named_fields_nothing_changes(text in spec(), edits in edits()) {
        let document = Document::parse(text.as_bytes()).unwrap();
        let splices = match edit::splices(document.root(), &edits) {
            Ok(splices) => splices,
            Err(EditError::NoProcess) => {
                prop_assert!(no_object(&document, &["process"]));
                return Ok(());
            }
            Err(EditError::NoResources) => {
                prop_assert!(no_object(&document, &["linux", "resources"]));
                return Ok(());
            }
        };
        // What lies between the splices is the input's, byte for byte.
        let bytes = edit::splice(text.as_bytes(), splices.clone());
        let mut ordered = splices.clone();
        ordered.sort_by_key(|splice| splice.range.start);
        let (mut old, mut new) = (0, 0);
        for splice in &ordered {
            let kept = splice.range.start - old;
            prop_assert_eq!(&text.as_bytes()[old..old + kept], &bytes[new..new + kept]);
            prop_assert_eq!(splice.text.as_bytes(), &bytes[new + kept..new + kept + splice.text.len()]);
            old = splice.range.end;
            new += kept + splice.text.len();
        }
        prop_assert_eq!(&text.as_bytes()[old..], &bytes[new..]);

        // An independent reading, with the fields set in it, is what the result reads as.
        let mut expected = plain(&text);
        set(&mut expected, &edits);
        prop_assert_eq!(plain(std::str::from_utf8(&bytes).unwrap()), expected);

        // Twice is once.
        let again = Document::parse(&bytes).unwrap();
        prop_assert_eq!(edit::splices(again.root(), &edits).unwrap(), vec![]);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop_oneof![4 => prop::sample::select(&b"{}[]\",:\\ntfu0123-e process"[..]), 1 => any::<u8>()], 0..80)) {
        if let Ok(document) = Document::parse(&bytes) {
            let _ = edit::splices(document.root(), &[Edit::OomScoreAdj(OomScoreAdj::MIN)]);
            let _ = oomshim::spec::workload::Workload::of(&document);
        }
    }
}

#[test]
fn the_specs_of_real_engines_are_edited_without_loss() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/specs");
    let mut seen = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let document = Document::parse(text.as_bytes()).unwrap();
        let score = OomScoreAdj::new(432).unwrap();
        let mut edits = vec![Edit::OomScoreAdj(score)];
        // A rootless spec has no resources, and none are made up.
        let has_resources = !document.find(&["linux", "resources"]).is_empty();
        edits.extend(has_resources.then_some(Edit::Memory(MemoryFile::OomGroup, 1)));
        let bytes = edit::splice(text.as_bytes(), edit::splices(document.root(), &edits).unwrap());
        let mut expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        expected["process"]["oomScoreAdj"] = 432.into();
        if has_resources {
            expected["linux"]["resources"]["unified"]["memory.oom.group"] = "1".into();
        }
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), expected, "{}", path.display());
        // The reference types of the specification read it as well, wherever they read the original.
        if serde_json::from_str::<oci_spec::runtime::Spec>(&text).is_ok() {
            let spec: oci_spec::runtime::Spec = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(spec.process().as_ref().unwrap().oom_score_adj(), Some(432), "{}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 30, "only {seen} specs were found");
}
