//! The command line: what is judged, what is left out, and how it ends.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::tool::{lint, run, run_with_input};

/// What a person is told whose files are all another program's.
const OTHER: &str = "no kind of file that is judged here; if it is one all the same, say which with --kind";
const FIRES: &str = "testdata/lint/oom-score-adj-unset/fires.json";

/// The names of the rules that fired, from the JSON.
fn rules(args: &[&str]) -> Vec<String> {
    let said = run(args.iter().copied().chain(["--format", "json"]));
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    value["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_exit_status_is_0_1_or_2() {
    let cases: &[(&[&str], i32)] = &[
        (&[FIRES], 1),
        (&["testdata/lint/oom-score-adj-unset/clean.json"], 0),
        (&[FIRES, "--ignore", "oom-score-adj-unset"], 0),
        (&[FIRES, "--fail-on", "error"], 0),
        (&["testdata/lint/no-memory-limit/fires.json"], 0),
        (&["testdata/lint/no-memory-limit/fires.json", "--fail-on", "note"], 1),
        (&["absent.json"], 2),
        (&[FIRES, "absent.json"], 2),
        (&["Cargo.toml"], 2),
        (&["Cargo.lock"], 2),
        (&[], 2),
        (&[FIRES, "--select", "no-such-rule"], 2),
        (&[FIRES, "--format", "xml"], 2),
        (&[FIRES, "--diff"], 1),
        (&[FIRES, "--diff", "--fail-on", "error"], 0),
        (&[FIRES, "--diff", "--format", "json"], 2),
        (&["testdata/argv"], 2),
        (&["testdata/argv", "testdata/lint/oom-score-adj-unset/clean.json"], 0),
        (&["--list-rules"], 0),
        (&["--explain", "oom-score-adj-unset"], 0),
        (&["--explain", "no-such-rule"], 2),
    ];
    for (args, expected) in cases {
        let said = run(args.iter());
        assert_eq!(said.status, *expected, "{args:?}: {said:?}");
    }
}

#[test]
fn rules_are_chosen_and_left_out() {
    let privileged = "testdata/specs/docker-privileged.json";
    assert_eq!(rules(&["--select", "keeps-sys-resource", privileged]), ["keeps-sys-resource"]);
    assert!(rules(&["--select", "oom-score-adj", privileged]).iter().all(|rule| rule == "keeps-sys-resource"));
    assert!(
        !rules(&["--ignore", "oom-score-adj,no-memory-limit", privileged])
            .iter()
            .any(|rule| rule == "keeps-sys-resource" || rule == "no-memory-limit")
    );
    assert!(rules(&["--min-confidence", "high", FIRES]).len() <= rules(&[FIRES]).len());
}

#[test]
fn a_file_can_ignore_its_own_findings() {
    let spec = fs::read_to_string(FIRES).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spec.json");
    let annotated = spec.replacen('{', "{\"annotations\": {\"oomshim.lint.ignore\": \"oom-score-adj-unset\"},", 1);
    fs::write(&path, &annotated).unwrap();
    let said = run([&path]);
    assert_eq!((said.status, said.out.lines().last()), (0, Some("nothing found in 1 file (1 ignored)")), "{said:?}");

    for (words, ignored) in [("oom-score-adj", 1), ("killing, oom-score-adj", 1), ("all", 1), ("killing", 0)] {
        fs::write(&path, annotated.replace("oom-score-adj-unset", words)).unwrap();
        let said = run([&path]);
        assert_eq!((said.status, said.out.contains("(1 ignored)")), (1 - ignored, ignored == 1), "{words}: {said:?}");
    }

    let toml = directory.path().join("buildkitd.toml");
    fs::write(&toml, "[worker.oci]\n# oomshim: ignore[buildkitd-without-shim]\nbinary = \"/usr/bin/runc\"\n").unwrap();
    assert_eq!(run([&toml]).status, 0);
    for (word, status) in [("no-memory-limit", 1), ("oom-score-adj", 1), ("deployment", 0), ("all", 0)] {
        fs::write(&toml, format!("[worker.oci]\nbinary = \"/usr/bin/runc\" # oomshim: ignore[{word}]\n")).unwrap();
        assert_eq!(run([&toml]).status, status, "{word}");
    }
}

#[test]
fn standard_input_is_a_file_too() {
    let spec = fs::read(FIRES).unwrap();
    let said = run_with_input(&["-"], &spec);
    assert!(said.status == 1 && said.out.contains("--> <stdin>:"), "{said:?}");
    assert_eq!(run_with_input(&["-"], b"hello").status, 2);
    assert_eq!(run_with_input(&["-", "--kind", "policy"], b"[default]\nclass = \"keep\"\n").status, 1);
    for option in ["--fix", "--unsafe-fixes"] {
        let said = run_with_input(&["-", option], &spec);
        let expected = "oomshim: standard input cannot be fixed in place; --diff shows what would be changed\n";
        assert_eq!((said.status, said.err.as_str()), (2, expected));
    }
    let said = run_with_input(&["-", "--diff", "--fix"], &spec);
    assert!(said.status == 1 && said.out.starts_with("--- a/<stdin>\n+++ b/<stdin>\n@@ "), "{said:?}");
}

#[test]
fn a_directory_is_searched_for_our_files() {
    let said = run(["src", "testdata/specs", "--select", "shape"]);
    let files = fs::read_dir("testdata/specs")
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "json"));
    assert_eq!((said.status, said.out), (0, format!("nothing found in {} files\n", files.count())));
}

/// `config.json` is many a program's, and an image's: in a directory only what it says makes it a spec.
#[test]
fn what_only_has_the_name_of_a_spec_is_passed_over_unless_it_is_a_bundle() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let others = [
        ("image", r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers"},"history":[]}"#),
        ("docker", r#"{"auths":{}}"#),
        ("node", "// settings\n{\"port\": 80, \"hostname\": \"x\", \"root\": \"/srv\"}"),
        ("state", r#"{"ociVersion":"1.0.2","id":"x","status":"created","pid":7,"bundle":"/b"}"#),
    ];
    for (name, text) in others {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("config.json"), text).unwrap();
    }
    fs::create_dir_all(at("bundle/rootfs")).unwrap();
    fs::write(at("bundle/config.json"), "{\"ociversoin\": \"1.0.0\"}").unwrap();
    let said = run([directory.path()]);
    assert!(said.status == 1 && said.out.contains("error[missing-field]") && said.err.is_empty(), "{said:?}");
    assert!(said.out.ends_with(" in 1 file\n") || said.out.contains(" in 1 file; "), "{}", said.out);
    // What nobody certainly meant to be a spec is never changed.
    let said = run([at("bundle/config.json"), "--unsafe-fixes".into()]);
    assert!(said.status == 1 && !said.out.contains("fixed ") && !said.out.contains("-fixes fixes"), "{said:?}");
    assert_eq!(fs::read_to_string(at("bundle/config.json")).unwrap(), "{\"ociversoin\": \"1.0.0\"}");
    for (name, _) in others {
        let said = run([at(name).join("config.json")]);
        assert!(said.status == 2 && said.err.contains(OTHER), "{name}: {said:?}");
    }
}

#[test]
fn what_cannot_be_judged_is_told_in_a_line_and_holds_nothing_up() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let line = |name: &str, message: &str| format!("oomshim: {}: {message}\n", at(name).display());
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("text.json"), "{\"name\": \"left-pad\"}").unwrap();
    fs::copy(FIRES, at("spec.json")).unwrap();
    let all = [at("absent"), at("empty"), at("text.json"), at("spec.json")];
    let said = run(&all);
    let empty = "nothing in it can be judged: no spec, policy, hooks.d file or configuration of an engine";
    let expected = [line("absent", "cannot look at it: not found (ENOENT)"), line("empty", empty)];
    assert_eq!((said.status, said.err), (2, expected.concat()));
    assert!(said.out.contains("spec.json:3:3") && said.out.contains("1 warning in 1 file, 1 skipped"), "{}", said.out);
    let said = run([at("text.json")]);
    assert_eq!((said.status, said.err), (2, line("text.json", OTHER)));
    // An empty directory beside files that were judged is worth a word; alone it looks like a mistyped path.
    let said = run([at("empty"), at("spec.json")]);
    assert_eq!((said.status, said.err), (1, line("empty", empty)));
    let said = run([at("empty")]);
    assert_eq!((said.status, said.err), (2, line("empty", empty)));
    let said = run([Path::new("--format=json"), &at("empty")]);
    assert!(said.status == 2 && said.out.contains("\"message\": \"nothing in it can be judged"), "{said:?}");
}

#[test]
fn a_file_that_may_not_be_read_or_written_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let mode = |name: &str, mode| fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(at("closed")).unwrap();
    fs::copy(FIRES, at("a-spec.json")).unwrap();
    fs::copy(FIRES, at("other.json")).unwrap();
    fs::copy(FIRES, at("closed/config.json")).unwrap();
    for (name, bits) in [("other.json", 0o000), ("closed", 0o000), ("a-spec.json", 0o444), ("", 0o555)] {
        mode(name, bits);
    }
    // Root may read everything, so somebody else has to try. The tool is opened here, wherever it lies.
    let tool = fs::File::open(lint([""; 0]).get_program()).unwrap();
    let nobody = |args: &[&Path]| {
        let mut command = std::process::Command::new("setpriv");
        let program = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&tool));
        nix::fcntl::fcntl(&tool, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", &program, "lint"]).args(args);
        let output = command.output().expect("setpriv(1), of the package util-linux, becomes somebody else");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let line = |name: &str, message: &str| format!("oomshim: {}: {message}\n", at(name).display());
    let unread = [
        line("closed", "cannot list it: access is refused (EACCES)"),
        line("other.json", "cannot open it: access is refused (EACCES)"),
    ];
    let (status, out, err) = nobody(&[directory.path()]);
    assert_eq!((status, err), (Some(2), unread.concat()));
    assert!(out.contains("a-spec.json:3:3"), "{out}");
    let (status, out, err) = nobody(&[Path::new("--fix"), &at("a-spec.json")]);
    assert_eq!(
        (status, err),
        (Some(2), line("a-spec.json", "cannot create a new file beside it: access is refused (EACCES)"))
    );
    assert!(out.contains("warning[oom-score-adj-unset]") && !out.contains("fixed"), "what stays is told: {out}");
    mode("", 0o755);
    mode("closed", 0o755);
}

#[test]
fn a_file_is_judged_once_however_often_it_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.json");
    fs::copy(FIRES, &file).unwrap();
    fs::create_dir(directory.path().join("linked")).unwrap();
    symlink(&file, directory.path().join("linked/config.json")).unwrap();
    let said = run([&file, directory.path(), &file]);
    assert!(said.out.ends_with("2 warnings in 2 files; --fix fixes 2\n"), "{}", said.out);
}

#[test]
fn the_kind_is_what_the_person_says() {
    let said = run(["--kind", "policy", FIRES]);
    assert!(said.status == 1 && said.out.contains("error[not-toml]"), "{said:?}");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.json"), "{}").unwrap();
    fs::write(directory.path().join("b.toml"), "x = 1\n").unwrap();
    let said = run(["--kind", "spec", directory.path().to_str().unwrap()]);
    assert!(said.out.contains("a.json:1:1") && said.out.ends_with("in 1 file\n"), "{}", said.out);
    let said = run(["--kind", "nothing", FIRES]);
    assert!(said.status == 2 && said.err.contains("[possible values: spec, hook, "), "{said:?}");
}

#[test]
fn a_name_that_is_not_known_is_answered_with_the_nearest_one() {
    for args in
        [["--explain", "oom-score-adj-unst"], ["--select", "oom-score-adj-unst"], ["--ignore", "oom-score-adj-unst"]]
    {
        let said = run(args.into_iter().chain([FIRES]));
        let expected = "oomshim: there is no rule or group `oom-score-adj-unst`; did you mean `oom-score-adj-unset`?\n";
        assert_eq!((said.status, said.err.as_str()), (2, expected), "{args:?}");
    }
    assert!(run(["--explain", "oom-score-adj"]).err.contains("oom-score-adj is a group of rules; --list-rules"));
}

#[test]
fn a_bundle_without_its_root_filesystem_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let spec = fs::read_to_string(FIRES).unwrap().replace("/var/lib/builder/rootfs", "rootfs");
    fs::write(directory.path().join("config.json"), spec).unwrap();
    let args = ["--select", "rootfs-missing", directory.path().to_str().unwrap()];
    assert_eq!(run(args).status, 1);
    fs::create_dir(directory.path().join("rootfs")).unwrap();
    assert_eq!(run(args).status, 0);
}

#[test]
fn this_machine_can_be_asked() {
    let said = run(["--host", "--format", "json", FIRES, "testdata/lint/hook-binary-missing/fires.json"]);
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let found = value["findings"].to_string();
    assert!(found.contains("hook-binary-missing") && found.contains("rootfs-missing"), "{found}");
    assert!(Path::new("/proc/self").exists());
}

#[test]
fn explanations_and_the_list_name_every_rule() {
    let list = run(["--list-rules"]).out;
    for rule in oomshim::lint::rules::ALL {
        let name = rule.meta().name;
        assert!(list.lines().any(|line| line.trim_start().starts_with(&format!("{name} "))), "{name}");
        assert!(run(["--explain", name]).out.starts_with(&format!("{name}: ")), "{name}");
    }
}
