//! Whatever is repeated in a file, four times as much of it takes about four times as long: to judge, to fix and to show
//! what would be fixed. Ratios of two sizes, in processor time of this thread: a busy machine changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use oomshim::lint::finding::{Fixes, Safety};
use oomshim::lint::kind::FileKind;
use oomshim::lint::output::diff;
use oomshim::lint::run::Change;
use oomshim::lint::{self, Options, fix};

/// How many times as large the larger one is.
const TIMES: usize = 4;
/// Halfway to what a quadratic loop would take.
const MOST: f64 = 9.0;
/// What is too short to be compared.
const LEAST: Duration = Duration::from_millis(2);

type Text = fn(usize) -> String;

fn many(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

fn spec(inner: &str) -> String {
    format!("{{\"ociVersion\":\"1.0.0\",\"root\":{{\"path\":\"r\"}},{inner}}}")
}

const SHAPES: &[(&str, FileKind, Text)] = &[
    ("values", FileKind::Spec, |n| many(n, |_| "{}".into())),
    ("scores", FileKind::Spec, |n| spec(&format!("\"process\":{{{}}}", many(n, |_| "\"oomScoreAdj\":5000".into())))),
    ("processes", FileKind::Spec, |n| spec(&many(n, |_| "\"process\":{\"oomScoreAdj\":-5}".into()))),
    ("processes without a score", FileKind::Spec, |n| spec(&many(n, |_| "\"process\":{}".into()))),
    ("processes on lines", FileKind::Spec, |n| spec(&many(n, |_| "\n\"process\":{\n\"oomScoreAdj\":-1000\n}".into()))),
    ("misspelt names", FileKind::Spec, |n| {
        spec(&format!("\"process\":{{{}}}", many(n, |number| format!("\"oomScoreAd{number}\":1"))))
    }),
    ("names in pairs", FileKind::Spec, |n| {
        spec(&format!("\"annotations\":{{{}}}", many(n, |number| format!("\"k{}\":\"v\"", number / 2))))
    }),
    ("wide letters", FileKind::Spec, |n| {
        spec(&format!("\"process\":{{{}}}", many(n, |_| "\"é\":\"漢字\",\"oomScoreAdj\":5000".into())))
    }),
    ("words to ignore", FileKind::Spec, |n| {
        spec(&format!("\"annotations\":{{\"oomshim.lint.ignore\":\"{}\"}}", "x ".repeat(n)))
    }),
    ("mounts", FileKind::Spec, |n| spec(&format!("\"mounts\":[{}]", many(n, |_| "{\"type\":\"tmpfs\"}".into())))),
    ("namespaces", FileKind::Spec, |n| {
        spec(&format!("\"linux\":{{\"namespaces\":[{}]}}", many(n, |_| "{\"type\":\"pid\"}".into())))
    }),
    ("resources", FileKind::Spec, |n| {
        let one =
            "\"resources\":{\"memory\":{\"limit\":9,\"disableOOMKiller\":true},\"unified\":{\"memory.max\":\"x\"}}";
        spec(&format!("\"linux\":{{{}}}", many(n, |_| one.into())))
    }),
    ("capabilities", FileKind::Spec, |n| {
        let sets = many(n, |_| "\"CAP_SYS_RESOURCE\"".into());
        spec(&format!("\"process\":{{\"capabilities\":{{\"bounding\":[{sets}],\"effective\":[{sets}]}}}}"))
    }),
    ("stages", FileKind::Hook, |n| {
        let stages = many(n, |_| "\"poststop\"".into());
        format!("{{\"version\":\"1.0.0\",\"hook\":{{\"path\":\"/oomshim-hook\"}},\"when\":{{}},\"stages\":[{stages}]}}")
    }),
    ("runtimes", FileKind::Dockerd, |n| {
        let runtimes = many(n, |number| format!("\"r{number}\":{{\"path\":\"x\",\"runtimeArgs\":[\"a\"]}}"));
        format!("{{\"runtimes\":{{{runtimes}}}}}")
    }),
    ("tables", FileKind::Containerd, |n| {
        let table = |number| format!("[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.r{number}]\n");
        format!("version = 3\noom_score = -999\n{}", (0..n).map(table).collect::<String>())
    }),
    ("runtimes of CRI-O", FileKind::Crio, |n| {
        let table = |number| format!("[crio.runtime.runtimes.r{number}]\nruntime_path = '/oomshim'\n");
        (0..n).map(table).collect()
    }),
    ("keys of podman", FileKind::ContainersConf, |n| {
        let key = |number| format!("runtime_supports_nocgroups{number} = ['x']\n");
        format!("[engine]\n{}", (0..n).map(key).collect::<String>())
    }),
    ("settings of a unit", FileKind::Unit, |n| {
        let one = "ExecStart=/usr/bin/env dockerd\nOOMPolicy=kill\nOOMScoreAdjust=-1000\nMemoryMax=1G\n";
        format!("[Service]\n{}", one.repeat(n))
    }),
    ("sections of a unit", FileKind::Unit, |n| "[Service]\nOOMScoreAdjust=5\nExecStart=dockerd\n".repeat(n)),
    ("services", FileKind::Compose, |n| {
        let one = |number| format!("  s{number}: {{image: x, oom_score_adj: -2000, mem_limit: x}}\n");
        format!("services:\n{}", (0..n).map(one).collect::<String>())
    }),
    ("scores in inspect output", FileKind::Inspect, |n| {
        let scores = many(n, |_| "\"oomScoreAdj\":5000".into());
        format!("{{\"info\":{{\"runtimeSpec\":{}}}}}", spec(&format!("\"process\":{{{scores}}}")))
    }),
    ("comments", FileKind::Buildkitd, |n| "# oomshim: ignore[x]\n\n".repeat(n)),
];

fn processor_time() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    Duration::new(time.tv_sec().try_into().unwrap(), time.tv_nsec().try_into().unwrap())
}

/// The shorter of two times, which nothing else made longer.
fn measure(work: impl Fn()) -> Duration {
    let one = || {
        let begun = processor_time();
        work();
        processor_time().saturating_sub(begun)
    };
    (0..2).map(|_| one()).min().unwrap()
}

fn grows_linearly(what: &str, work: impl Fn(FileKind, &str)) {
    for (shape, kind, text) in SHAPES {
        // As many as it takes to measure something, and more than the rounds of fixes take away.
        let mut count = 1000;
        let mut small = measure(|| work(*kind, &text(count)));
        while small < LEAST && count < 25_600 {
            count *= 2;
            small = measure(|| work(*kind, &text(count)));
        }
        let large = measure(|| work(*kind, &text(count * TIMES)));
        let ratio = large.as_secs_f64() / small.max(LEAST).as_secs_f64();
        assert!(ratio < MOST, "{what} {shape}: {TIMES} times {count} take {ratio:.1} times {small:?}");
    }
}

#[test]
fn judging_is_linear() {
    grows_linearly("judging", |kind, text| {
        let outcome = lint::bytes("x".as_ref(), text.as_bytes(), Some(kind), &Options::default()).unwrap();
        assert!(
            outcome.findings.len() < 60 * lint::rules::ALL.len(),
            "{} findings of one file",
            outcome.findings.len()
        );
    });
}

#[test]
fn fixing_and_its_diff_are_linear() {
    let options = Options { fixes: Fixes::Changes, ..Options::default() };
    grows_linearly("fixing", |kind, text| {
        let fixed = fix::fix(Path::new("x"), text.as_bytes(), Some(kind), &options, Safety::Unsafe).unwrap();
        let change = Change { path: PathBuf::from("x"), made: fixed.made, texts: (text.into(), fixed.bytes) };
        diff::write(&change, false, &mut std::io::sink()).unwrap();
    });
}
