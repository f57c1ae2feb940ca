//! The linter and its fixes, over each syntax.

use std::path::Path;

use oomshim::lint::finding::Safety;
use oomshim::lint::kind::FileKind;
use oomshim::lint::output::human::{Colour, Look, Unjudged};
use oomshim::lint::output::{github, gitlab, human, json, junit, list, oneline, sarif};
use oomshim::lint::run::Results;
use oomshim::lint::syntax::Syntax;
use oomshim::lint::{Options, fix};

/// `config.json`, hooks.d, `daemon.json`, inspect output.
pub fn lint_json(data: &[u8]) {
    lint(Syntax::Json, &["config.json", "daemon.json", "hooks.d/a.json", "x.json"], data);
}

/// Policies, `buildkitd.toml`, containerd's, CRI-O's and podman's.
pub fn lint_toml(data: &[u8]) {
    lint(
        Syntax::Toml,
        &["policy.toml", "buildkitd.toml", "config.toml", "crio.conf", "containers.conf", "x.toml"],
        data,
    );
}

/// Compose files.
pub fn lint_yaml(data: &[u8]) {
    lint(Syntax::Yaml, &["compose.yaml", "x.yaml"], data);
}

/// Unit files.
pub fn lint_unit(data: &[u8]) {
    lint(Syntax::Unit, &["docker.service", "x.service"], data);
}

/// The last byte chooses a name and the kind, or that the kind is to be recognized. Where the text could be parsed,
/// so can what the fixes make of it, and they leave nothing to fix but what touches.
fn lint(syntax: Syntax, names: &[&str], data: &[u8]) {
    let Some((choice, text)) = data.split_last() else { return };
    let name = Path::new(names[usize::from(*choice) % names.len()]);
    let kinds: Vec<FileKind> =
        FileKind::ALL.iter().map(|(kind, _)| *kind).filter(|kind| kind.syntax() == syntax).collect();
    let kind = kinds.get(usize::from(choice >> 4) % (kinds.len() + 1)).copied();
    let options = Options::default();
    let Ok(fixed) = fix::fix(name, text, kind, &options, Safety::Unsafe) else { return };
    let text = std::str::from_utf8(text).expect("what is judged is text");
    let after = std::str::from_utf8(&fixed.bytes).expect("fixes make text");
    let syntax = fixed.outcome.kind.syntax();
    if syntax.parse(text).is_ok() {
        assert!(syntax.parse(after).is_ok(), "{:?} breaks it:\n{after}", fixed.made);
    } else {
        assert_eq!(text, after, "what cannot be parsed is not changed");
    }
    for finding in fixed.outcome.findings.iter().chain(&fixed.outcome.ignored) {
        let span = finding.place.bytes.clone();
        assert!(span.start <= span.end && after.get(span).is_some(), "{finding:?}");
        assert!(!finding.message.contains(|it: char| it.is_control()), "{finding:?}");
    }
    let results = Results { outcomes: vec![fixed.outcome], ..Results::default() };
    let mut out = Vec::new();
    let look = Look { colour: Colour::Plain, unjudged: Unjudged::Told };
    human::write(&results, look, &mut out).expect("memory");
    github::write(&results, &mut out).expect("memory");
    junit::write(&results, &mut out).expect("memory");
    list::write(&results, &mut out).expect("memory");
    oneline::write(&results, &mut out).expect("memory");
    let hostile = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\t');
    assert!(!out.iter().any(hostile), "{:?}", String::from_utf8_lossy(&out));
    is_json(&|out| json::write(&results, out));
    is_json(&|out| gitlab::write(&results, out));
    is_json(&|out| sarif::write(&results, 0, out));
}

fn is_json(write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>) {
    let mut out = Vec::new();
    write(&mut out).expect("memory");
    serde_json::from_slice::<serde_json::Value>(&out).expect("JSON");
}
