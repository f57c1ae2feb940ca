//! Which kind files are told to be.

use super::*;
use crate::json;
use crate::lint::toml;

fn told(text: &str, syntax: Syntax, name: &str) -> Option<(FileKind, Certainty)> {
    let tree = syntax.parse(text).unwrap();
    of_tree(&tree, syntax, Path::new(name)).map(|found| (found.kind, found.certainty))
}

#[test]
fn the_content_tells() {
    let cases = [
        (r#"{"ociVersion":"1.0.2"}"#, Some(FileKind::Spec)),
        (r#"{"process":{"args":["a"],"cwd":"/"},"root":{"path":"r"}}"#, Some(FileKind::Spec)),
        (r#"{"version":"1.0.0","hook":{"path":"/x"},"stages":["prestart"],"when":{}}"#, Some(FileKind::Hook)),
        (r#"{"default-runtime":"x"}"#, Some(FileKind::Dockerd)),
        (r#"{"name":"left-pad","version":"1.0.0"}"#, None),
        (r#"{"compilerOptions":{}}"#, None),
        (r#"{"hosts":["a.example"],"key":{"algo":"rsa"}}"#, None),
        (r#"{"hosts":["fd://"],"iptables":false}"#, Some(FileKind::Dockerd)),
        ("[]", None),
        (r#"{"ociVersion":"1.0.2","id":"x","status":"created","pid":7,"bundle":"/b"}"#, None),
        (r#"{"metadata":{"name":"x"},"hostname":"h","mounts":[],"linux":{},"annotations":{}}"#, None),
        (r#"{"hostname":"h","root":"/srv","hooks":[]}"#, None),
        (r#"{"process":{"count":4},"root":{"path":"/srv"}}"#, None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|kind| (kind, Certainty::Content));
        assert_eq!(told(text, Syntax::Json, "x.json"), expected, "{text}");
    }
    let cases = [
        ("[class.x]\noom_score_adj = 1\n", Some(FileKind::Policy)),
        ("[worker.oci]\nbinary = \"x\"\n", Some(FileKind::Buildkitd)),
        ("version = 2\n[plugins.'io.containerd.grpc.v1.cri']\n", Some(FileKind::Containerd)),
        ("oom_score = -999\n", Some(FileKind::Containerd)),
        ("[package]\nname = \"x\"\n", None),
        ("[dependencies]\n", None),
        ("severity = \"x\"\n[rule.blank-imports]\n", None),
        ("[[rule]]\nclass = \"x\"\n", Some(FileKind::Policy)),
        ("[crio.runtime]\ndefault_runtime = \"x\"\n", Some(FileKind::Crio)),
        ("crio = \"x\"\n", None),
        ("[engine.runtimes]\nx = [\"/x\"]\n", Some(FileKind::ContainersConf)),
        ("[engine]\nname = \"x\"\n", None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|kind| (kind, Certainty::Content));
        assert_eq!(told(text, Syntax::Toml, "x.toml"), expected, "{text}");
    }
    let cases = [
        ("services: {a: {image: x}, b: {build: .}}\nx-y: 1\n", Some(FileKind::Compose)),
        ("services: {a: {image: x}}\nsteps: []\n", None),
        ("services: {_defaults: {autowire: true}}\n", None),
        ("services: [docker]\n", None),
        ("services: {}\n", None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|kind| (kind, Certainty::Content));
        assert_eq!(told(text, Syntax::Yaml, "x.yaml"), expected, "{text}");
    }
    let cases = [
        ("[Service]\nType=simple\n", Some(FileKind::Unit)),
        ("[Slice]\nMemoryMax=1G\n", Some(FileKind::Unit)),
        ("[D-BUS Service]\nName=x\n", None),
        ("[Service]\nname=x\n", None),
        ("[Unit]\n[Install]\n", None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|kind| (kind, Certainty::Content));
        assert_eq!(told(text, Syntax::Unit, "x.service"), expected, "{text}");
    }
}

#[test]
fn the_name_tells_where_the_content_does_not() {
    let by_name = |kind| Some((kind, Certainty::Name));
    assert_eq!(told("{}", Syntax::Json, "etc/daemon.json"), by_name(FileKind::Dockerd));
    assert_eq!(told("{}", Syntax::Json, "hooks.d/x.json"), by_name(FileKind::Hook));
    assert_eq!(told("", Syntax::Toml, "containerd/config.toml"), by_name(FileKind::Containerd));
    assert_eq!(told("", Syntax::Toml, "crio.conf.d/10-x"), by_name(FileKind::Crio));
    assert_eq!(told("", Syntax::Toml, "containers.conf.d/x.conf"), by_name(FileKind::ContainersConf));
    assert_eq!(told("[Service]\nUser=x\n", Syntax::Unit, "docker.service.d/x.conf"), by_name(FileKind::Unit));
    assert_eq!(told("services: {a: {}}", Syntax::Yaml, "compose.yaml"), by_name(FileKind::Compose));
    assert_eq!(told("{}", Syntax::Json, "x.json"), None);
    for other in ["{}", r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{}}"#, r#"{"auths":{}}"#] {
        assert_eq!(told(other, Syntax::Json, "b/config.json"), None, "{other}");
    }
    let seems = |text: &str, name: &str| of_text(text, Syntax::Json, Path::new(name));
    assert_eq!(seems("// settings\n{}", "config.json"), None);
    assert_eq!(seems("", "config.json"), None);
    assert_eq!(seems("{", "daemon.json"), Some(FileKind::Dockerd));
    assert_eq!(seems("{\"ociVersion\":", "x.json"), Some(FileKind::Spec));
    assert_eq!(of_text("hello", Syntax::Toml, Path::new("x.txt")), None);
}

#[test]
fn definitions_agree_with_themselves() {
    let null = json::parse(b"null").unwrap();
    let empty = toml::parse("").unwrap();
    for (kind, word) in FileKind::ALL {
        assert_eq!(kind.word(), *word);
        assert_eq!(FileKind::ALL.iter().filter(|(_, other)| other == word).count(), 1, "{word} is there twice");
        let name = format!("x.{}", kind.syntax().extension());
        assert!(!kind.is_usual(Path::new(&name)), "{name} is everybody's");
        for tree in [&null, &empty] {
            assert_ne!((kind.definition().claim)(tree.root()), Claim::Certain, "{word} claims an empty file");
        }
        assert!(!(kind.definition().seems)(""), "{word} claims an empty text");
    }
}
