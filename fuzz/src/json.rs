//! The JSON reader, against `serde_json` and against itself with an outline.

use oomshim::json::{self, Kind, Node, Outline};
use serde::de::IgnoredAny;

/// It takes what `serde_json` takes, ends where that ends, and sees the same with an outline as without.
pub fn json(data: &[u8]) {
    let whole = json::parse(data);
    let outline = Outline { fields: &["process", "args"], items: 3 };
    let outlined = json::parse_outline(data, &outline);
    match (&whole, &outlined) {
        (Ok(whole), Ok(outlined)) => {
            assert_eq!(whole.root().span(), outlined.root().span());
            assert_eq!(whole.root().kind(), outlined.root().kind());
            let mut waiting = vec![whole.root()];
            while let Some(node) = waiting.pop() {
                look_at(node, data);
                waiting.extend(node.children());
            }
        }
        (Err(whole), Err(outlined)) => {
            assert_eq!(whole, outlined);
            assert!(whole.at <= data.len());
        }
        _ => panic!("{whole:?} but with an outline {outlined:?}"),
    }
    // serde_json wants UTF-8 and something behind a number; Go and this reader do not.
    if std::str::from_utf8(data).is_err() || !matches!(data.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        return;
    }
    let mut theirs = serde_json::Deserializer::from_slice(data).into_iter::<IgnoredAny>();
    match (whole, theirs.next()) {
        (Ok(ours), Some(Ok(_))) => assert_eq!(ours.root().span().end, theirs.byte_offset()),
        (Err(_), Some(Err(_)) | None) => {}
        (ours, theirs) => panic!("{:?} but serde_json {theirs:?}", ours.map(|tree| tree.root().span())),
    }
}

fn look_at(node: Node<'_>, data: &[u8]) {
    let span = node.span();
    assert!(span.start < span.end && span.end <= data.len());
    assert_eq!(node.bytes(), &data[span]);
    assert_eq!(node.text().is_some(), node.kind() == Kind::String);
    assert_eq!(node.boolean().is_some(), node.kind() == Kind::Bool);
    assert!(node.integer().is_none() || node.kind() == Kind::Number);
    if let Some(key) = node.key_span() {
        assert!(data[key.clone()].starts_with(b"\"") && data[key].ends_with(b"\""));
    }
}
