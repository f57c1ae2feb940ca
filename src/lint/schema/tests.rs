//! The walk over tables, and the tables themselves.

use super::*;
use crate::json;

fn all(text: &str) -> Vec<String> {
    let tree = json::parse(text.as_bytes()).unwrap();
    let shown = |flaw: &Flaw<'_>| match flaw {
        Flaw::WrongType { node, expected } => format!("{} is not {expected}", node.raw()),
        Flaw::Unknown { node, object, .. } => format!("{} in {}", node.key().unwrap(), object.name),
        Flaw::Missing { object, field, .. } => format!("no {field} in {}", object.name),
        Flaw::DuplicateKey { first, second, .. } => format!("{:?} {:?}", first.key().unwrap(), second.key().unwrap()),
        Flaw::OtherCase { node, name, .. } => format!("{} for {name}", node.key().unwrap()),
    };
    flaws(tree.root(), &spec::SPEC).iter().map(shown).collect()
}

#[test]
fn every_flaw_is_found() {
    let spec = |inner: &str| format!(r#"{{"ociVersion":"1.0.0","root":{{"path":"x"}},{inner}}}"#);
    let cases: [(&str, &[&str]); 8] = [
        (r#""process":{"args":["a",1],"cwd":"/"}"#, &["1 is not a string"]),
        (r#""process":{"args":[],"cwd":"/","user":{"uid":-1}}"#, &["-1 is not an integer from 0 to 4294967295"]),
        (
            r#""process":{"args":[],"cwd":"/","oomscoreadj":1.0}"#,
            &["oomscoreadj for oomScoreAdj", "1.0 is not an integer"],
        ),
        (r#""process":{"args":[],"cwd":"/","oomScoreAdjust":1}"#, &["oomScoreAdjust in process"]),
        (r#""mounts":[{"source":"x"}]"#, &["no destination in mounts[]"]),
        (r#""annotations":{"a":"1","a":"2"}"#, &[r#""a" "a""#]),
        (r#""hostname":"a","HostName":"b""#, &[r#""hostname" "HostName""#, "HostName for hostname"]),
        (r#""linux":{"resources":{"unified":{"memory.max":1}}}"#, &["1 is not a string"]),
    ];
    for (inner, expected) in cases {
        assert_eq!(all(&spec(inner)), expected, "{inner}");
    }
    assert!(
        all(&spec(r#""annotations":{"a":"1","A":"2"},"process":null,"linux":{"seccomp":null},"windows":7"#)).is_empty()
    );
    assert_eq!(all("{}"), ["no ociVersion in the spec", "no root in the spec"]);
}

#[test]
fn tables_fit_into_the_walk() {
    fn check(object: &Object) {
        let names: std::collections::HashSet<_> = object.fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), object.fields.len(), "{}", object.name);
        for field in object.fields {
            let mut shape = &field.shape;
            while let Shape::List(inner) | Shape::Map(inner) = shape {
                shape = inner;
            }
            if let Shape::Object(inner) = shape {
                check(inner);
            }
        }
    }
    check(&spec::SPEC);
    check(&hook::HOOK);
    check(&hook::OLD);
    check(&buildkitd::BUILDKITD);
    check(&containerd::CONTAINERD);
    check(&dockerd::DOCKERD);
    check(&containers_conf::CONTAINERS_CONF);
}

#[test]
fn suggestions_are_near() {
    let near = |word| nearest(word, ["oomScoreAdj", "args", "cwd"].into_iter());
    assert_eq!(near("oom_score_adj"), Some("oomScoreAdj"));
    assert_eq!(near("oomScoreadjust"), Some("oomScoreAdj"));
    assert_eq!((near("arg"), near("pwd"), near("x"), near("labels")), (Some("args"), Some("cwd"), None, None));
}
