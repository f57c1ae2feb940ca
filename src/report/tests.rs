//! Whole logs, from the corpus in testdata/kmsg: each `NAME.log` gives the events in `NAME.json`.

use super::*;

fn corpus() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kmsg");
    let mut logs: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort();
    logs
}

fn events(log: &[u8]) -> Vec<Report> {
    collect::all(input::all(log)).0.into_iter().map(|event| Context::default().report(event)).collect()
}

#[test]
fn each_log_of_the_corpus_gives_its_events() {
    let logs = corpus();
    assert!(logs.len() >= 12, "{logs:?}");
    for path in logs {
        let lines: String = events(&std::fs::read(&path).unwrap()).iter().map(json::write).collect();
        let expected = std::fs::read_to_string(path.with_extension("json")).unwrap_or_default();
        // OOMSHIM_BLESS=1 writes what came out, for a person to read through.
        if std::env::var_os("OOMSHIM_BLESS").is_some() {
            std::fs::write(path.with_extension("json"), &lines).unwrap();
            continue;
        }
        assert_eq!(lines, expected, "{}", path.display());
    }
}

#[test]
fn a_log_cut_anywhere_never_breaks_the_reader_nor_invents_a_victim() {
    for path in corpus() {
        let log = std::fs::read(&path).unwrap();
        let whole: Vec<u32> = events(&log)
            .iter()
            .flat_map(|it| it.event.killed.iter().map(|it| it.pid).chain(it.event.chosen.as_ref().map(|it| it.0)))
            .collect();
        for end in (0..log.len()).step_by(7) {
            // What a summary says may have lost its end, and then a name can pose as the rest; its text says so.
            let reports = events(&log[..end]);
            for killed in reports.iter().filter(|it| !it.event.is_cut).flat_map(|it| &it.event.killed) {
                assert!(whole.contains(&killed.pid), "{} cut at {end}: {killed:?}", path.display());
            }
        }
    }
}

#[test]
fn people_are_told_what_happened_and_what_to_do() {
    let log = "3,1,5000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/jobs/x,task_memcg=/jobs/x,task=cc1plus,pid=7,uid=0\n\
               3,2,5000001,-;Memory cgroup out of memory: Killed process 7 (cc1plus) total-vm:9000kB, anon-rss:8192kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:44kB oom_score_adj:500\n";
    let container = Container {
        id: "x".into(),
        class: "build-step".into(),
        bundle: "/b/x".into(),
        cgroup: "/jobs/x".into(),
        command: vec!["make".into(), "-j\u{1b}".into()],
        ..Container::default()
    };
    let context = Context { containers: vec![container], boot: Some(Timestamp::UNIX_EPOCH), guard: Vec::new() };
    let [report] = <[Report; 1]>::try_from(
        collect::all(input::all(log.as_bytes())).0.into_iter().map(|event| context.report(event)).collect::<Vec<_>>(),
    )
    .unwrap();
    assert_eq!(
        text::write(&report, text::Look::default()),
        "1970-01-01T00:00:05Z  cc1plus (7) was killed: its cgroup reached its own limit\n    \
         killed        7 (cc1plus): 8.0M anonymous, 4.0K of files, 0 shared; oom_score_adj 500, user 0\n    \
         container     x, class build-step\n    \
         command       make -j\\u{1b}\n    \
         bundle        /b/x\n    \
         evidence      cgroup /jobs/x, which ran out, is the victim's own\n    \
         confidence    certain\n    \
         next          give it a higher limit, or make it need less: fewer jobs at a time, for one\n\n"
    );
    assert!(report.is_about("x") && !report.is_about("y"));
}

#[test]
fn a_container_is_known_by_the_name_of_its_cgroup_too() {
    let of = |path: &str, id: &str| {
        let event = OomEvent { victim_path: Some(path.into()), ..OomEvent::default() };
        Context::default().report(event).is_about(id)
    };
    assert!(of("/system.slice/docker-abc.scope", "abc") && of("/buildkit/abc/sub", "abc") && of("/libpod-abc", "abc"));
    let long = "/system.slice/docker-0123456789abcdef.scope";
    assert!(of(long, "01234567") && of("/buildkit/0123456789abcdef", "0123456789ab"));
    assert!(!of(long, "0123456") && !of(long, "12345678"), "too short, or not its beginning");
    assert!(!of("/buildkit/abcd", "abc") && !of("/buildkit/xabc", "abc"));
}

#[test]
fn a_cgroup_with_nothing_killable_does_not_bring_the_machine_into_question() {
    let headline = |name: &str| {
        let log = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kmsg").join(name)).unwrap();
        let [report] = <[Report; 1]>::try_from(events(&log)).unwrap();
        text::write(&report, text::Look::default()).lines().next().unwrap().split_once("  ").unwrap().1.to_owned()
    };
    assert_eq!(
        headline("6.1-cgroup-nothing-killable.log"),
        "cgroup /buildkit/abc reached its limit of 64M: nothing in it could be killed, so what needs memory fails or hangs"
    );
    assert_eq!(
        headline("6.1-panic-on-oom-2.log"),
        "cgroup /buildkit/abc reached its limit of 64M: the kernel panicked, because vm.panic_on_oom is 2"
    );
    assert_eq!(
        headline("5.15-panic.log"),
        "the whole machine ran out of memory: nothing could be killed and the kernel panicked"
    );
}
