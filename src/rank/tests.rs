//! Rankings of whole fake machines.

use super::text::Commands;
use super::*;

/// A machine of 4 GiB RAM and 1 GiB swap on Linux 6.12, cgroup v2.
struct Fake {
    root: tempfile::TempDir,
}

impl Fake {
    fn new() -> Fake {
        let fake = Fake { root: tempfile::tempdir().unwrap() };
        fake.file("proc/meminfo", "MemTotal: 4194304 kB\nSwapTotal: 1048576 kB\nShmem: 100 kB\n");
        fake.file("proc/sys/kernel/osrelease", "6.12.0\n");
        fake.file("cgroup/cgroup.controllers", "memory\n");
        fake.file("proc/self/uid_map", "0 0 4294967295\n");
        fake.file("proc/self/status", "CapEff:\t000001ffffffffff\n");
        fake
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn process(&self, pid: u32, mib: u64, score: i64, cgroup: &str) {
        let kib = mib * 1024;
        let status = format!(
            "Name:\tp{pid}\nState:\tS (sleeping)\nPPid:\t1\nVmSize:\t{kib} kB\nRssAnon:\t{kib} kB\nThreads:\t1\n"
        );
        self.file(&format!("proc/{pid}/status"), &status);
        self.file(&format!("proc/{pid}/oom_score_adj"), &format!("{score}\n"));
        self.file(&format!("proc/{pid}/cgroup"), &format!("0::{cgroup}\n"));
        self.file(&format!("proc/{pid}/cmdline"), &format!("/bin/p{pid}\0-x\0"));
        self.file(
            &format!("proc/{pid}/stat"),
            &format!("{pid} (p{pid}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid} 0 0\n"),
        );
        let list = self.root.path().join("cgroup").join(cgroup.trim_start_matches('/')).join("cgroup.procs");
        let before = std::fs::read_to_string(&list).unwrap_or_default();
        self.file(&format!("cgroup/{}/cgroup.procs", cgroup.trim_start_matches('/')), &format!("{before}{pid}\n"));
    }

    fn rank(&self, question: &Question) -> Result<Ranking, RankError> {
        let roots = Roots { proc: self.root.path().join("proc"), cgroup: self.root.path().join("cgroup") };
        rank(&roots, &self.root.path().join("run"), &Question { count: 10, ..question.clone() })
    }
}

fn pids(ranking: &Ranking) -> Vec<u32> {
    ranking.shown.iter().map(|row| row.candidate.task.pid).collect()
}

fn build_host() -> Fake {
    let fake = Fake::new();
    fake.process(1, 10, 0, "/init");
    fake.process(50, 900, -1000, "/buildkitd");
    fake.process(60, 300, 500, "/buildkit/a");
    fake.process(61, 20, 500, "/buildkit/a");
    fake.process(62, 20, -1000, "/buildkit/a");
    fake.process(70, 2000, 0, "/db");
    fake.file("cgroup/buildkit/a/memory.oom.group", "1\n");
    fake
}

#[test]
fn a_build_step_dies_before_a_larger_database_and_takes_its_cgroup_along() {
    let ranking = build_host().rank(&Question::default()).unwrap();
    assert_eq!(pids(&ranking), [60, 61, 70]);
    let victim = ranking.victim.unwrap();
    let group = victim.group.unwrap();
    assert_eq!(
        (victim.pid, group.path.to_str(), group.dying, group.spared),
        (60, Some("/buildkit/a"), vec![60, 61], vec![62])
    );
    assert_eq!(ranking.exempt.len(), 3);
    assert_eq!(ranking.warnings, []);
}

#[test]
fn a_cgroup_that_runs_out_kills_among_its_own() {
    let fake = build_host();
    fake.file("cgroup/db/memory.max", "2147483648\n");
    let ranking = fake.rank(&Question { cgroup: Some("/db".into()), ..Question::default() }).unwrap();
    assert_eq!((pids(&ranking), ranking.total), (vec![70], 3 << 30));
    assert!(ranking.victim.unwrap().group.is_none());
    let error = fake.rank(&Question { cgroup: Some("/absent".into()), ..Question::default() }).unwrap_err();
    assert_eq!(error.to_string(), "there is no cgroup /absent with the memory controller");
}

#[test]
fn a_supposed_score_ranks_anew() {
    let fake = build_host();
    let suppose =
        |pid, score| Question { what_if: vec![(pid, OomScoreAdj::new(score).unwrap())], ..Question::default() };
    assert_eq!(pids(&fake.rank(&suppose(70, 900)).unwrap()), [70, 60, 61]);
    assert_eq!(pids(&fake.rank(&suppose(60, -1000)).unwrap()), [61, 70]);
    assert_eq!(fake.rank(&suppose(9, 0)).unwrap_err(), RankError::NoProcess(9));
}

#[test]
fn a_class_is_known_by_its_containers() {
    let fake = build_host();
    let run = fake.root.path().join("run");
    std::fs::create_dir(&run).unwrap();
    let container =
        Container { id: "a".into(), class: "build-step".into(), cgroup: "/buildkit/a".into(), ..Container::default() };
    registry::record(&run, &container).unwrap();
    let plain = fake.rank(&Question::default()).unwrap();
    assert_eq!(plain.shown[0].container.as_ref().map(|it| it.class.as_str()), Some("build-step"));
    assert!(plain.shown[2].container.is_none());
    let of = |class: &str| Question { what_if_class: vec![(class.into(), OomScoreAdj::ZERO)], ..Question::default() };
    assert_eq!(pids(&fake.rank(&of("build-step")).unwrap()), [70, 60, 62, 61]);
    assert_eq!(fake.rank(&of("daemon")).unwrap_err(), RankError::NoClass("daemon".into()));
}

#[test]
fn what_makes_the_order_moot_is_said() {
    let fake = Fake::new();
    fake.process(50, 900, -1000, "/c");
    fake.file("cgroup/c/memory.max", "1000000\n");
    fake.file("cgroup/c/memory.current", "900000\n");
    fake.file("cgroup/c/memory.stat", "anon 1\nshmem 800000\n");
    fake.file("proc/sys/vm/panic_on_oom", "2\n");
    fake.file("proc/sys/vm/oom_kill_allocating_task", "1\n");
    let ids = |question: &Question| -> Vec<&str> {
        let ranking = fake.rank(question).unwrap();
        assert!(ranking.victim.is_none());
        ranking.warnings.iter().map(Warning::id).collect()
    };
    assert_eq!(ids(&Question::default()), ["nothing-killable-panic", "panic-on-oom", "kill-allocating-task"]);
    let cgroup = Question { cgroup: Some("c".into()), ..Question::default() };
    assert_eq!(ids(&cgroup), ["nothing-killable-livelock", "panic-on-oom", "unmapped-shmem"]);
    let words = fake.rank(&cgroup).unwrap().warnings[2].to_string();
    assert!(words.starts_with("781K of the 878K that the cgroup uses are tmpfs"), "{words}");
    fake.file("proc/meminfo", "MemTotal: 1000 kB\nShmem: 900 kB\n");
    let ranking = fake.rank(&Question::default()).unwrap();
    assert!(ranking.is_fatal());
    let words = ranking.warnings.iter().map(ToString::to_string).find(|words| words.contains("tmpfs")).unwrap();
    assert!(words.starts_with("900K of the 1000K of RAM are tmpfs"), "{words}");
}

#[test]
fn a_cgroup_without_processes_does_not_hang() {
    let fake = Fake::new();
    fake.file("cgroup/empty/memory.max", "1000000\n");
    fake.file("cgroup/empty/cgroup.procs", "");
    let ranking = fake.rank(&Question { cgroup: Some("empty".into()), ..Question::default() }).unwrap();
    assert_eq!((ranking.warnings.as_slice(), ranking.is_fatal()), (&[][..], false));
}

#[test]
fn hostile_names_do_not_leave_their_cell() {
    let fake = build_host();
    fake.file("proc/60/cmdline", "sh\0-c\0\u{1b}[2Jevil\n\0");
    let ranking = fake.rank(&Question::default()).unwrap();
    let (table, line) = (text::write(&ranking, None, Commands::Whole), json::write(&ranking, Commands::Whole));
    assert!(table.contains("sh -c \\u{1b}[2Jevil\\n\n") && !table.contains('\u{1b}'), "{table}");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["processes"][0]["command"][2], "\\u{1b}[2Jevil\\n");
    assert_eq!((&value["version"], &value["victim"]["group"]["spared"][0]), (&1.into(), &62.into()));
}

#[test]
fn command_lines_are_cut_unless_they_are_asked_for() {
    let fake = build_host();
    let secret = format!("sh\0{}\0--token=secret\0", "x".repeat(200));
    fake.file("proc/60/cmdline", &secret);
    let ranking = fake.rank(&Question::default()).unwrap();
    for (width, columns) in [(None, 120), (Some(80), 80)] {
        let table = text::write(&ranking, width, Commands::Cut);
        let rows = table.lines().filter(|line| line.contains(" sh x") || line.contains("COMMAND"));
        assert!(rows.clone().count() >= 1 && rows.map(str::len).max() <= Some(columns), "{table}");
        assert!(!table.contains("secret"), "{table}");
    }
    assert!(text::write(&ranking, Some(80), Commands::Whole).contains("--token=secret"));
    assert!(
        !json::write(&ranking, Commands::Cut).contains("secret")
            && json::write(&ranking, Commands::Whole).contains("secret")
    );
}
