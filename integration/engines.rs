//! Real engines start real containers through the built `oomshim-runc` and `oomshim-hook`. Each scenario does the same
//! with the plain runtime first, so that it judges the shim and not the machine, and reads the score inside the
//! container.
//!
//!     cargo test --test engines                      all engines
//!     cargo test --test engines podman               those whose name has that word
//!     cargo test --test engines -- --list
//!
//! The engines come from Debian (`integration/engines/install`), the newest ones from `integration/tools/build`
//! (`target/tools/bin`, or the directory in `OOMSHIM_TOOLS_DIR`). Daemons listen on unix sockets in a temporary directory, keep
//! their data there, and end with the last scenario that needs them. An engine that is missing is skipped loudly; where
//! CI is set it is a failure.
#![allow(clippy::print_stderr, reason = "a skipped engine is said to the person who runs this")]

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

mod engines {
    pub(crate) mod buildkitd;
    pub(crate) mod containerd;
    pub(crate) mod docker;
    pub(crate) mod doctor;
    pub(crate) mod installed;
    pub(crate) mod podman;
    pub(crate) mod snippets;
    pub(crate) mod support;
}

use engines::support::{self, Scenario, Suite};
use engines::{buildkitd, containerd, docker, doctor, installed, podman, snippets};

/// An engine: its name in the list of tests, the programs that it consists of, and what is tried with it.
struct Engine {
    name: &'static str,
    needs: &'static [&'static str],
    scenarios: fn(&Arc<Suite>) -> Vec<Scenario>,
}

/// Every engine. A file in `engines/` that is in no line here fails the suite.
const ENGINES: &[Engine] = &[
    Engine { name: "buildkitd", needs: buildkitd::NEEDS, scenarios: buildkitd::scenarios },
    Engine { name: "containerd", needs: containerd::NEEDS, scenarios: containerd::scenarios_of_debian },
    Engine { name: "containerd-newest", needs: containerd::NEEDS_NEWEST, scenarios: containerd::scenarios_of_newest },
    Engine { name: "docker", needs: docker::NEEDS, scenarios: docker::scenarios_of_debian },
    Engine { name: "docker-newest", needs: docker::NEEDS_NEWEST, scenarios: docker::scenarios_of_newest },
    Engine { name: "doctor", needs: doctor::NEEDS, scenarios: doctor::scenarios },
    Engine { name: "installed", needs: installed::NEEDS, scenarios: installed::scenarios },
    Engine { name: "podman-crun", needs: podman::NEEDS_CRUN, scenarios: podman::scenarios_with_crun },
    Engine { name: "podman-runc", needs: podman::NEEDS_RUNC, scenarios: podman::scenarios_with_runc },
    Engine { name: "snippets", needs: &[], scenarios: snippets::scenarios },
    Engine { name: "snippets-read", needs: snippets::NEEDS_ENGINES, scenarios: snippets::scenarios_of_engines },
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let suite = match support::give_up_sys_resource().and_then(|()| Suite::new()) {
        Ok(suite) => Arc::new(suite),
        Err(error) => {
            eprintln!("engines: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = vec![Trial::test("every engine's file is in the list", every_file_is_in_the_list)];
    for engine in ENGINES {
        let missing = suite.missing(engine.needs);
        if missing.is_none() {
            let scenarios = (engine.scenarios)(&suite);
            trials.extend(scenarios.into_iter().map(|scenario| scenario.trial(engine.name)));
            continue;
        }
        let why = missing.unwrap_or_default();
        eprintln!("\n*** NOT TESTED: {}: {why} ***\n", engine.name);
        let ignored = std::env::var_os("CI").is_none();
        trials.push(
            Trial::test(format!("{}: {why}", engine.name), move || Err(Failed::from(why))).with_ignored_flag(ignored),
        );
    }
    let directory = suite.path().to_owned();
    drop(suite);
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    // Every engine has ended by now, and the directory with it, unless something still holds it.
    if directory.exists() {
        eprintln!("engines: {} could not be removed: something is still mounted or running there", directory.display());
        return ExitCode::FAILURE;
    }
    exit
}

fn every_file_is_in_the_list() -> Result<(), Failed> {
    let directory = support::repository().join("integration/engines");
    let list = std::fs::read_to_string(support::repository().join("integration/engines.rs"))?;
    let mut files = 0;
    for entry in std::fs::read_dir(&directory)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        files += 1;
        let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !list.contains(&format!("scenarios: {module}::scenarios")) {
            return Err(Failed::from(format!("ENGINES has no line for {}", path.display())));
        }
    }
    if files < 5 { Err(Failed::from("found too few files of engines")) } else { Ok(()) }
}
