//! `make bench`: what the shim costs, as whole processes, interleaved in one run.
//!
//! The measure is a ratio, because times depend on the machine: the time that a call takes beyond starting the runtime
//! directly, against what a static C program that does nothing but execve takes beyond it. The runtime is a static
//! program that returns at once, so nothing hides the difference.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends when it cannot measure"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
    times: Vec<Duration>,
}

fn main() {
    let rounds = std::env::var("BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let runtime = compile(directory.path(), "runtime", RUNTIME, None);
    let launcher = compile(directory.path(), "launcher", LAUNCHER, Some(&runtime));
    fs::create_dir(at("b")).unwrap();
    let policy = include_str!("../hooks/policy.toml")
        .replace("# path = \"/usr/bin/runc\"", &format!("path = \"{}\"", runtime.display()))
        .replace("to = \"journald\"", "to = \"off\"");
    fs::write(at("policy.toml"), policy).unwrap();
    let shim = std::env::var_os("OOMSHIM_BIN_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_oomshim-runc")),
        |dir| fs::canonicalize(Path::new(&dir).join("oomshim-runc")).unwrap(),
    );
    let bundle = at("b").to_str().unwrap().to_owned();
    let create = || vec!["create".to_owned(), "--bundle".to_owned(), bundle.clone(), "id".to_owned()];
    let case = |name, program: &Path, args: Vec<String>, spec, budget| Case {
        name,
        program: program.to_owned(),
        args,
        spec,
        budget,
        times: Vec::new(),
    };
    let state = || vec!["state".to_owned(), "id".to_owned()];
    let mut cases = [
        case("the runtime directly", &runtime, state(), None, None),
        case("C, only execve", &launcher, state(), None, None),
        case("oomshim-runc state", &shim, state(), None, Some(PASS)),
        case("oomshim-runc create, 10 KiB, edit needed", &shim, create(), Some(spec(10, false)), Some(CREATE)),
        case("oomshim-runc create, 10 KiB, already there", &shim, create(), Some(spec(10, true)), None),
        case("oomshim-runc create, 100 KiB, edit needed", &shim, create(), Some(spec(100, false)), None),
        case("oomshim-runc create, 100 KiB, already there", &shim, create(), Some(spec(100, true)), None),
    ];
    for round in 0..rounds + 20 {
        for case in &mut cases {
            if let Some(spec) = &case.spec {
                let config = at("b").join("config.json");
                let _ = fs::remove_file(&config);
                fs::write(config, spec).unwrap();
            }
            let mut command = Command::new(&case.program);
            command.args(&case.args).env_clear().env("PATH", "/usr/bin:/bin").env("OOMSHIM_POLICY", at("policy.toml"));
            command.stdin(Stdio::null()).stdout(Stdio::null());
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

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn print(cases: &mut [Case], rounds: usize) {
    let medians: Vec<f64> = cases.iter_mut().map(|case| median(&mut case.times)).collect();
    let (direct, launcher) = (medians[0], medians[1]);
    println!("medians of {rounds} interleaved rounds; the ratio is to what C takes beyond the runtime\n");
    println!("| | median | beyond the runtime | ratio | budget |\n| --- | ---: | ---: | ---: | ---: |");
    for (case, median) in cases.iter().zip(&medians) {
        let beyond = median - direct;
        let ratio = beyond / (launcher - direct);
        let budget = case.budget.map_or(String::new(), |budget| format!("{budget:.1}"));
        println!("| {} | {median:.0} µs | {beyond:.0} µs | {ratio:.2} | {budget} |", case.name);
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
