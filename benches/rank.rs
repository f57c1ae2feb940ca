//! `oomshim rank` over 100 000 processes, against merely reading the same files by as many threads.
//!
//! The processes are files in a temporary directory. Fails when ranking takes a second or more, or twice the reading.
#![allow(missing_docs, reason = "a benchmark has no interface")]
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and ends where it cannot go on")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use oomshim::rank::{Question, rank, task};
use oomshim::system::host::Roots;
use oomshim::system::process::Process;

const PROCESSES: u32 = 100_000;
const RUNS: usize = 5;

fn populate(proc: &Path) {
    fs::create_dir_all(proc.join("sys/kernel")).unwrap();
    fs::write(proc.join("sys/kernel/osrelease"), "6.12.0\n").unwrap();
    fs::write(proc.join("meminfo"), "MemTotal: 263000000 kB\nSwapTotal: 0 kB\n").unwrap();
    for pid in 1..=PROCESSES {
        let directory = proc.join(pid.to_string());
        fs::create_dir(&directory).unwrap();
        let kib = u64::from(pid) * 7919 % 100_003;
        let mut status =
            format!("Name:\tp{pid}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t1\n");
        _ = write!(
            status,
            "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nVmPeak:\t{kib} kB\nVmSize:\t{kib} kB\nVmRSS:\t{kib} kB\n"
        );
        _ = write!(
            status,
            "RssAnon:\t{kib} kB\nRssFile:\t0 kB\nRssShmem:\t0 kB\nVmPTE:\t44 kB\nVmSwap:\t0 kB\nThreads:\t1\n"
        );
        // The rest of what the kernel writes there.
        status.push_str(&"SigQ:\t0/95884\nSigPnd:\t0000000000000000\n".repeat(14));
        fs::write(directory.join("status"), status).unwrap();
        fs::write(directory.join("oom_score_adj"), "0\n").unwrap();
    }
}

/// Reads what rank has to read of every process, and does nothing with it.
fn merely_read(proc: &Path) {
    let pids = task::list(proc).unwrap();
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for part in pids.chunks(pids.len().div_ceil(workers)) {
            scope.spawn(move || {
                let mut buffer = Vec::new();
                for &pid in part {
                    let process = Process::open(proc, pid).unwrap();
                    process.read_into("status", &mut buffer).unwrap();
                    process.read_into("oom_score_adj", &mut buffer).unwrap();
                }
            });
        }
    });
}

fn best(mut work: impl FnMut()) -> Duration {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

fn main() {
    let root = tempfile::Builder::new().tempdir_in("/dev/shm").unwrap();
    let proc = root.path().join("proc");
    populate(&proc);
    let roots = Roots { proc: proc.clone(), cgroup: root.path().join("cgroup") };
    let question = Question { count: 20, ..Question::default() };
    let reading = best(|| merely_read(&proc));
    let ranking = best(|| {
        let ranking = rank(&roots, root.path(), &question).unwrap();
        assert!(ranking.killable >= 99_990, "{}", ranking.killable);
    });
    let ratio = ranking.as_secs_f64() / reading.as_secs_f64();
    println!(
        "{PROCESSES} processes: ranked in {ranking:?}, read in {reading:?}: {ratio:.2} times (limits: 1 s, 2.00 times)"
    );
    assert!(ranking < Duration::from_secs(1) && ratio < 2.0, "over the limits");
}
