//! Where the policy comes from: the file that `OOMSHIM_POLICY` names, `/etc/oomshim/policy.toml`, or the built-in one.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use thiserror::Error;

use super::{Policy, built_in, parse};
use crate::runtime::flavor::Flavor;
use crate::system::os_error::OsError;

/// Where the policy is when `OOMSHIM_POLICY` does not say otherwise.
pub const DEFAULT_PATH: &str = "/etc/oomshim/policy.toml";

/// The environment variable that names another policy file.
pub const VARIABLE: &str = "OOMSHIM_POLICY";

/// The largest policy that is read, in bytes: 1 MiB.
const LIMIT: u64 = 1024 * 1024;

/// Why there is no policy to go by.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The file says something that no policy can say.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong there and what would be right.
        message: String,
        /// The runtime that the rest of the file names.
        runtime: Option<PathBuf>,
        /// How the rest of the file says that it reads its command line.
        flavor: Option<Flavor>,
    },
    /// The file cannot be read.
    #[error("cannot read the policy {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        reason: OsError,
    },
    /// The path names a pipe, a directory or a device.
    #[error("the policy {} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The file is too large to be a policy.
    #[error("the policy {} is larger than 1 MiB", .0.display())]
    TooLarge(PathBuf),
    /// The file is not UTF-8, which TOML has to be.
    #[error("the policy {} is not UTF-8: byte {offset}", .path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where, in bytes from the beginning.
        offset: usize,
    },
}

impl PolicyError {
    /// The runtime and the grammar that the file names all the same.
    #[must_use]
    pub fn runtime(&self) -> (Option<&Path>, Option<Flavor>) {
        match self {
            PolicyError::Malformed { runtime, flavor, .. } => (runtime.as_deref(), *flavor),
            _ => (None, None),
        }
    }
}

/// A policy and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Its file; `None` for the built-in one.
    pub path: Option<PathBuf>,
}

/// Loads the policy. An absent file means the built-in one, unless `named` (the value of [`VARIABLE`]) asked for it.
///
/// # Errors
/// [`PolicyError`]
pub fn load(named: Option<&OsStr>) -> Result<Loaded, PolicyError> {
    let named = named.filter(|path| !path.is_empty());
    let path = named.map_or_else(|| PathBuf::from(DEFAULT_PATH), PathBuf::from);
    match read(&path) {
        Ok(text) => Ok(Loaded { policy: parse(&text, &path)?, path: Some(path) }),
        Err(PolicyError::Unreadable { reason: OsError(Errno::ENOENT | Errno::ENOTDIR), .. }) if named.is_none() => {
            Ok(Loaded { policy: built_in(), path: None })
        }
        Err(error) => Err(error),
    }
}

/// The policy of that text; `path` is for messages.
///
/// # Errors
/// [`PolicyError::Malformed`]
pub fn parse(text: &str, path: &Path) -> Result<Policy, PolicyError> {
    parse::policy(text, built_in()).map_err(|problem| malformed(text, path, &problem))
}

fn malformed(text: &str, path: &Path, problem: &parse::Problem) -> PolicyError {
    let before = text.get(..problem.span.start).unwrap_or(text);
    let (runtime, flavor) = parse::runtime(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    PolicyError::Malformed {
        path: path.to_owned(),
        line: 1 + before.matches('\n').count(),
        column: 1 + before[line_start..].chars().count(),
        message: problem.message.clone(),
        runtime,
        flavor,
    }
}

fn read(path: &Path) -> Result<String, PolicyError> {
    let unreadable = |error: std::io::Error| PolicyError::Unreadable { path: path.to_owned(), reason: error.into() };
    // NONBLOCK: a FIFO would otherwise hold every call of the runtime until somebody writes.
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(PolicyError::NotAFile(path.to_owned()));
    }
    // Room for the shipped file: a buffer that grows from nothing takes a call for every doubling.
    let mut bytes = Vec::with_capacity(16 * 1024);
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err(PolicyError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes)
        .map_err(|error| PolicyError::NotUtf8 { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::class::Size;
    use crate::policy::rule::ClassRef;

    fn error(text: &str) -> String {
        parse(text, Path::new("p.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_file_changes_what_it_names_and_keeps_the_rest() {
        let text = "[class.big]\noom_score_adj = 100\nmemory_max = \"8GiB\"\nswap_max = 0\nmemory_high = \"40%\"\n\n\
                    [[rule]]\nclass = \"big\"\nmatch.cgroup = \"/big/*\"\nmatch.annotation.\"a.b\" = \"c\"\n";
        let policy = parse(text, Path::new("p")).unwrap();
        let big = policy.class("big").unwrap();
        assert_eq!(
            (big.memory_max, big.swap_max, big.memory_high),
            (Some(Size::Bytes(8 << 30)), Some(Size::Bytes(0)), Some(Size::Percent(40)))
        );
        assert_eq!((policy.rules[0].line, policy.rules[0].conditions.len()), (Some(7), 2));
        assert!(policy.class("build-step").is_some());
        assert_eq!(policy.rules.last().unwrap().class, ClassRef::Keep, "sandboxes are kept whatever the file says");
        assert_eq!(policy.default.name(), "build-step");
        let shipped = parse(include_str!("../../hooks/policy.toml"), Path::new("p")).unwrap();
        assert_eq!(shipped.rules.len(), built_in().rules.len(), "the shipped file says them itself");
    }

    #[test]
    fn every_mistake_is_named_with_its_place_and_what_is_right() {
        let cases = [
            (
                "[clas.x]\n",
                "p.toml:1:2: unknown key `clas`; did you mean `class`? (known: class, rule, default, runtime, apply, log, guard)",
            ),
            (
                "[class.x]\noom_scor_adj = 5\n",
                "p.toml:2:1: unknown key `oom_scor_adj`; did you mean `oom_score_adj`? (known: oom_score_adj, adjust, oom_group, memory_max, memory_high, swap_max, guard, guard_reserve)",
            ),
            (
                "[class.x]\noom_score_adj = 1001\n",
                "p.toml:2:17: 1001 is out of range: oom_score_adj goes from -1000 to 1000",
            ),
            (
                "[class.x]\noom_score_adj = \"0500\"\n",
                "p.toml:2:17: oom_score_adj is a number from -1000 to 1000, not a text (0500 has a leading zero, which the kernel reads as octal: write 500)",
            ),
            (
                "[class.x]\noom_score_adj = 0x10\n",
                "p.toml:2:17: oom_score_adj is a number from -1000 to 1000, not one in another base: write it in decimal",
            ),
            (
                "[class.x]\noom_score_adj = 1.5\n",
                "p.toml:2:17: oom_score_adj is a number from -1000 to 1000, not a float",
            ),
            ("[class.x]\nadjust = \"set\"\n", "p.toml:1:1: `oom_score_adj` is missing: a number from -1000 to 1000"),
            (
                "[class.keep]\noom_score_adj = 5\n",
                "p.toml:1:8: the class `keep` is built in and cannot be changed; choose another name",
            ),
            (
                "[class.x]\noom_score_adj = 5\nmemory_max = \"8GB\"\n",
                "p.toml:3:14: \"8GB\" is not a size: write bytes, a number with KiB, MiB, GiB or TiB, or a percentage of the RAM such as \"40%\"",
            ),
            (
                "[class.x]\noom_score_adj = 5\nmemory_max = 0\n",
                "p.toml:3:14: a limit of 0 kills the container at its first page",
            ),
            (
                "[class.x]\noom_score_adj = 5\nadjust = \"rise\"\n",
                "p.toml:3:10: \"rise\" is none of raise, set, fill; did you mean `raise`?",
            ),
            (
                "[default]\nclass = \"build-steps\"\n",
                "p.toml:2:9: there is no class `build-steps`; did you mean `build-step`?",
            ),
            (
                "[[rule]]\nclass = \"daemon\"\n",
                "p.toml:1:1: the rule has no condition: write match.cgroup = \"…\" or the like, or use [default]",
            ),
            ("[rule]\nclass = \"keep\"\n", "p.toml:1:1: rules are written as [[rule]], with two brackets"),
            (
                "[[rule]]\nclass = \"keep\"\nmatch.id = \"[\"\n",
                "p.toml:3:12: \"[\" is not a glob: only * and ? are special here: write \\[ for the character, and one rule for each choice",
            ),
            (
                "[runtime]\npath = \"runc\"\n",
                "p.toml:2:8: \"runc\" is not an absolute path: engines call the shim with any PATH, or with none",
            ),
            ("[apply]\nstrict = \"yes\"\n", "p.toml:2:10: write true or false, not a string"),
            (
                "[log]\nto = \"journal\"\n",
                "p.toml:2:6: records go to journald, syslog, off or an absolute path, not \"journal\"; did you mean `journald`?",
            ),
            ("[guard]\nmode = \"watch\"\n", "p.toml:2:8: \"watch\" is none of kill, observe"),
            ("[guard]\nkill = \"/buildkit/*\"\n", "p.toml:2:8: write kill = [\"/buildkit/*\"], a list of cgroups"),
            (
                "[guard]\nkill = [\"buildkit/*\"]\n",
                "p.toml:2:9: a cgroup is written from the root of the cgroup file system: \"/buildkit/*\"",
            ),
            (
                "[guard]\nkill = [\"/*\"]\n",
                "p.toml:2:9: this would make the whole machine a job; name the directory of the jobs",
            ),
            ("[guard]\nfloor = \"90%\"\n", "p.toml:2:9: a floor above 50% of RAM would kill on healthy machines"),
            (
                "[guard]\nhorizon = \"10 seconds\"\n",
                "p.toml:2:11: \"10 seconds\" is no time; write it like \"10s\", \"100ms\" or \"1min\"",
            ),
            ("[guard]\nstorm = { share = 0 }\n", "p.toml:2:19: write a number from 1 to 100"),
            ("[guard]\nown_limit = \"of\"\n", "p.toml:2:13: \"of\" is none of off; did you mean `off`?"),
            (
                "[class.x]\noom_score_adj = -1\nguard = \"first\"\n",
                "p.toml:3:9: a class with an oom_score_adj below 0 is for daemons, which the guard never kills; leave `guard` out or give the class a score of at least 0",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(error(text), expected, "{text}");
        }
    }

    #[test]
    fn nobody_is_made_immune_by_what_he_chooses_himself() {
        let rule = |conditions: &str| format!("[[rule]]\nclass = \"daemon\"\n{conditions}\n");
        for chosen in [
            "match.hostname = \"h\"",
            "match.annotation.x = \"y\"",
            "match.bundle = \"*\"",
            "match.id = \"i\"\nmatch.arg0 = \"a\"",
        ] {
            assert!(error(&rule(chosen)).contains("a workload chooses these conditions itself"), "{chosen}");
        }
        for decided in
            ["match.hostname = \"h\"\nmatch.cgroup = \"/c/*\"", "match.hostname = \"h\"\ntrust_workload = true"]
        {
            assert!(parse(&rule(decided), Path::new("p")).is_ok(), "{decided}");
        }
        assert!(
            error("[default]\nclass = \"daemon\"\n")
                .starts_with("p.toml:2:9: the default class `daemon` has the score -1000")
        );
    }

    #[test]
    fn broken_toml_is_placed_too() {
        assert!(error("[class.x\n").starts_with("p.toml:1:"), "{}", error("[class.x\n"));
        assert!(error("a = 1\na = 2\n").starts_with("p.toml:2:1:"), "{}", error("a = 1\na = 2\n"));
    }

    #[test]
    fn a_mistake_elsewhere_does_not_hide_the_runtime() {
        let runtime = "[runtime]\npath = \"/usr/bin/crun\"\nflavor = \"crun\"\n";
        let named = (Some(Path::new("/usr/bin/crun")), Some(Flavor::Crun));
        for mistake in ["[logg]\nto = \"off\"\n", "[class.x]\noom_score_adj = \n", "[log\nto = 5\n"] {
            for text in [format!("{mistake}{runtime}"), format!("{runtime}{mistake}")] {
                assert_eq!(parse(&text, Path::new("p")).unwrap_err().runtime(), named, "{text}");
            }
        }
        assert_eq!(parse("[runtime]\npath = \"crun\"\n", Path::new("p")).unwrap_err().runtime(), (None, None));
    }

    #[test]
    fn an_absent_file_matters_only_where_it_was_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let absent = directory.path().join("absent.toml");
        assert!(matches!(load(Some(absent.as_os_str())), Err(PolicyError::Unreadable { .. })));
        assert!(matches!(load(Some(directory.path().as_os_str())), Err(PolicyError::NotAFile(_))));
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(matches!(load(Some(fifo.as_os_str())), Err(PolicyError::NotAFile(_))), "and nobody waits for a writer");
        std::fs::write(&absent, b"x = \"\xff\"").unwrap();
        assert!(matches!(load(Some(absent.as_os_str())), Err(PolicyError::NotUtf8 { offset: 5, .. })));
    }
}
