//! `oomshim rank` and `oomshim report` against real kills: random populations in a memory cgroup of this machine, either
//! version; the first victim that rank names must be the kernel's, and report must tell the kill rightly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why"
)]

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How many populations; the VM's scenario `rank-victims` does fifty, with group kills and negative scores.
const ROUNDS: u64 = 12;

const MIB: u64 = 1 << 20;

/// A cgroup of this test, below the memory controller of either version; it goes with everything in it.
struct Cgroup {
    directory: PathBuf,
    children: Vec<PathBuf>,
    is_v2: bool,
}

impl Cgroup {
    /// None where nobody may make cgroups: loud for a person, a failure in CI.
    fn make(name: &str) -> Option<Cgroup> {
        let is_v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let root = if is_v2 { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/memory" };
        let directory = Path::new(root).join(format!("oomshim-{name}-{}", std::process::id()));
        if let Err(error) = fs::create_dir(&directory) {
            assert!(std::env::var_os("CI").is_none(), "cannot make the cgroup {}: {error}", directory.display());
            eprintln!("\n*** NOT TESTED: no memory cgroup can be made here: {error} ***\n");
            return None;
        }
        let mut cgroup = Cgroup { directory, children: Vec::new(), is_v2 };
        if is_v2 {
            fs::write(cgroup.directory.join("cgroup.subtree_control"), "+memory").unwrap();
        }
        for child in ["a", "b", "trigger"] {
            let path = cgroup.directory.join(child);
            fs::create_dir(&path).unwrap();
            cgroup.children.push(path);
        }
        Some(cgroup)
    }

    fn file(&self, v2: &str, v1: &str) -> PathBuf {
        self.directory.join(if self.is_v2 { v2 } else { v1 })
    }

    fn usage(&self) -> u64 {
        let text = fs::read_to_string(self.file("memory.current", "memory.usage_in_bytes")).unwrap();
        text.trim().parse().unwrap()
    }

    fn limit(&self, bytes: u64) {
        fs::write(self.file("memory.max", "memory.limit_in_bytes"), bytes.to_string()).unwrap();
        // Swap would swallow what is to run out.
        let _ = fs::write(self.directory.join("memory.swap.max"), "0");
        let _ = fs::write(self.directory.join("memory.swappiness"), "0");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for path in self.children.iter().chain([&self.directory]) {
            let _ = fs::remove_dir(path);
        }
    }
}

/// A process in a cgroup that holds so much memory, with a score.
struct Hog(Child);

impl Hog {
    fn start(program: &Path, mib: u64, score: u64, cgroup: &Path) -> Hog {
        let script = "echo $$ > $0/cgroup.procs && echo $1 > /proc/self/oom_score_adj && exec $2 $3";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(cgroup).arg(score.to_string()).arg(program).arg(mib.to_string());
        Hog(command.stdout(Stdio::null()).spawn().unwrap())
    }

    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    fn wait_for(&self, mib: u64) {
        let until = Instant::now() + Duration::from_mins(1);
        while self.resident() < mib * MIB {
            assert!(Instant::now() < until, "a hog did not get its memory");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program that takes memory, built once for this process.
fn hog() -> PathBuf {
    static BUILT: std::sync::Once = std::sync::Once::new();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("hog-{}/hog", std::process::id()));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/integration/vm/guest/hog.c");
    BUILT.call_once(|| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let status = Command::new("cc").args(["-O1", "-static", "-o"]).arg(&path).arg(source).status().unwrap();
        assert!(status.success());
    });
    path
}

fn oomshim(args: &[&str]) -> String {
    let output = Command::new(common::binary("oomshim")).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A generator that gives the same numbers for the same seed, so that a failure can be done again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// The event in the kernel's log that names the cgroup, if there is one.
fn reported(cgroup: &str, killed: u64) -> Option<Value> {
    let events = oomshim(&["report", "--format", "json", "--since", "5min"]);
    let mut events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about = |event: &Value| event["limit_cgroup"] == cgroup && event["killed"][0]["pid"] == killed;
    events.rfind(about)
}

#[test]
fn the_first_of_the_ranking_is_whom_the_kernel_kills() {
    let seed = std::env::var("OOMSHIM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("OOMSHIM_SEED={seed}");
    let mut random = Random(seed);
    let program = hog();
    let (mut right, mut tied) = (0, 0);
    for round in 0..ROUNDS {
        let Some(cgroup) = Cgroup::make(&format!("rank-{round}")) else { return };
        let count = 3 + random.below(4);
        let mut hogs = Vec::new();
        for _ in 0..count {
            let (mib, score) = (16 * (1 + random.below(4)), random.below(5) * 100);
            let place = &cgroup.children[usize::try_from(random.below(2)).unwrap()];
            let hog = Hog::start(&program, mib, score, place);
            hog.wait_for(mib);
            hogs.push(hog);
        }
        cgroup.limit(cgroup.usage() + 4 * MIB);
        let path = cgroup.directory.to_str().unwrap();
        let ranking: Value = serde_json::from_str(&oomshim(&["rank", "--cgroup", path, "--format", "json"])).unwrap();
        assert_eq!(ranking["killable"], count, "{ranking}");
        let named = ranking["victim"]["pid"].as_u64().unwrap();
        // It needs more than is left, and is smaller than anything else when that shows.
        let trigger = Hog::start(&program, 16, 0, &cgroup.children[2]);
        let until = Instant::now() + Duration::from_mins(1);
        let dead = loop {
            let dead = hogs.iter_mut().position(|hog| hog.0.try_wait().unwrap().is_some());
            if let Some(dead) = dead {
                break hogs[dead].0.id();
            }
            assert!(Instant::now() < until, "round {round}: nothing was killed");
            std::thread::sleep(Duration::from_millis(5));
        };
        let close = ranking["close"].as_array().unwrap();
        if close.contains(&dead.into()) {
            // The kernel's counters cannot tell these apart either, and rank said so.
            tied += 1;
        } else {
            assert_eq!(u64::from(dead), named, "round {round} of seed {seed}: {ranking:#}");
            right += 1;
        }
        drop(trigger);
        let inner = format!("/{}", cgroup.directory.file_name().unwrap().to_str().unwrap());
        let event = reported(&inner, u64::from(dead));
        // The kernel leaves the line that names the cgroup out of kills that come fast.
        if let Some(event) = event {
            assert_eq!(
                (event["cause"].as_str(), event["killed"].as_array().unwrap().len()),
                (Some("shared-limit"), 1),
                "{event:#}"
            );
        }
    }
    println!(
        "of {ROUNDS} first victims {right} were named, and {tied} were among those that were called too close to tell"
    );
    assert!(right > tied, "most populations have one that stands out");
}

#[test]
fn a_follower_tells_a_kill_when_it_happens() {
    let Some(cgroup) = Cgroup::make("follow") else { return };
    let output = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(common::binary("oomshim"));
    command.args(["report", "--follow", "--format", "json", "--since", "0s"]).stdout(output.reopen().unwrap());
    let _follower = Hog(command.spawn().unwrap());
    cgroup.limit(32 * MIB);
    let mut hog = Hog::start(&hog(), 64, 300, &cgroup.children[0]);
    let pid = hog.0.id();
    assert!(!hog.0.wait().unwrap().success());
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let text = fs::read_to_string(output.path()).unwrap();
        let mut events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(event) = events.find(|event| event["killed"][0]["pid"] == pid) {
            assert_eq!(
                (&event["killed"][0]["name"], &event["killed"][0]["oom_score_adj"]),
                (&"hog".into(), &300.into()),
                "{event:#}"
            );
            break;
        }
        assert!(Instant::now() < until, "the kill was not told: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
