//! How fast ten thousand real specs are linted, beside a parser that only parses them and a validator that is started
//! once for each.
//!
//! `OCI_RUNTIME_TOOL=/path/to/oci-runtime-tool cargo bench --bench lint`. Without the variable the tool is looked for
//! in PATH; where it is not found, that is said and nothing is compared with it. `benches/oci-runtime-tool` pins it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark talks to a person"
)]

use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use oomshim::lint::{self, Options};

const SPECS: usize = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus: Vec<Vec<u8>> = fs::read_dir(repository.join("testdata/specs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| fs::read(path).unwrap())
        .collect();
    let specs: Vec<&[u8]> = corpus.iter().cycle().take(SPECS).map(Vec::as_slice).collect();
    let megabytes = specs.iter().map(|spec| spec.len()).sum::<usize>() as f64 / 1e6;
    println!("{SPECS} specs of {} real ones, {megabytes:.1} MB, best of {ROUNDS} rounds, one core", corpus.len());

    let options = Options::default();
    let name = Path::new("config.json");
    let (mut parse, mut judge) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        parse = parse.min(time(|| {
            for spec in &specs {
                black_box(serde_json::from_slice::<serde_json::Value>(spec).unwrap());
            }
        }));
        judge = judge.min(time(|| {
            for spec in &specs {
                black_box(lint::bytes(name, spec, None, &options).unwrap());
            }
        }));
    }
    line("serde_json into Value", parse, megabytes);
    line("oomshim::lint", judge, megabytes);
    println!("  lint / parse: {:.2} (aim: at most 2)", judge / parse);

    let directory = tempfile::tempdir().unwrap();
    for (number, spec) in specs.iter().enumerate() {
        let bundle = directory.path().join(number.to_string());
        fs::create_dir_all(bundle.join("rootfs")).unwrap();
        fs::write(bundle.join("config.json"), spec).unwrap();
    }
    let whole = (0..3).map(|_| time(|| tool(directory.path()))).fold(f64::MAX, f64::min);
    line("oomshim lint DIRECTORY, one process, all cores, files read", whole, megabytes);
    validator(directory.path(), whole / SPECS as f64);
}

fn tool(directory: &Path) {
    let status = Command::new(env!("CARGO_BIN_EXE_oomshim")).arg("lint").arg(directory).stdout(Stdio::null()).status();
    assert_eq!(status.unwrap().code(), Some(1));
}

/// One process for each file, as `oci-runtime-tool validate` is used.
fn validator(directory: &Path, ours: f64) {
    const RUNS: usize = 200;
    let tool = std::env::var_os("OCI_RUNTIME_TOOL").unwrap_or_else(|| OsString::from("oci-runtime-tool"));
    let bundles: Vec<PathBuf> = (0..RUNS).map(|number| directory.join(number.to_string())).collect();
    let one = |bundle: &PathBuf| Command::new(&tool).arg("validate").arg("--path").arg(bundle).output();
    if let Err(error) = one(&bundles[0]) {
        println!("oci-runtime-tool is NOT compared with: {} cannot be started: {error}", tool.display());
        return;
    }
    let each = time(|| bundles.iter().for_each(|bundle| drop(black_box(one(bundle).unwrap())))) / RUNS as f64;
    println!("{:55} {:9.0} specs/s ({RUNS} of them)", "oci-runtime-tool validate, one process each", 1.0 / each);
    println!("  oomshim lint takes 1/{:.0} of its time for each", each / ours);
}

fn time(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn line(what: &str, seconds: f64, megabytes: f64) {
    println!("{what:55} {:9.0} specs/s {:8.0} MB/s", SPECS as f64 / seconds, megabytes / seconds);
}
