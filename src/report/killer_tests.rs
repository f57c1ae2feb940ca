//! Other killers, by what they write.

use super::super::{collect, input, rest};
use super::*;

#[test]
fn each_killer_is_known_by_its_words() {
    let cases = [
        (
            r#"Feb 16 13:58:29 h earlyoom[1233]: sending SIGTERM to process 29410 uid 1000 "cluster": badness 1264, VmRSS 23964 MiB"#,
            "earlyoom",
            "cluster (29410)",
        ),
        (
            r#"sending SIGKILL to process 7 uid 0 "a b": oom_score 9, oom_score_adj 0, VmRSS 5 MiB, cmdline "x""#,
            "earlyoom",
            "a b (7)",
        ),
        (
            "Feb 16 13:58:29 h systemd-oomd[700]: Killed /user.slice/user-1000.slice/app.scope due to memory pressure for /user.slice being 83.66% > 50.00% for > 20s with reclaim activity",
            "systemd-oomd",
            "/user.slice/user-1000.slice/app.scope",
        ),
        (
            "Feb 16 13:58:29 h systemd-oomd[700]: Killed /a due to memory used (8) / total (9) and swap used (5) / total (5) being more than 90.00%",
            "systemd-oomd",
            "/a",
        ),
        (
            "Feb 16 13:58:29 h systemd[1]: build.service: systemd-oomd killed 130 process(es) in this unit.",
            "systemd-oomd",
            "build.service",
        ),
        (
            "14,1,2,-;oomd kill: 81.30 62.10 20.00 workload.slice/job-7 8589934592 ruleset:[r] detectorgroup:[d] killer:kill_by_swap_usage v2",
            "oomd",
            "workload.slice/job-7",
        ),
        ("Feb 16 13:58:29 h nohang-desktop[9]:   Sending SIGTERM to the victim", "nohang", ""),
        (
            r#"Feb 16 13:58:29 h kubelet[1]: I0216 13:58:29.1 1 eviction_manager.go:616] "Eviction manager: pod is evicted successfully" pod="ns/web-1""#,
            "kubelet (eviction)",
            "ns/web-1",
        ),
        ("[    5.000000] lowmemorykiller: Killing 'com.example' (1234), adj 900,", "lmkd", "com.example (1234)"),
        (
            "11-25 10:00:00.123   500   500 I lowmemorykiller: Kill 'com.example' (1234), uid 10086, oom_score_adj 900 to free 5kB rss",
            "lmkd",
            "com.example (1234)",
        ),
        (
            "Feb 16 13:58:29 h lowmemorykiller[500]: Kill 'com.example' (1234), uid 10086, oom_score_adj 900 to free 51200kB rss, 8kB swap; reason: low watermark is breached",
            "lmkd",
            "com.example (1234)",
        ),
        (
            "Nov 24 12:17:04 hw kernel: [758955.653313] Out of memory in UB 1234: OOM killed process 21738 (php-cgi) score 0 vm:281988kB",
            "the OpenVZ kernel",
            "php-cgi (21738)",
        ),
        (
            "Nov 24 12:17:04 bsd kernel: pid 512 (mysqld), jid 0, uid 88, was killed: out of swap space",
            "the FreeBSD kernel",
            "512 (mysqld), jid 0, uid 88",
        ),
        (
            r#"10.0.0.1: user: warning: [2026-11-22T07:00:00Z]: [talos] Sending SIGKILL to cgroup {"cgroup": "/podruntime"}"#,
            "Talos' OOM controller",
            "/podruntime",
        ),
    ];
    for (log, killer, victim) in cases {
        let [entry] = <[Entry; 1]>::try_from(input::all(log.as_bytes())).unwrap();
        let found = read(&entry).unwrap_or_else(|| panic!("{log}: {entry:?}"));
        assert_eq!((found.killer, found.victim.as_str()), (killer, victim), "{log}");
        let (events, rest) = collect::all([entry]);
        assert_eq!((events.len(), rest.others.len(), rest.not_understood), (0, 1, 0), "{log}");
    }
}

#[test]
fn ordinary_lines_are_no_kills() {
    for log in [
        "Feb 16 13:58:29 h earlyoom[1233]: mem avail:  2430 of 31808 MiB ( 7.64%), swap free: 1419 of 15903 MiB ( 8.93%)",
        "Feb 16 13:58:29 h systemd[1]: Killed unit x due to boredom",
        "Feb 16 13:58:29 h kubelet[1]: eviction manager: attempting to reclaim memory",
        "Feb 16 13:58:29 h sshd[1]: pid 5 was killed",
        "Feb 16 13:58:29 h nohang[9]:   [ OK ] Sending SIGTERM to stress: 3",
    ] {
        let entries = input::all(log.as_bytes());
        assert!(entries.iter().all(|entry| read(entry).is_none()), "{log}");
    }
}

#[test]
fn a_killer_is_told_once_with_its_victims() {
    let line = |pid: u32| {
        format!("Feb 16 13:58:29 h earlyoom[1233]: sending SIGTERM to process {pid} uid 0 \"x\u{1b}\": badness 9\n")
    };
    let log = (1..40).fold(String::new(), |all, pid| all + &line(pid));
    let (_, told) = collect::all(input::all(log.as_bytes()));
    let text = rest::write(&told, false);
    assert!(
        text.starts_with("earlyoom killed, not this kernel (39 times, the first in line 1, at Feb 16 13:58:29): x"),
        "{text}"
    );
    assert!(text.lines().count() == 1 && text.ends_with(", …\n") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn programs_that_saw_a_kill_are_witnesses() {
    let log = "Jun 13 09:14:58 h systemd[1]: docker-x.scope: A process of this unit has been killed by the OOM killer.\n\
               Jun 13 09:14:58 h kubelet[9]: container x OOMKilled\n";
    let (events, told) = collect::all(input::all(log.as_bytes()));
    assert_eq!((events.len(), told.witnesses, told.not_understood), (0, 2, 0));
    assert!(rest::write(&told, false).starts_with("2 lines of programs say"), "{}", rest::write(&told, false));
    assert_eq!(rest::write(&told, true), "", "where the kernel's lines are there, they tell it");
}
