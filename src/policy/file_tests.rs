//! What a policy file may say, and what is told of its mistakes.

use super::*;
use crate::policy::class::{OomGroup, Size};
use crate::policy::rule::ClassRef;
use nix::time::{ClockId, clock_gettime};

fn error(text: &str) -> String {
    parse(text, Path::new("p.toml")).unwrap_err().to_string()
}

#[test]
fn a_file_changes_what_it_names() {
    let text = "[class.big]\noom_score_adj = 100\nmemory_max = \"8GiB\"\nswap_max = 0\nmemory_high = \"40%\"\n\n\
                [[rule]]\nclass = \"big\"\nmatch.cgroup = \"/big/*\"\nmatch.annotation.\"a.b\" = \"c\"\n";
    let policy = parse(text, Path::new("p")).unwrap();
    let big = policy.class("big").unwrap();
    assert_eq!(
        (big.memory_max, big.swap_max, big.memory_high),
        (Some(Size::Bytes(8 << 30)), Some(Size::Bytes(0)), Some(Size::Percent(40)))
    );
    assert_eq!((policy.rules[0].line, policy.rules[0].conditions.len()), (Some(7), 2));
    assert!(policy.class("build-step").is_some());
    assert_eq!(policy.rules.last().unwrap().class, ClassRef::Keep, "sandboxes are kept whatever the file says");
    assert_eq!(policy.default.name(), "build-step");
    let shipped = parse(include_str!("../../hooks/policy.toml"), Path::new("p")).unwrap();
    assert_eq!(shipped.rules.len(), built_in().rules.len(), "the shipped file says them itself");
}

#[test]
fn every_mistake_has_a_place_and_a_remedy() {
    let cases = [
        (
            "[clas.x]\n",
            "p.toml:1:2: unknown key `clas`; did you mean `class`? (known: class, rule, default, runtime, apply, log, guard, run)",
        ),
        (
            "[class.x]\noom_scor_adj = 5\n",
            "p.toml:2:1: unknown key `oom_scor_adj`; did you mean `oom_score_adj`? (known: oom_score_adj, adjust, above_engine, oom_group, memory_max, memory_high, swap_max, guard, guard_reserve)",
        ),
        (
            "[class.x]\noom_score_adj = 1001\n",
            "p.toml:2:17: 1001 is out of range: oom_score_adj goes from -1000 to 1000",
        ),
        (
            "[class.x]\noom_score_adj = \"0500\"\n",
            "p.toml:2:17: oom_score_adj is a number from -1000 to 1000, not a text (0500 has a leading zero, which the kernel reads as octal: write 500)",
        ),
        (
            "[class.x]\noom_score_adj = 0x10\n",
            "p.toml:2:17: oom_score_adj is a number from -1000 to 1000, not one in another base: write it in decimal",
        ),
        ("[class.x]\noom_score_adj = 1.5\n", "p.toml:2:17: oom_score_adj is a number from -1000 to 1000, not a float"),
        (
            "[class.x]\noom_score_adj = 5\nabove_engine = 0\n",
            "p.toml:3:16: above_engine is a number from 1 to 1000, the least distance to the engine's own",
        ),
        (
            "[class.x]\noom_score_adj = -5\nabove_engine = 100\n",
            "p.toml:3:16: a class below 0 is not meant to be above its engine: take above_engine away",
        ),
        ("[class.x]\nadjust = \"set\"\n", "p.toml:1:1: `oom_score_adj` is missing: a number from -1000 to 1000"),
        (
            "[class.keep]\noom_score_adj = 5\n",
            "p.toml:1:8: the class `keep` is built in and cannot be changed; choose another name",
        ),
        (
            "[class.x]\noom_score_adj = 5\nmemory_max = \"8GB\"\n",
            "p.toml:3:14: \"8GB\" is not a size: write bytes, a number with K, M, G or T (or KiB and so on), or a share of the RAM such as \"40%\"",
        ),
        (
            "[class.x]\noom_score_adj = 5\nmemory_max = 0\n",
            "p.toml:3:14: a limit of 0 kills the container at its first page",
        ),
        (
            "[class.x]\noom_score_adj = 5\nadjust = \"rise\"\n",
            "p.toml:3:10: \"rise\" is none of raise, set, fill; did you mean `raise`?",
        ),
        (
            "[default]\nclass = \"build-steps\"\n",
            "p.toml:2:9: there is no class `build-steps`; did you mean `build-step`?",
        ),
        (
            "[[rule]]\nclass = \"daemon\"\n",
            "p.toml:1:1: the rule has no condition: write match.cgroup = \"…\" or the like, or use [default]",
        ),
        ("[rule]\nclass = \"keep\"\n", "p.toml:1:1: rules are written as [[rule]], with two brackets"),
        (
            "[[rule]]\nclass = \"keep\"\nmatch.id = \"[\"\n",
            "p.toml:3:12: \"[\" is not a glob: only * and ? are special here: write \\[ for the character, and one rule for each choice",
        ),
        (
            "[runtime]\npath = \"runc\"\n",
            "p.toml:2:8: \"runc\" is not an absolute path: engines call the shim with any PATH, or with none",
        ),
        ("[apply]\nstrict = \"yes\"\n", "p.toml:2:10: write true or false, not a string"),
        (
            "[log]\nto = \"journal\"\n",
            "p.toml:2:6: records go to journald, syslog, off or an absolute path, not \"journal\"; did you mean `journald`?",
        ),
        ("[guard]\nmode = \"watch\"\n", "p.toml:2:8: \"watch\" is none of kill, observe"),
        (
            "[guard]\non_pressure = [\"kill\", \"pause\"]\n",
            "p.toml:2:15: write on_pressure = [\"kill\"] or [\"pause\", \"kill\"]",
        ),
        ("[guard]\nkill = \"/buildkit/*\"\n", "p.toml:2:8: write kill = [\"/buildkit/*\"], a list of cgroups"),
        (
            "[guard]\nkill = [\"buildkit/*\"]\n",
            "p.toml:2:9: a cgroup is written from the root of the cgroup file system: \"/buildkit/*\"",
        ),
        (
            "[guard]\nkill = [\"/*\"]\n",
            "p.toml:2:9: this would make the whole machine a job; name the directory of the jobs",
        ),
        ("[guard]\nfloor = \"90%\"\n", "p.toml:2:9: a floor above 50% of RAM would kill on healthy machines"),
        (
            "[guard]\nhorizon = \"10 seconds\"\n",
            "p.toml:2:11: \"10 seconds\" is no time; write it like \"10s\", \"100ms\" or \"1min\"",
        ),
        ("[guard]\nstorm = { share = 0 }\n", "p.toml:2:19: write a number from 1 to 100"),
        ("[guard]\nown_limit = \"of\"\n", "p.toml:2:13: \"of\" is none of off; did you mean `off`?"),
        (
            "[class.x]\noom_score_adj = -1\nguard = \"first\"\n",
            "p.toml:3:9: a class with an oom_score_adj below 0 is for daemons, which the guard never kills; leave `guard` out or give the class an oom_score_adj of at least 0",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn nobody_chooses_immunity() {
    let rule = |conditions: &str| format!("[[rule]]\nclass = \"daemon\"\n{conditions}\n");
    for chosen in [
        "match.hostname = \"h\"",
        "match.annotation.x = \"y\"",
        "match.bundle = \"*\"",
        "match.id = \"i\"\nmatch.arg0 = \"a\"",
    ] {
        assert!(error(&rule(chosen)).contains("a workload chooses these conditions itself"), "{chosen}");
    }
    for decided in ["match.hostname = \"h\"\nmatch.cgroup = \"/c/*\"", "match.hostname = \"h\"\ntrust_workload = true"]
    {
        assert!(parse(&rule(decided), Path::new("p")).is_ok(), "{decided}");
    }
    assert!(
        error("[default]\nclass = \"daemon\"\n")
            .starts_with("p.toml:2:9: the default class `daemon` has oom_score_adj -1000")
    );
}

#[test]
fn broken_toml_is_placed_too() {
    assert!(error("[class.x\n").starts_with("p.toml:1:"), "{}", error("[class.x\n"));
    assert!(error("a = 1\na = 2\n").starts_with("p.toml:2:1:"), "{}", error("a = 1\na = 2\n"));
}

#[test]
fn a_mistake_elsewhere_does_not_hide_the_runtime() {
    let runtime = "[runtime]\npath = \"/usr/bin/crun\"\nflavor = \"crun\"\n";
    let named = Configured { path: Some(Path::new("/usr/bin/crun")), flavor: Some(Flavor::Crun) };
    for mistake in ["[logg]\nto = \"off\"\n", "[class.x]\noom_score_adj = \n", "[log\nto = 5\n"] {
        for text in [format!("{mistake}{runtime}"), format!("{runtime}{mistake}")] {
            assert_eq!(parse(&text, Path::new("p")).unwrap_err().runtime(), named, "{text}");
        }
    }
    assert_eq!(parse("[runtime]\npath = \"crun\"\n", Path::new("p")).unwrap_err().runtime(), Configured::default());
}

#[test]
fn only_a_named_file_must_be_there() {
    let directory = tempfile::tempdir().unwrap();
    let absent = directory.path().join("absent.toml");
    assert!(matches!(load(Some(absent.as_os_str())), Err(PolicyError::Unreadable { .. })));
    assert!(matches!(load(Some(directory.path().as_os_str())), Err(PolicyError::NotAFile(_))));
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert!(matches!(load(Some(fifo.as_os_str())), Err(PolicyError::NotAFile(_))), "and nobody waits for a writer");
    std::fs::write(&absent, b"x = \"\xff\"").unwrap();
    assert!(matches!(load(Some(absent.as_os_str())), Err(PolicyError::NotUtf8 { offset: 5, .. })));
}

#[test]
fn oom_group_has_three_values() {
    let group = |line: &str| {
        let policy = parse(&format!("[class.x]\noom_score_adj = 5\n{line}\n"), Path::new("p")).unwrap();
        policy.class("x").unwrap().oom_group
    };
    assert_eq!(group("oom_group = true"), OomGroup::Set);
    assert_eq!(group("oom_group = false"), OomGroup::Clear);
    assert_eq!(group(""), OomGroup::Leave);
}

/// A policy of that many classes and rules.
fn large(count: usize) -> String {
    let one = |number: usize| {
        format!("[class.c{number}]\noom_score_adj = 5\n[[rule]]\nclass = \"c{number}\"\nmatch.id = \"i{number}\"\n")
    };
    (0..count).map(one).collect()
}

#[test]
fn reading_takes_time_in_proportion() {
    // What this thread computed, however many others the machine runs meanwhile.
    let computed = || {
        let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
        std::time::Duration::from(time)
    };
    let time = |text: &str| {
        let once = || {
            let begun = computed();
            parse(text, Path::new("p")).unwrap();
            computed().checked_sub(begun).unwrap()
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (small, large) = (large(1000), large(8000));
    let ratio = time(&large).as_secs_f64() / time(&small).as_secs_f64();
    assert!(ratio < 24.0, "8 times the rules took {ratio:.1} times as long");
}

#[test]
fn the_parent_of_jobs_is_a_cgroup() {
    let policy = parse("[run]\nparent = \"/ci/jobs\"\nclass = \"keep\"\n", Path::new("p")).unwrap();
    assert_eq!((policy.run.parent, policy.run.class), (Some("/ci/jobs".into()), Some(ClassRef::Keep)));
    for parent in ["ci", "/", "/a/../b", "/sys/fs/cgroup/ci"] {
        let text = format!("[run]\nparent = \"{parent}\"\n");
        assert!(error(&text).contains("a cgroup by its path below /sys/fs/cgroup"), "{parent}");
    }
    assert!(error("[run]\nclass = \"x\"\n").contains("there is no class `x`"));
}
