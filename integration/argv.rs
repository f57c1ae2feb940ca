//! The command lines that real runtimes answered (`testdata/argv/cases.tsv`) and that real engines wrote
//! (`testdata/argv/ENGINE.txt`), read by our parser: it says what the runtime did, or that it cannot tell.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::unnecessary_debug_formatting, reason = "bytes that are not UTF-8 are to be seen")]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use oomshim::runtime::argv::{self, CommandLine};
use oomshim::runtime::flavor::{Flavor, Subcommand};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/argv").join(name)
}

/// A field of the corpus: bytes outside of printable ASCII are `\xNN`, a backslash is `\\`, the empty text is `\e`.
fn unescape(field: &str) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.first() {
            Some(b'e') => rest = &rest[1..],
            Some(b'\\') => {
                bytes.push(b'\\');
                rest = &rest[1..];
            }
            Some(b'x') => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&rest[1..3]).unwrap(), 16).unwrap());
                rest = &rest[3..];
            }
            other => panic!("{field:?} has an escape {other:?}"),
        }
    }
    OsString::from_vec(bytes)
}

/// The path as the corpus writes it: relative to the directory it was run in, with `.` and `..` resolved lexically.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    let plain = plain.strip_prefix("/run/oomshim-argv").map(Path::to_owned).unwrap_or(plain);
    // The corpus's one symbolic link, which crun resolves before it opens the file.
    plain.strip_prefix("link").map(|rest| Path::new("one").join(rest)).unwrap_or(plain)
}

fn flavor(runtime: &str) -> Flavor {
    Flavor::of_runtime(OsStr::new(runtime))
}

#[derive(Default)]
struct Tally {
    same: usize,
    cannot_tell: Vec<String>,
    wrong: Vec<String>,
}

#[test]
fn the_parser_says_what_each_runtime_did_or_that_it_cannot_tell() {
    let text = std::fs::read_to_string(testdata("cases.tsv")).unwrap();
    let mut tally = Tally::default();
    for row in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<OsString> = row.split('\t').map(unescape).collect();
        let [runtimes, config, state, args @ ..] = fields.as_slice() else { panic!("{row:?}") };
        for runtime in runtimes.to_str().unwrap().split(',') {
            judge(runtime, config, state, args, &mut tally);
        }
    }
    let Tally { same, cannot_tell, wrong } = tally;
    assert!(
        wrong.is_empty(),
        "{} command lines are read otherwise than the runtime did:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(same > 550, "only {same} command lines were compared");
    // Each of these is understood by the runtime and by us not: the container then starts unedited, at a raised score.
    let expected = std::fs::read_to_string(testdata("cannot-tell.txt")).unwrap();
    assert_eq!(cannot_tell.join("\n").trim(), expected.trim(), "the command lines that cannot be told have changed");
}

fn judge(runtime: &str, config: &OsStr, state: &OsStr, args: &[OsString], tally: &mut Tally) {
    if config == "-" && state == "-" {
        // The runtime edits and starts nothing: whatever the parser says does no harm.
        return;
    }
    let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
    let id = Path::new(state).file_name().filter(|_| state != "-");
    let line = format!("{runtime}: {args:?}");
    match argv::parse(flavor(runtime), &args) {
        CommandLine::Unrecognized { why, .. } => tally.cannot_tell.push(format!("{line} ({why})")),
        CommandLine::Other if config == "-" => tally.same += 1,
        CommandLine::Other => tally.wrong.push(format!("{line} reads {config:?}, we say it is no container")),
        CommandLine::Container(it) => {
            let file =
                if it.subcommand == Subcommand::Exec { it.process.map(PathBuf::from) } else { Some(it.spec_path()) };
            let expected = (config != "-").then(|| lexical(Path::new(config)));
            let same_file = expected.is_none() || file.as_deref().map(lexical) == expected;
            // An id with a slash is refused; what crun looked at before that is only a part of it.
            let same_id = id.is_none_or(|id| id == it.id) || it.id.as_bytes().contains(&b'/');
            if same_file && same_id {
                tally.same += 1;
            } else {
                tally.wrong.push(format!("{line} reads {config:?} for {state:?}, we say {file:?} for {:?}", it.id));
            }
        }
    }
}

#[test]
fn every_command_line_that_an_engine_wrote_is_understood() {
    let mut read = 0;
    for engine in ["podman", "podman-crun", "buildah", "docker", "containerd", "buildkit"] {
        let text = std::fs::read_to_string(testdata(&format!("{engine}.txt"))).unwrap();
        for block in text.split("\n\n") {
            let fields: Vec<(&str, OsString)> = block
                .lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split_once(' '))
                .map(|(key, value)| (key, unescape(value)))
                .collect();
            let value = |key: &str| fields.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_os_str());
            let args: Vec<&OsStr> =
                fields.iter().filter(|(key, _)| *key == "arg").map(|(_, arg)| arg.as_os_str()).collect();
            let (Some(program), Some(subcommand)) = (args.first(), value("verb")) else { continue };
            let flavor = Flavor::of_runtime(Path::new(program).file_name().unwrap());
            let is_read = Subcommand::named(subcommand).is_some();
            match argv::parse(flavor, &args[1..]) {
                CommandLine::Container(it) => {
                    assert!(is_read, "{engine}: {args:?}");
                    assert_eq!(Some(it.id), value("id"), "{engine}: {args:?}");
                    if let Some(bundle) = value("bundle").filter(|_| it.subcommand.creates()) {
                        assert_eq!(it.bundle.map(OsStr::as_bytes), Some(bundle.as_bytes()), "{engine}: {args:?}");
                    }
                }
                CommandLine::Other => assert!(!is_read, "{engine}: {args:?}"),
                CommandLine::Unrecognized { why, .. } => panic!("{engine}: {args:?}: {why}"),
            }
            read += 1;
        }
    }
    assert!(read > 150, "only {read} command lines were read");
}
