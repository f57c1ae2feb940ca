//! `make bench`: what the shim costs, as whole processes, interleaved in one run.
//!
//! The measure is a ratio, because times depend on the machine: the time that a call takes beyond starting the runtime
//! directly, against what a static C program that does nothing but execve takes beyond it. The runtime is a static
//! program that returns at once, so nothing hides the difference.
//!
//! /run is a tmpfs in a mount namespace of the benchmark's own, as it is on real hosts; one row shows what a record costs
//! where it is a file on the disk. With `OOMSHIM_BENCH_BEFORE=OTHER/oomshim-runc` another build is measured in the same run; `OOMSHIM_BENCH_POLICY` names a
//! policy that both can read, where that build is older than a key of the shipped one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends when it cannot measure"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

const RUNTIME: &str = "int main(void) { return 0; }\n";
const LAUNCHER: &str = "#include <unistd.h>\nextern char **environ;\n\
    int main(int argc, char **argv) { (void)argc; argv[0] = RUNTIME; execve(RUNTIME, argv, environ); return 1; }\n";

/// The budgets of docs/architecture.md, as ratios to the C program.
const PASS: f64 = 1.3;
const CREATE: f64 = 2.0;

struct Case {
    name: &'static str,
    program: PathBuf,
    args: Vec<String>,
    spec: Option<Vec<u8>>,
    budget: Option<f64>,
    run: Run,
    times: Vec<Duration>,
}

/// What /run is on, where the records go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Tmpfs,
    Disk,
}

/// The two mount namespaces, one for each [`Run`].
struct Namespaces {
    tmpfs: File,
    disk: File,
}

impl Namespaces {
    /// Makes them; `disk` is a directory on the disk. Nothing of it is seen outside of this process and its children.
    fn new(disk: &Path) -> Namespaces {
        let own = || File::open("/proc/self/ns/mnt").expect("/proc is mounted");
        let fresh = |source: &Path, kind: Option<&str>, flags| {
            unshare(CloneFlags::CLONE_NEWNS).expect("only root can make a mount namespace");
            let nothing = None::<&str>;
            mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
            mount(Some(source), "/run", kind, flags, nothing).unwrap();
            own()
        };
        let before = own();
        let tmpfs = fresh(Path::new("tmpfs"), Some("tmpfs"), MsFlags::empty());
        setns(&before, CloneFlags::CLONE_NEWNS).unwrap();
        Namespaces { tmpfs, disk: fresh(disk, None, MsFlags::MS_BIND) }
    }

    fn enter(&self, run: Run) {
        let namespace = if run == Run::Tmpfs { &self.tmpfs } else { &self.disk };
        setns(namespace, CloneFlags::CLONE_NEWNS).unwrap();
    }
}

fn main() {
    let rounds = std::env::var("BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let runtime = compile(directory.path(), "runtime", RUNTIME, None);
    let launcher = compile(directory.path(), "launcher", LAUNCHER, Some(&runtime));
    fs::create_dir(at("b")).unwrap();
    let shipped = include_str!("../hooks/policy.toml").to_owned();
    let policy = std::env::var_os("OOMSHIM_BENCH_POLICY")
        .map_or(shipped, |path| fs::read_to_string(path).unwrap())
        .replace("# path = \"/usr/bin/runc\"", &format!("path = \"{}\"", runtime.display()))
        .replace("to = \"journald\"", "to = \"off\"");
    fs::write(at("policy.toml"), policy).unwrap();
    let shim = std::env::var_os("OOMSHIM_BIN_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_oomshim-runc")),
        |dir| fs::canonicalize(Path::new(&dir).join("oomshim-runc")).unwrap(),
    );
    fs::create_dir(at("run")).unwrap();
    let namespaces = Namespaces::new(&at("run"));
    let bundle = at("b").to_str().unwrap().to_owned();
    let create_as = |id: &str| vec!["create".to_owned(), "--bundle".to_owned(), bundle.clone(), id.to_owned()];
    let create = || create_as("id");
    let case = |name, program: &Path, args: Vec<String>, spec, budget| Case {
        name,
        program: program.to_owned(),
        args,
        spec,
        budget,
        run: Run::Tmpfs,
        times: Vec::new(),
    };
    let state = |id: &str| vec!["state".to_owned(), id.to_owned()];
    let mut cases = vec![
        case("the runtime directly", &runtime, state("id"), None, None),
        case("C, only execve", &launcher, state("id"), None, None),
        case("state", &shim, state("id"), None, Some(PASS)),
        case("state, no record: the policy is read", &shim, state("unknown"), None, None),
        case("create, 10 KiB, edit needed", &shim, create(), Some(spec(10, false)), Some(CREATE)),
        case("create, 10 KiB, already there", &shim, create(), Some(spec(10, true)), None),
        case("create, 100 KiB, edit needed", &shim, create(), Some(spec(100, false)), None),
        case("create, 100 KiB, already there", &shim, create(), Some(spec(100, true)), None),
        Case {
            run: Run::Disk,
            ..case("create, 10 KiB, edit needed, record on the disk", &shim, create(), Some(spec(10, false)), None)
        },
    ];
    if let Some(before) = std::env::var_os("OOMSHIM_BENCH_BEFORE").map(PathBuf::from) {
        // An id of its own: another version's record may be none to this one.
        cases.push(case("before: state", &before, state("before"), None, None));
        cases.push(case("before: state, no record", &before, state("unknown"), None, None));
        let create = create_as("before");
        cases.push(case("before: create, 10 KiB, edit needed", &before, create, Some(spec(10, false)), None));
    }
    // `state` goes by the record that a create made.
    namespaces.enter(Run::Tmpfs);
    for case in cases.iter().filter(|case| case.spec.is_some()).take(1) {
        fs::write(at("b").join("config.json"), case.spec.as_ref().unwrap()).unwrap();
        assert!(command(case, &at("policy.toml")).status().unwrap().success());
    }
    for round in 0..rounds + 20 {
        for case in &mut cases {
            if let Some(spec) = &case.spec {
                let config = at("b").join("config.json");
                let _ = fs::remove_file(&config);
                fs::write(config, spec).unwrap();
            }
            namespaces.enter(case.run);
            let mut command = command(case, &at("policy.toml"));
            let begin = Instant::now();
            let status = command.status().unwrap();
            let time = begin.elapsed();
            assert!(status.success(), "{}: {status}", case.name);
            // The first rounds warm the caches up.
            if round >= 20 {
                case.times.push(time);
            }
        }
    }
    print(&mut cases, rounds);
}

fn command(case: &Case, policy: &Path) -> Command {
    let mut command = Command::new(&case.program);
    command.args(&case.args).env_clear().env("PATH", "/usr/bin:/bin").env("OOMSHIM_POLICY", policy);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn microseconds(sorted: &[Duration], share: usize) -> f64 {
    sorted[sorted.len() / share].as_secs_f64() * 1e6
}

/// Two ratios: of the medians, and of what the fastest tenth of the rounds stayed below, which other
/// load on the machine hardly touches.
fn print(cases: &mut [Case], rounds: usize) {
    for case in cases.iter_mut() {
        case.times.sort();
    }
    let column = |share| cases.iter().map(|case| microseconds(&case.times, share)).collect::<Vec<f64>>();
    let (medians, tenths) = (column(2), column(10));
    let ratio = |times: &[f64], index: usize| (times[index] - times[0]) / (times[1] - times[0]);
    println!("{rounds} interleaved rounds; the ratios are to what C takes beyond the runtime\n");
    println!("| | median | beyond the runtime | ratio | of the fastest tenth | budget |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (index, case) in cases.iter().enumerate() {
        let (median, beyond) = (medians[index], medians[index] - medians[0]);
        let (ratio, tenth) = (ratio(&medians, index), ratio(&tenths, index));
        let budget = case.budget.map_or(String::new(), |budget| format!("{budget:.1}"));
        println!("| {} | {median:.0} µs | {beyond:.0} µs | {ratio:.2} | {tenth:.2} | {budget} |", case.name);
    }
}

/// A spec of about that many KiB: a captured one, with annotations added.
fn spec(kib: usize, done: bool) -> Vec<u8> {
    let mut spec: serde_json::Value =
        serde_json::from_str(include_str!("../testdata/specs/buildkit-default.json")).unwrap();
    if done {
        spec["process"]["oomScoreAdj"] = 500.into();
        spec["linux"]["resources"]["unified"]["memory.oom.group"] = "1".into();
    }
    let mut number = 0;
    while spec.to_string().len() < kib * 1024 {
        spec["annotations"][format!("org.example.annotation-{number}")] = "some value of a usual length".into();
        number += 1;
    }
    spec.to_string().into_bytes()
}

fn compile(directory: &Path, name: &str, source: &str, runtime: Option<&Path>) -> PathBuf {
    let (code, program) = (directory.join(format!("{name}.c")), directory.join(name));
    fs::write(&code, source).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-static", "-o"]).arg(&program).arg(&code);
    cc.args(runtime.map(|path| format!("-DRUNTIME=\"{}\"", path.display())));
    assert!(cc.status().expect("cc, a C compiler, is needed").success());
    program
}
