//! Few descriptors (`ulimit -n`): whatever the shim can still open, the spec is edited, or the container does not have the
//! engine's oom_score_adj, or it is refused; never the engine's value in silence. The runtime's own limit is raised again, so that
//! only the shim's is low.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::{Command, Output};

use crate::common::{Lab, Runtime, binary, names, needed, script, stderr};

/// A limit at which the shim has all that it wants.
const PLENTY: usize = 12;

struct Bench {
    lab: Lab,
}

impl Bench {
    fn new() -> Option<Bench> {
        needed("prlimit")?;
        let mut lab = Lab::new(&Runtime { name: "runc", path: "/nowhere".into() });
        lab.runtime.path = lab.path().join("runc");
        let text = "#!/usr/bin/env -S prlimit --nofile=1024 sh\ncat /proc/$$/oom_score_adj >\"$OUT\"\nexit 42\n";
        script(&lab.runtime.path, text);
        lab.policy("");
        fs::create_dir(lab.path().join("b")).unwrap();
        Some(Bench { lab })
    }

    fn call(&self, descriptors: usize, args: &[&str]) -> Output {
        let at = |name: &str| self.lab.path().join(name);
        fs::write(at("b/config.json"), r#"{"process":{"args":["x"]}}"#).unwrap();
        let _ = fs::remove_file(at("out"));
        let _ = fs::remove_file(at("log"));
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={descriptors}:1024")).arg(binary("oomshim-runc"));
        command.arg("--root").arg(at("state")).args(args).env("OUT", at("out"));
        command.env("OOMSHIM_POLICY", self.lab.policy_path()).output().unwrap()
    }

    fn score(&self) -> String {
        fs::read_to_string(self.lab.path().join("out")).unwrap_or_default().trim().to_owned()
    }

    fn is_edited(&self) -> bool {
        fs::read_to_string(self.lab.path().join("b/config.json")).unwrap().contains("\"oomScoreAdj\":500")
    }
}

/// It ran, or one line says why not.
fn has_run(output: &Output, what: &str) -> bool {
    match output.status.code() {
        Some(42) => {
            assert_eq!(stderr(output), "", "{what}");
            true
        }
        Some(1 | 255) => {
            let text = stderr(output);
            assert!(text.starts_with("oomshim: ") && text.contains("EMFILE"), "{what}: {text}");
            false
        }
        _ => panic!("{what}: {output:?}"),
    }
}

#[test]
fn a_create_is_never_unprotected_in_silence() {
    let Some(bench) = Bench::new() else { return };
    let bundle = bench.lab.path().join("b");
    let (mut edited, mut raised, mut refused) = (0, 0, 0);
    for descriptors in 3..=PLENTY {
        let id = bench.lab.id(&format!("few{descriptors}"));
        let output = bench.call(descriptors, &["create", "--bundle", bundle.to_str().unwrap(), &id]);
        if !has_run(&output, &format!("create with {descriptors}")) {
            refused += 1;
            assert!(descriptors < 5, "{descriptors}: {output:?}");
            continue;
        }
        assert_eq!(names(&bundle), ["config.json"], "{descriptors}");
        let messages: Vec<String> = bench.lab.records().iter().map(|it| it["msg"].to_string()).collect();
        if bench.is_edited() {
            edited += 1;
            assert!(messages.iter().any(|it| it.contains("asked for process.oomScoreAdj = 500")), "{messages:?}");
        } else {
            raised += 1;
            assert_eq!(bench.score(), "500", "{descriptors}");
            assert!(messages.iter().any(|it| it.contains("started unedited") && it.contains("EMFILE")), "{messages:?}");
        }
        // With the directory's there is one for the record from 5 on.
        let is_recorded =
            names("/run/oomshim".as_ref()).iter().any(|name| name.to_string_lossy().starts_with(&format!("c{id}~")));
        assert!(is_recorded || descriptors < 5, "{descriptors}: later subcommands do not find its runtime");
    }
    assert!(edited > 3 && raised > 0 && refused > 0, "{edited} {raised} {refused}");
}

#[test]
fn later_subcommands_run_or_say_why_not() {
    let Some(bench) = Bench::new() else { return };
    let (bundle, id) = (bench.lab.path().join("b"), bench.lab.id("few"));
    assert_eq!(bench.call(64, &["create", "--bundle", bundle.to_str().unwrap(), &id]).status.code(), Some(42));
    for args in [&["exec", &id, "sh"][..], &["kill", &id, "9"], &["state", &id], &["delete", &id]] {
        let mut ran = 0;
        for descriptors in 3..=PLENTY {
            let output = bench.call(descriptors, args);
            if has_run(&output, &format!("{args:?} with {descriptors}")) {
                ran += 1;
                assert!(args[0] != "exec" || bench.score() == "500", "{descriptors}: {}", bench.score());
            } else {
                assert!(descriptors < 5, "{args:?} with {descriptors}: {output:?}");
            }
        }
        assert!(ran > 6, "{args:?}: {ran}");
    }
}
