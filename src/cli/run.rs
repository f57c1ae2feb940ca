//! `oomshim run`: a job in its own cgroup, with its own temporary directories.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};

use super::Exit;
use crate::policy::class::{Class, Size};
use crate::policy::{self, Policy};
use crate::report::collect;
use crate::report::source;
use crate::run::child::Strictness;
use crate::run::evidence::{Largest, is_of_job};
use crate::run::outcome::Outcome;
use crate::run::parent::Wish;
use crate::run::settings::{Temporary, TmpfsOption, Wanted, settings};
use crate::run::{Isolation, Request, RunError, peaks, run as run_job};
use crate::system::meminfo::Meminfo;
use crate::text::escape;

/// The command line of `oomshim run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "SIZE is bytes, a number with K, M, G or T (powers of 1024), or a share of the RAM such as 40%. Of two \
                        limits, the class's and the option's, the lower one holds.\n\nWhat cannot be had on this machine \
                        is said on standard error once, and the command runs all the same; --strict refuses.\n\nExit \
                        status: the command's own, or 128 and the number of the signal that ended it. Where it was not \
                        started, as with env(1): 127 if there is no such command, 126 if it cannot be executed, 125 if \
                        oomshim failed or --strict forbids it."
)]
pub struct Args {
    /// A name for the job; no other job of that name may run
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The cgroup below which the job gets its own: the policy's, else the caller's own where it is delegated
    #[arg(long, value_name = "CGROUP")]
    parent: Option<PathBuf>,
    /// The class of the policy that says what the job gets
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// The limit of its memory (memory.max)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_max: Option<Size>,
    /// Above this it is slowed down (memory.high)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_high: Option<Size>,
    /// The limit of its swap (memory.swap.max)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    swap_max: Option<Size>,
    /// A tmpfs of its own, beside the one that /tmp, /var/tmp and /dev/shm share; may be given more than once
    #[arg(long, value_name = "PATH[:size=SIZE]", value_parser = tmpfs)]
    tmpfs: Vec<TmpfsOption>,
    /// Share the machine's /tmp, /var/tmp and /dev/shm
    #[arg(long)]
    no_tmpfs: bool,
    /// Keep this path of the machine visible, though it is below a tmpfs; may be given more than once
    #[arg(long, value_name = "PATH")]
    keep: Vec<PathBuf>,
    /// Make no namespaces: neither a tmpfs nor System V shared memory of its own; for commands that need sudo without root
    #[arg(long, conflicts_with_all = ["tmpfs", "keep"])]
    no_namespaces: bool,
    /// Start when so much memory is available: a size, or auto for what jobs of the class needed before
    #[arg(long, value_name = "SIZE|auto", value_parser = need)]
    wait_for_memory: Option<Need>,
    /// Write what the job took, and whether memory killed it, to this file as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Start nothing where not everything can be had
    #[arg(long)]
    strict: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// How much memory is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Auto,
    Size(Size),
}

fn size(text: &str) -> anyhow::Result<Size> {
    Size::parse(text).context("write bytes, a number with K, M, G or T, or a share of the RAM such as 40%")
}

fn need(text: &str) -> anyhow::Result<Need> {
    if text == "auto" { Ok(Need::Auto) } else { size(text).map(Need::Size) }
}

fn tmpfs(text: &str) -> anyhow::Result<TmpfsOption> {
    let (path, given) = match text.rsplit_once(":size=") {
        Some((path, given)) => (path, Some(size(given)?)),
        None if text.contains(':') => bail!("write PATH or PATH:size=SIZE"),
        None => (text, None),
    };
    Ok(TmpfsOption { path: path.into(), size: given })
}

/// The exit status where oomshim itself failed, as env(1) has it.
pub const FAILURE: u8 = 125;

/// The exit status for an error.
#[must_use]
pub fn status_of(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<RunError>().map_or(FAILURE, RunError::status)
}

/// Runs the job and gives its exit status.
///
/// # Errors
/// Where it was not run.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let loaded = policy::file::load(std::env::var_os(policy::file::VARIABLE).as_deref())?;
    let class = class(args, &loaded.policy)?;
    let memory = Meminfo::read(Path::new("/proc")).total;
    let temporary = if args.no_tmpfs || args.no_namespaces { Temporary::Hosts } else { Temporary::Own };
    let wanted = Wanted {
        max: args.memory_max,
        high: args.memory_high,
        swap_max: args.swap_max,
        tmpfs: args.tmpfs.clone(),
        temporary,
    };
    let settings = settings(class, &wanted, memory)?;
    for path in &args.keep {
        if !path.is_absolute() || std::fs::symlink_metadata(path).is_err() {
            bail!("--keep {}: not found; give an absolute path that is there", path.display());
        }
    }
    let request = Request {
        command: args
            .command
            .iter()
            .map(|word| CString::new(word.as_bytes()))
            .collect::<Result<_, _>>()
            .context("read the command")?,
        name: args.name.clone(),
        parent: match (&args.parent, &loaded.policy.run.parent) {
            (Some(path), _) => Wish::Given(path.clone()),
            (None, Some(path)) => Wish::Policy(path.clone()),
            (None, None) => Wish::Usual,
        },
        wait_for: wait_for(args, &settings.class, memory)?,
        settings,
        kept: args.keep.clone(),
        isolation: if args.no_namespaces { Isolation::Nothing } else { Isolation::Namespaces },
        strictness: if args.strict { Strictness::Refuse } else { Strictness::Warn },
    };
    // Before the job: hours later it is too late to say that nobody may write there.
    let report = args.report.as_ref().map(|path| {
        File::create(path)
            .with_context(|| format!("cannot write the report {}", path.display()))
            .map(|file| (path, file))
    });
    let report = report.transpose()?;
    let began = SystemTime::now();
    let mut outcome = match run_job(&request, &mut complain) {
        Ok(outcome) => outcome,
        Err(error) => {
            // Nothing ran: no report is better than an empty one.
            if let Some((path, _)) = report {
                let _ = std::fs::remove_file(path);
            }
            return Err(error.into());
        }
    };
    if outcome.evidence.kills > 0 {
        outcome.largest = largest(&outcome, began);
    }
    if let Some(sentence) = outcome.sentence() {
        complain(&sentence);
    }
    if let (Some(peak), Some(directory)) = (outcome.evidence.peak, peaks::directory()) {
        // What is not recorded is not waited for: nobody has to know.
        let _ = peaks::record(&directory, &outcome.settings.class, peak, outcome.took);
    }
    if let Some((path, mut file)) = report {
        let text = format!("{:#}\n", outcome.json());
        if let Err(error) = file.write_all(text.as_bytes()) {
            complain(&format!("warning: cannot write the report {}: {error}", path.display()));
        }
    }
    Ok(Exit::Command(outcome.end.status()))
}

fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "oomshim: {}", escape::text(message));
}

/// The class that was asked for, or the one that the policy gives where no rule speaks of a container.
fn class<'a>(args: &Args, policy: &'a Policy) -> anyhow::Result<Option<&'a Class>> {
    let Some(name) = &args.class else {
        return Ok(policy.resolve(policy.run.class.as_ref().unwrap_or(&policy.default)));
    };
    if name == "keep" {
        return Ok(None);
    }
    if let Some(class) = policy.class(name) {
        return Ok(Some(class));
    }
    let known: Vec<&str> = policy.classes.iter().map(|class| class.name.as_str()).chain(["keep"]).collect();
    bail!("the policy has no class {name}: it has {}", known.join(", "))
}

fn wait_for(args: &Args, class: &str, memory: Option<u64>) -> anyhow::Result<Option<u64>> {
    let bytes = match args.wait_for_memory {
        None => return Ok(None),
        Some(Need::Size(size)) => size.bytes(memory).context("--wait-for-memory: the size of the RAM is not known")?,
        Some(Need::Auto) => {
            let expected = peaks::directory().and_then(|directory| peaks::expected(&directory, class));
            let Some(peak) = expected else {
                complain(&format!("no peak of a job of class {class} is recorded yet: not waiting for memory"));
                return Ok(None);
            };
            // A peak above the machine's memory was reached with swap: waiting for it would never end.
            memory.map_or(peak, |memory| peak.min(memory / 10 * 9))
        }
    };
    if memory.is_some_and(|memory| bytes > memory) {
        bail!("--wait-for-memory: this machine will never have {bytes} bytes of memory available");
    }
    Ok(Some(bytes))
}

/// The largest process that the kernel's log says was killed in the job. Who may not read the log gets none.
fn largest(outcome: &Outcome, began: SystemTime) -> Option<Largest> {
    let job = outcome.cgroup.as_ref()?;
    let mut entries = Vec::new();
    source::running(Path::new("/dev/kmsg"), |entry| entries.push(entry)).ok()?;
    let context = crate::report::Context::of_machine(Path::new(crate::registry::ROOT));
    let (events, _) = collect::all(entries);
    let reports = events.into_iter().map(|event| context.report(event));
    let ours = reports.filter(|report| {
        let paths = [&report.event.victim_path, &report.event.group];
        let recent = report.when.is_none_or(|when| SystemTime::from(when) + std::time::Duration::from_secs(2) > began);
        recent && paths.into_iter().flatten().any(|path| is_of_job(job, path))
    });
    let killed = ours.flat_map(|report| report.event.killed);
    let sized = killed.filter_map(|killed| {
        let sizes = killed.sizes?;
        // An entry of the log may say anything.
        let bytes = sizes.resident();
        Some(Largest { pid: killed.pid, bytes, comm: killed.name })
    });
    sized.max_by_key(|largest| largest.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tmpfs_has_a_path_and_may_have_a_size() {
        assert_eq!(tmpfs("/a").unwrap(), TmpfsOption { path: "/a".into(), size: None });
        let sized = TmpfsOption { path: "/a b".into(), size: Some(Size::Bytes(1 << 30)) };
        assert_eq!(tmpfs("/a b:size=1GiB").unwrap(), sized);
        for text in ["/a:size=", "/a:1GiB", "/a:size=1Q", "/a:size=-1"] {
            assert!(tmpfs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_need_is_a_size_or_auto() {
        assert_eq!(need("auto").unwrap(), Need::Auto);
        assert_eq!(need("40%").unwrap(), Need::Size(Size::Percent(40)));
        assert!(need("Auto").is_err() && need("much").is_err());
    }
}
