//! Files that are none of ours, or want to harm: each one clear line, and never more than linear time.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use oomshim::lint::finding::{Fixes, Safety};
use oomshim::lint::kind::FileKind;
use oomshim::lint::{self, Options, fix};
use proptest::prelude::*;

use super::tool::run;

#[test]
fn each_gets_one_clear_line_and_nobody_waits() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("huge.json"), vec![b' '; 50_000_000]).unwrap();
    fs::write(at("binary.json"), b"\x7fELF\x02\x00\x00\x00\xff\xfe").unwrap();
    fs::write(at("latin1.json"), b"{\"ociVersion\":\"\xfc\"}").unwrap();
    fs::write(at("deep.json"), format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).unwrap();
    fs::write(at("deep.toml"), format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000))).unwrap();
    nix::unistd::mkfifo(&at("fifo.json"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    symlink("loop.json", at("loop.json")).unwrap();
    fs::write(at("evil\x1b[2J\nname.json"), "hello").unwrap();
    let cases = [
        ("huge.json", "larger than 16 MiB"),
        ("binary.json", "a binary file: byte 5 is NUL"),
        ("latin1.json", "byte 15 is not UTF-8, which JSON and TOML have to be"),
        ("fifo.json", "not a regular file"),
        ("loop.json", "cannot look at it: too many symbolic links (ELOOP)"),
        ("deep.json", "no kind of file that is judged here; if it is one all the same, say which with --kind"),
        ("deep.toml", "no kind of file that is judged here; if it is one all the same, say which with --kind"),
        ("absent.json", "cannot look at it: not found (ENOENT)"),
    ];
    for (name, expected) in cases {
        let begun = Instant::now();
        let said = run([at(name)]);
        assert_eq!((said.status, said.err), (2, format!("oomshim: {}: {expected}\n", at(name).display())), "{name}");
        assert!(begun.elapsed() < Duration::from_mins(1), "{name} took {:?}", begun.elapsed());
    }
    let said = run([at("evil\x1b[2J\nname.json")]);
    assert!(said.err.lines().count() == 1 && said.err.contains("evil\\u{1b}[2J\\nname.json: "), "{said:?}");
}

#[test]
fn a_loop_of_directories_ends() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("a")).unwrap();
    symlink("..", directory.path().join("a/up")).unwrap();
    let said = run([directory.path()]);
    let top = directory.path().display();
    let expected = format!(
        "oomshim: {top}: nothing in it can be judged: no spec, policy, hooks.d file or configuration of an engine\n\
         oomshim: {top}/a/up: a symbolic link to a directory that it is in; not followed\n"
    );
    assert_eq!((said.status, said.err, said.out.as_str()), (2, expected, "nothing found in 0 files\n"));
}

#[test]
fn deep_specs_are_judged() {
    let deep = format!("{{\"ociVersion\":\"1.0.0\",\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let outcome = lint::bytes("x".as_ref(), deep.as_bytes(), None, &Options::default()).unwrap();
    assert!(outcome.findings.iter().any(|finding| finding.rule.name == "unknown-field"));
    let open = format!("{{\"ociVersion\":\"1.0.0\",\"a\":{}", "{\"a\":".repeat(100_000));
    let outcome = lint::bytes("x".as_ref(), open.as_bytes(), None, &Options::default()).unwrap();
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(outcome.findings[0].message, "not JSON: expected a value, but the file ends");
}

#[test]
fn what_the_terminal_would_obey_is_escaped() {
    let spec = "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"pr\u{202e}cess\u{200b}x\":1,\"\\u001b[2Jzzzzzzzz\":2,\"linux\":{\"cgroupsPath\":\"/a/..\\u0007\\n::error::x\"}}";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.json");
    fs::write(&path, spec).unwrap();
    for format in ["human", "github"] {
        let said = run(["--format", format, path.to_str().unwrap()]);
        let bad = |letter: char| (letter.is_control() && letter != '\n') || matches!(letter, '\u{202e}' | '\u{200b}');
        assert!(!said.out.contains(bad), "{format}: {:?}", said.out);
        assert!(
            format != "github"
                || said.out.lines().all(|line| line.starts_with("::") && !line.starts_with("::error::x")),
            "{}",
            said.out
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..6_usize) {
        let _ = lint::bytes("config.json".as_ref(), &bytes, None, &Options::default());
        let _ = lint::bytes("x".as_ref(), &bytes, Some(FileKind::ALL[kind].0), &Options::default());
    }

    /// Fixtures with pieces of text moved about: near enough to be judged, far enough to surprise.
    #[test]
    fn no_damage_makes_it_panic(file in 0..FIXTURES.len(), cut in 0..100_usize, length in 0..40_usize, insert in "[\\[\\]{}\",:0-9a-zA-Zé\\\\#=.\\-\n]{0,12}") {
        let (name, text) = FIXTURES[file];
        let at = (0..=text.len() * cut / 100).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let end = (at + length..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        let damaged = format!("{}{insert}{}", &text[..at], &text[end..]);
        let options = Options { fixes: Fixes::Changes, ..Options::default() };
        if let Ok(outcome) = lint::bytes(name.as_ref(), damaged.as_bytes(), None, &options) {
            for finding in outcome.findings.iter().chain(&outcome.ignored) {
                prop_assert!(damaged.get(finding.place.bytes.clone()).is_some());
                prop_assert!(finding.excerpt.text.get(finding.excerpt.marked.clone()).is_some());
                prop_assert!(!finding.message.is_empty() && !finding.message.contains(char::is_control));
            }
            let fixed = fix::fix(name.as_ref(), damaged.as_bytes(), Some(outcome.kind), &options, Safety::Unsafe).unwrap();
            let again = fix::fix(name.as_ref(), &fixed.bytes, Some(outcome.kind), &options, Safety::Unsafe).unwrap();
            prop_assert_eq!(fixed.bytes, again.bytes);
        }
    }
}

const FIXTURES: [(&str, &str); 7] = [
    ("a.json", include_str!("../../testdata/lint/oom-score-adj-unset/fires.json")),
    ("b.json", include_str!("../../testdata/lint/duplicate-keys/fires.json")),
    ("c.json", include_str!("../../testdata/lint/contradictory-limits/fires.json")),
    ("d.json", include_str!("../../testdata/lint/hook-malformed/clean.json")),
    ("e.json", include_str!("../../testdata/lint/dockerd-runtime-args/fires.json")),
    ("f.toml", include_str!("../../testdata/lint/policy-rule-shadowed/fires.toml")),
    ("g.toml", include_str!("../../testdata/lint/containerd-without-shim/fires.toml")),
];
