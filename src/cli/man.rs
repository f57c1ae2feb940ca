//! `oomshim man`: the man pages, generated from the command lines themselves.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::{Cli, Exit, hook};

/// The command line of `oomshim man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory, which must exist
    directory: PathBuf,
}

/// Writes the pages of `oomshim`, its subcommands, `oomshim-hook` and `oomshim-runc`.
///
/// # Errors
/// Where a page cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    for command in [Cli::command(), hook::Cli::command(), runtime()] {
        clap_mangen::generate_to(command, &args.directory)
            .with_context(|| format!("write to {}", args.directory.display()))?;
    }
    Ok(Exit::Success)
}

/// `oomshim-runc` as a page has it. The program has no command line of its own: it takes the real runtime's.
fn runtime() -> clap::Command {
    let arguments = clap::Arg::new("ARGUMENTS")
        .num_args(0..)
        .help("What the real runtime takes: runc's, crun's, youki's or runsc's");
    clap::Command::new("oomshim-runc")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Is an OCI runtime: gives the container its score and memory settings, and becomes the real runtime")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(arguments)
        .after_long_help(RUNTIME)
}

const RUNTIME: &str = "\
create, run and restore get the score, memory.oom.group and limits of the container's class into config.json before the \
real runtime reads it. exec gets the score of the container's first process. Every other subcommand goes through as it is. \
A running container is not touched.

The real runtime is `path` under [runtime] in the policy. Without it: the first of buildkit-runc, runc, crun and youki, in \
PATH and then in the usual directories, that is not oomshim. Called by the name of one of them, or with `oomshim-` before it, \
that one comes first.

Nothing is written to standard output, nor to standard error or the file of --log while the real runtime will run. What was \
done is in the journal: journalctl -t oomshim.

EXIT STATUS: the real runtime's. Where it was not started: 1, and 255 for exec, with a line that begins with `oomshim:` on \
standard error and in the file of --log. That happens where the policy has a mistake, where there is no runtime, and under \
`strict = true` where the score cannot be given.

ENVIRONMENT: OOMSHIM_POLICY names another policy file. An engine may not hand it on: podman's conmon starts the runtime \
without it.

FILES: /etc/oomshim/policy.toml is the policy; without it the built-in one holds. /run/oomshim has a record of each \
container, for `oomshim report` and `oomshim rank`.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file;

    #[test]
    fn every_program_has_its_page() {
        let directory = tempfile::tempdir().unwrap();
        run(&Args { directory: directory.path().to_owned() }).unwrap();
        let page = |name: &str| std::fs::read_to_string(directory.path().join(format!("{name}.1"))).unwrap();
        assert!(page("oomshim-protect").contains("127"));
        assert!(page("oomshim-hook").contains("precreate"));
        let runtime = page("oomshim-runc");
        // What the page repeats of the code, it repeats rightly.
        let status = crate::runtime::failure::exit_status(Some(crate::runtime::flavor::Subcommand::Exec));
        for word in [file::VARIABLE, file::DEFAULT_PATH, crate::registry::ROOT, &status.to_string()] {
            assert!(runtime.replace("\\-", "-").contains(word), "{word}: {runtime}");
        }
    }
}
