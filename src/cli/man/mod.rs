//! `oomshim man`: the man pages, generated from the command lines themselves.

mod markdown;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{Cli, Exit, hook};

/// The command line of `oomshim man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory, which must exist
    directory: PathBuf,
}

/// Where the pages come from, at the foot of each.
const SOURCE: &str = concat!("oomshim ", env!("CARGO_PKG_VERSION"));

/// The pages that are no command's: name, section, what NAME says, and the document that is the text.
const DOCUMENTS: &[(&str, &str, &str, &str)] = &[
    (
        "oomshim-policy.toml",
        "5",
        "which oom_score_adj and memory settings containers get",
        include_str!("../../../docs/policy.md"),
    ),
    ("oomshim-rules", "7", "what oomshim lint looks for", include_str!("../../../docs/rules.md")),
    ("oomshim-limitations", "7", "what oomshim does not do", include_str!("../../../docs/limitations.md")),
];

/// Writes the pages of `oomshim`, its subcommands, `oomshim-hook`, `oomshim-runc`, the policy and the rules, each as
/// NAME.SECTION.
///
/// The pages are dated by `SOURCE_DATE_EPOCH` where it is set, so that a package can be built twice with the same bytes.
///
/// # Errors
/// Where a page cannot be written, and where `SOURCE_DATE_EPOCH` is no time.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let date = date()?;
    for command in [Cli::command(), hook::Cli::command(), runtime()] {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        write_commands(&command, &date, &args.directory)?;
    }
    for &(name, section, about, text) in DOCUMENTS {
        let mut page = Roff::new();
        page.control("TH", [name, section, &*date, SOURCE, "oomshim"]);
        page.control("SH", ["NAME"]);
        page.text([roman(format!("{name} - {about}"))]);
        page.control("SH", ["DESCRIPTION"]);
        markdown::append(&mut page, text);
        if section == "5" {
            page.control("SH", ["THE BUILT-IN POLICY"]);
            markdown::append_literal(&mut page, include_str!("../../../hooks/policy.toml"));
            page.control("SH", ["FILES"]);
            page.text([roman(crate::policy::file::DEFAULT_PATH)]);
        }
        write(&args.directory.join(format!("{name}.{section}")), page.render().as_bytes())?;
    }
    Ok(Exit::Success)
}

/// The page of a command and those of its subcommands. The title is the name of the file, so that `man oomshim-report`
/// says what it shows; clap's own title is the bare subcommand.
fn write_commands(command: &clap::Command, date: &str, directory: &Path) -> anyhow::Result<()> {
    for subcommand in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write_commands(subcommand, date, directory)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    Man::new(command.clone())
        .title(&*name)
        .date(date)
        .source(SOURCE)
        .manual("oomshim")
        .render(&mut page)
        .context("make a page")?;
    write(&directory.join(format!("{name}.1")), &page)
}

/// The day of `SOURCE_DATE_EPOCH` (seconds, <https://reproducible-builds.org/specs/source-date-epoch/>), or today.
fn date() -> anyhow::Result<String> {
    let time = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .with_context(|| format!("SOURCE_DATE_EPOCH is {text:?}, which is no number of seconds"))?,
        Err(_) => jiff::Timestamp::now(),
    };
    Ok(time.strftime("%Y-%m-%d").to_string())
}

fn write(path: &Path, page: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, page).with_context(|| format!("write {}", path.display()))
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
        assert!(
            page("oomshim-report").contains(&format!(".TH oomshim-report 1 {}", date().unwrap())),
            "{}",
            page("oomshim-report")
        );
        let policy = std::fs::read_to_string(directory.path().join("oomshim-policy.toml.5")).unwrap();
        assert!(policy.starts_with(".ie"), "{policy}");
        assert!(policy.contains("above_engine"));
        let runtime = page("oomshim-runc");
        // What the page repeats of the code, it repeats rightly.
        let status = crate::runtime::failure::exit_status(Some(crate::runtime::flavor::Subcommand::Exec));
        for word in [file::VARIABLE, file::DEFAULT_PATH, crate::registry::ROOT, &status.to_string()] {
            assert!(runtime.replace("\\-", "-").contains(word), "{word}: {runtime}");
        }
    }
}
