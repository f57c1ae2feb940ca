//! The reader beside `serde_json`, and what only this one does.

use std::borrow::Cow;

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;

/// The pairs of an object, duplicate keys and order kept.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                std::iter::from_fn(|| map.next_entry().transpose()).collect::<Result<_, _>>().map(Members)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// Both readers see the same values in the same places.
fn assert_same(node: Node<'_>, other: &str) {
    assert_eq!(node.raw(), other);
    match node.kind() {
        Kind::Array => {
            let items: Vec<&RawValue> = serde_json::from_str(other).unwrap();
            assert_eq!(node.items().count(), items.len());
            node.items().zip(items).for_each(|(item, other)| assert_same(item, other.get()));
        }
        Kind::Object => {
            let Members(members) = serde_json::from_str(other).unwrap();
            assert_eq!(node.children().count(), members.len());
            for (child, (key, value)) in node.children().zip(members) {
                assert_eq!(&*String::from_utf8_lossy(&node.tree().bytes()[child.key_span().unwrap()]), key.get());
                if let Ok(key) = serde_json::from_str::<String>(key.get()) {
                    assert_eq!(child.key(), Some(Cow::Borrowed(key.as_str())));
                    assert!(child.is_named(&key));
                }
                assert_same(child, value.get());
            }
        }
        Kind::String => {
            // What is not text for serde is a lone surrogate.
            let text = serde_json::from_str::<String>(other);
            text.map_or_else(
                |_| assert!(node.text().unwrap().contains('\u{fffd}')),
                |text| {
                    assert_eq!(node.text().unwrap(), text);
                },
            );
        }
        Kind::Number => assert_eq!(node.integer(), serde_json::from_str(other).ok(), "{other}"),
        Kind::Bool => assert_eq!(node.boolean(), serde_json::from_str(other).ok()),
        Kind::Null => assert_eq!(other, "null"),
    }
}

fn compare(text: &str) {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match (parse(text.as_bytes()), <&RawValue>::deserialize(&mut deserializer)) {
        (Ok(tree), Ok(other)) => assert_same(tree.root(), other.get()),
        (Err(_), Err(_)) => {}
        (tree, other) => panic!("{text:?}: {tree:?} {other:?}"),
    }
    let outline = Outline { fields: &["x"], items: 1 };
    let outlined = parse_outline(text.as_bytes(), &outline).map(|tree| tree.root().span());
    assert_eq!(outlined, parse(text.as_bytes()).map(|tree| tree.root().span()), "an outline is checked as a whole");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_are_read_as_serde_reads_them(text in r#"([\[\]{},: \n"\\]|"[a-z]{0,3}"|"\\\\u[0-9a-fD]{4}"|[-+.0-9eE]|true|null|fals|é|"x":){0,24}"#) {
        compare(&text);
    }

    #[test]
    fn documents_are_read_as_serde_reads_them(value in json(), pretty in any::<bool>(), tail in "[ \n}x]{0,3}") {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        compare(&(text.unwrap() + &tail));
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((".{0,4}|x", inner), 0..6)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

#[test]
fn errors_say_what_was_expected() {
    let cases: [(&[u8], usize, &str); 12] = [
        (b"", 0, "expected a value, but the file ends"),
        (b"{\"a\":1,}", 7, "a comma behind the last one"),
        (b"{\"a\" 1}", 5, "expected a colon, but there is `1`"),
        (b"{'a':1}", 1, "expected a key in double quotes, but there is `'`"),
        (b"[1 2]", 3, "expected a comma or `]`, but there is `2`"),
        (b"{\"a\":tru}", 5, "expected `true`, but there is `t`"),
        (b"[\"abc", 1, "a string that begins here has no end"),
        (b"[\"\t\"]", 2, "a control character in a string: write it as \\u0009"),
        (b"[01]", 2, "a number with a leading zero"),
        ("\u{feff}{}".as_bytes(), 0, "expected a value, but there is `\\u{feff}`"),
        (b"[\xff]", 1, "expected a value, but there is the byte 0xff"),
        (b"[1,]", 3, "a comma behind the last one"),
    ];
    for (bytes, at, message) in cases {
        assert_eq!(parse(bytes).unwrap_err(), SyntaxError { at, message: message.to_owned() }, "{bytes:?}");
    }
}

#[test]
fn strings_may_hold_any_bytes() {
    let tree = parse(b"{\"k\xff\":\"a\xe2\x82\",\"\xffkey\":1} \xff tail").unwrap();
    let first = tree.root().children().next().unwrap();
    assert_eq!((first.key().unwrap(), first.text().unwrap()), ("k\u{fffd}".into(), "a\u{fffd}\u{fffd}".into()));
    assert_eq!(tree.root().entry_of("\u{fffd}key").unwrap().integer(), Some(1));
}

#[test]
fn every_spelling_of_a_field_is_found() {
    let text = r#"{"process":{"x":1},"PROCESS":{"X":2},"proce\u0073s":{"x":3},"proceſs":{"x":4},"processes":{"x":5},
        "process":[{"x":6}]}"#;
    let tree = parse(text.as_bytes()).unwrap();
    let found = tree.root().find(&["process", "x"]);
    assert_eq!(found.iter().map(|node| node.raw()).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    assert_eq!(tree.root().find(&[]), [tree.root()]);
    assert!(parse(b"[[1]]").unwrap().root().find(&["", ""]).is_empty());
}

#[test]
fn an_outline_holds_what_it_names() {
    let text = br#"{"a":{"x":[1,2,{"y":3},4],"deep":{"x":1},"last":5},"b":[{}],"A":{"z":6}}"#;
    let tree = parse_outline(text, &Outline { fields: &["a", "x"], items: 2 }).unwrap();
    let root = tree.root();
    let raw = |path: &[&str]| root.find(path).iter().map(|node| node.raw().into_owned()).collect::<Vec<_>>();
    assert_eq!(raw(&["a", "last"]), ["5"]);
    assert_eq!(raw(&["a", "z"]), ["6"]);
    assert_eq!(raw(&["a", "deep"]), ["{\"x\":1}"], "the value is there");
    assert!(raw(&["a", "deep", "x"]).is_empty(), "its members are not");
    let list = root.find(&["a", "x"])[0];
    assert_eq!(list.items().map(|item| item.raw().into_owned()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(list.raw(), "[1,2,{\"y\":3},4]");
    assert_eq!(root.field("b").unwrap().children().count(), 0);
}

#[test]
fn depth_and_tails_are_no_matter() {
    let deep = format!("{}{} tail", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(parse(deep.as_bytes()).unwrap().root().span(), 0..200_000);
    assert_eq!(parse("{\"a\":".repeat(100_000).as_bytes()).unwrap_err().at, 500_000);
    let outline = Outline { fields: &[], items: 0 };
    assert_eq!(parse_outline(deep.as_bytes(), &outline).unwrap().root().children().count(), 0);
}
