//! What the reader of YAML makes of documents.

use super::*;

fn shown(node: Node<'_>) -> String {
    let key = node.key().map(|key| format!("{key}: ")).unwrap_or_default();
    let inner = || node.children().map(shown).collect::<Vec<_>>().join(", ");
    let value = match node.kind() {
        Kind::Object => format!("{{{}}}", inner()),
        Kind::Array => format!("[{}]", inner()),
        Kind::String => format!("{:?}", node.text().unwrap()),
        Kind::Number => node.integer().map_or_else(|| node.raw().into_owned(), |number| number.to_string()),
        Kind::Bool => node.boolean().unwrap().to_string(),
        Kind::Null => "null".to_owned(),
    };
    key + &value
}

#[test]
fn documents_become_trees() {
    let cases = [
        ("a: 1\nb: [x, 'y', true, ~]\n", r#"{a: 1, b: ["x", "y", true, null]}"#),
        ("a: True\n", "{a: true}"),
        ("a:\n  - b: -500\n    c: 0x10\n  - 1.5\n", "{a: [{b: -500, c: 16}, 1.5]}"),
        ("a: |\n  x\n  y\nb: \"1\"\nc: !!str 2\n", r#"{a: "x\ny\n", b: "1", c: "2"}"#),
        ("---\na: 1\n---\nb: 2\n", "[{a: 1}, {b: 2}]"),
        ("a: &x {m: 1}\nb: *x\n", "{a: {m: 1}, b: {m: 1}}"),
        ("a: &x\n  m: 1\n  n: 2\nb:\n  <<: *x\n  n: 3\n", "{a: {m: 1, n: 2}, b: {<<: {m: 1, n: 2}, n: 3, m: 1}}"),
        ("b: {<<: [{m: 1}, {m: 2, n: 2}]}\n", "{b: {<<: [{m: 1}, {m: 2, n: 2}], m: 1, n: 2}}"),
        ("? [a, b]\n: 1\nc: 2\n", "{: 1, c: 2}"),
        ("", "[]"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(parse(text).unwrap().root()), expected, "{text}");
    }
}

#[test]
fn collections_are_read_as_go_reads_them() {
    // libyaml takes a bracket that is indented no deeper than its key, and saphyr does not.
    let text = "services:\n  a:\n    command: [\n      \"é\", # ü\n      'x'\n    ]\n    image: b\n";
    let tree = parse(text).unwrap();
    assert_eq!(shown(tree.root()), r#"{services: {a: {command: ["é", "x"], image: "b"}}}"#);
    let image = tree.root().at(&["services", "a", "image"]).unwrap();
    assert_eq!(&text[image.span()], "b");
}

#[test]
fn places_are_bytes() {
    let text = "ü: ü\nservices:\n  größe:\n    mem_limit: 1g\n    deep: {a: b}\n\n# end\n";
    let tree = parse(text).unwrap();
    let service = tree.root().entry_of("services").unwrap().children().next().unwrap();
    let limit = service.entry_of("mem_limit").unwrap();
    assert_eq!((&*limit.raw(), &text[limit.key_span().unwrap()]), ("1g", "mem_limit"));
    assert_eq!(tree.pointer(limit.span().start), "/services/größe/mem_limit");
    assert!(service.raw().ends_with("{a: b}"), "{:?}", service.raw());
    let crlf = "a: 1\r\nb: xy\r\n";
    assert_eq!(parse(crlf).unwrap().root().entry_of("b").unwrap().raw(), "xy");
}

#[test]
fn errors_have_places() {
    let error = parse("a: [1\nb: 2\n").unwrap_err();
    assert!(error.at > 0 && error.at <= 11 && !error.message.is_empty(), "{error:?}");
    assert!(parse("a: *nobody\n").is_err());
    assert!(parse("\ta: 1\n").is_err() || parse("a: {\n").is_err());
}

fn count(node: Node<'_>) -> usize {
    1 + node.children().map(count).sum::<usize>()
}

#[test]
fn laughing_aliases_stay_small() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let below = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", ")));
    }
    assert!(count(parse(&text).unwrap().root()) <= text.len() + 64 + 10 * 30);
}
