//! Which options each runtime's parser knows, and whether they take a value.
//!
//! The tables follow the runtimes' own (runc `main.go`, `create.go`, `run.go`, `restore.go`, `exec.go` of 1.1 to 1.5 and
//! main; crun `src/crun.c`, `create.c`, `run.c`, `restore.c`, `exec.c`; youki `liboci-cli`; runsc `runsc/cmd`,
//! `runsc/config/flags.go`). What is in none of them is not guessed at.

use super::flavor::{Flavor, Subcommand};

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    /// It is a switch.
    Nothing,
    /// It takes a value, joined or as the next argument.
    Value,
    /// It takes a value only where that is joined to it.
    Joined,
    /// It makes the runtime print something and start nothing.
    Help,
}

/// An option of a runtime.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opt {
    /// The long name.
    pub(super) long: &'static str,
    /// The one-letter name.
    pub(super) short: Option<u8>,
    /// Whether it takes a value.
    pub(super) takes: Arity,
}

const fn opts<const N: usize>(takes: Arity, names: [&'static str; N]) -> [Opt; N] {
    let mut all = [Opt { long: "", short: None, takes }; N];
    let mut index = 0;
    while index < N {
        all[index].long = names[index];
        index += 1;
    }
    all
}

const fn short(long: &'static str, letter: u8, takes: Arity) -> Opt {
    Opt { long, short: Some(letter), takes }
}

use Arity::{Help, Joined, Nothing, Value};

static RUNC_GLOBAL: &[&[Opt]] = &[
    &opts(Value, ["log", "log-format", "root", "rootless", "criu"]),
    &opts(Nothing, ["debug", "systemd-cgroup"]),
    &[short("help", b'h', Help), short("version", b'v', Help)],
];
static RUNC_HELP: &[Opt] = &[short("help", b'h', Help)];
static RUNC_RUN: &[&[Opt]] = &[
    &[short("bundle", b'b', Value), short("detach", b'd', Nothing)],
    &opts(Value, ["console-socket", "pidfd-socket", "pid-file", "preserve-fds"]),
    &opts(Nothing, ["no-pivot", "no-new-keyring", "keep", "no-subreaper"]),
    RUNC_HELP,
];
static RUNC_RESTORE: &[&[Opt]] = &[
    &[short("bundle", b'b', Value), short("detach", b'd', Nothing)],
    &opts(Value, ["console-socket", "image-path", "work-path", "manage-cgroups-mode", "pid-file", "empty-ns"]),
    &opts(Value, ["lsm-profile", "lsm-mount-context"]),
    &opts(Nothing, ["tcp-established", "ext-unix-sk", "shell-job", "file-locks", "no-subreaper", "no-pivot"]),
    &opts(Nothing, ["auto-dedup", "lazy-pages"]),
    RUNC_HELP,
];
static RUNC_EXEC: &[&[Opt]] = &[
    &[short("env", b'e', Value), short("user", b'u', Value), short("additional-gids", b'g', Value)],
    &[short("process", b'p', Value), short("cap", b'c', Value)],
    &opts(Value, ["console-socket", "pidfd-socket", "cwd", "pid-file", "process-label", "apparmor"]),
    &opts(Value, ["preserve-fds", "cgroup"]),
    &[short("tty", b't', Nothing), short("detach", b'd', Nothing)],
    &opts(Nothing, ["no-new-privs", "ignore-paused"]),
    RUNC_HELP,
];

static ARGP: &[Opt] = &[
    short("help", b'?', Help),
    Opt { long: "usage", short: None, takes: Help },
    Opt { long: "program-name", short: None, takes: Value },
    Opt { long: "HANG", short: None, takes: Joined },
];
static CRUN_GLOBAL: &[&[Opt]] = &[
    &opts(Value, ["cgroup-manager", "log", "log-format", "log-level", "root", "rootless"]),
    &opts(Nothing, ["debug", "systemd-cgroup"]),
    &[short("version", b'v', Help), short("version", b'V', Help)],
    ARGP,
];
static CRUN_CREATE: &[&[Opt]] = &[
    &[short("bundle", b'b', Value), short("config", b'f', Value)],
    &opts(Value, ["console-socket", "preserve-fds", "pid-file"]),
    &opts(Nothing, ["no-pivot", "no-subreaper", "no-new-keyring"]),
    ARGP,
];
static CRUN_RUN: &[&[Opt]] = &[
    &[short("bundle", b'b', Value), short("config", b'f', Value), short("detach", b'd', Nothing)],
    &opts(Value, ["console-socket", "preserve-fds", "pid-file"]),
    &opts(Nothing, ["no-pivot", "no-subreaper", "no-new-keyring", "keep"]),
    ARGP,
];
static CRUN_RESTORE: &[&[Opt]] = &[
    &[short("bundle", b'b', Value), short("detach", b'd', Nothing)],
    &opts(Value, ["image-path", "work-path", "pid-file", "console-socket", "manage-cgroups-mode"]),
    &opts(Value, ["lsm-profile", "lsm-mount-context"]),
    &opts(Nothing, ["tcp-established", "tcp-close", "ext-unix-sk", "shell-job", "file-locks"]),
    ARGP,
];
static CRUN_EXEC: &[&[Opt]] = &[
    &[short("process", b'p', Value), short("user", b'u', Value), short("env", b'e', Value), short("cap", b'c', Value)],
    &opts(Value, ["console-socket", "cwd", "cgroup", "pid-file", "preserve-fds", "process-label", "apparmor"]),
    &[short("tty", b't', Joined), short("detach", b'd', Nothing)],
    &opts(Nothing, ["no-new-privs"]),
    ARGP,
];

static YOUKI_GLOBAL: &[&[Opt]] = &[
    &[short("log", b'l', Value), short("root", b'r', Value), short("systemd-cgroup", b's', Nothing)],
    &opts(Value, ["log-format", "log-level"]),
    &opts(Nothing, ["debug", "systemd-log"]),
    &[short("version", b'v', Help), short("version", b'V', Help), short("help", b'h', Help)],
];
static YOUKI_RUN: &[&[Opt]] = &[
    &[short("bundle", b'b', Value), short("console-socket", b'c', Value), short("pid-file", b'p', Value)],
    &opts(Value, ["preserve-fds"]),
    &[short("detach", b'd', Nothing)],
    &opts(Nothing, ["no-pivot", "no-new-keyring", "no-subreaper", "keep"]),
    RUNC_HELP,
];
static YOUKI_EXEC: &[&[Opt]] = &[
    &[short("env", b'e', Value), short("user", b'u', Value), short("additional-gids", b'g', Value)],
    &[short("process", b'p', Value)],
    &opts(Value, ["console-socket", "cwd", "pid-file", "process-label", "apparmor", "cap", "preserve-fds", "cgroup"]),
    &[short("tty", b't', Nothing), short("detach", b'd', Nothing)],
    &opts(Nothing, ["no-new-privs", "ignore-paused"]),
    RUNC_HELP,
];

static RUNSC_GLOBAL: &[&[Opt]] = &[
    &opts(Value, ["root", "log", "log-format", "debug-log", "debug-log-format", "debug-command", "panic-log"]),
    &opts(Value, ["platform", "network", "file-access", "overlay2", "host-uds", "host-fifo", "watchdog-action"]),
    &opts(Value, ["strace-syscalls", "metric-server", "ref-leak-mode", "qdisc", "shared-root", "pod-init-config"]),
    &opts(Value, ["traceback", "fdlimit", "dcache", "log-fd", "debug-log-fd", "panic-log-fd"]),
    &opts(Nothing, ["debug", "systemd-cgroup", "rootless", "ignore-cgroups", "strace", "directfs", "nvproxy"]),
    &opts(Nothing, ["net-raw", "overlay", "oci-seccomp"]),
    &[short("help", b'h', Help), Opt { long: "version", short: None, takes: Help }],
];
static RUNSC_RUN: &[&[Opt]] = &[
    &opts(Value, ["bundle", "console-socket", "pid-file", "user-log", "fs-restore-image-path", "pass-fd", "exec-fd"]),
    &opts(Value, ["image-path", "work-path"]),
    &opts(Nothing, ["detach", "fs-restore-direct", "direct", "background", "no-subreaper"]),
    RUNC_HELP,
];
static RUNSC_EXEC: &[&[Opt]] = &[
    &opts(Value, ["cwd", "env", "user", "additional-gids", "cap", "process", "pid-file", "internal-pid-file"]),
    &opts(Value, ["console-socket", "pass-fd", "exec-fd"]),
    &opts(Nothing, ["detach"]),
    RUNC_HELP,
];

// The subcommands that only name a container are read by one table for all runtimes: an option that a runtime does not
// know it refuses itself, and nothing is lost by reading it.

/// start, state, pause, resume.
static BARE: &[&[Opt]] = &[RUNC_HELP];
/// `--all`, crun's `--regex`, runsc's `--pid`.
static KILL: &[&[Opt]] =
    &[&[short("all", b'a', Nothing), short("regex", b'r', Nothing)], &opts(Value, ["pid"]), RUNC_HELP];
static PS: &[&[Opt]] = &[&[short("format", b'f', Value)], RUNC_HELP];
static EVENTS: &[&[Opt]] = &[&opts(Value, ["interval"]), &opts(Nothing, ["stats"]), RUNC_HELP];
static UPDATE: &[&[Opt]] = &[
    &[short("resources", b'r', Value)],
    &opts(Value, ["blkio-weight", "cpu-period", "cpu-quota", "cpu-burst", "cpu-share", "cpu-rt-period"]),
    &opts(Value, ["cpu-rt-runtime", "cpuset-cpus", "cpuset-mems", "cpu-idle", "kernel-memory", "kernel-memory-tcp"]),
    &opts(Value, ["memory", "memory-reservation", "memory-swap", "pids-limit", "l3-cache-schema", "mem-bw-schema"]),
    RUNC_HELP,
];
static CHECKPOINT: &[&[Opt]] = &[
    &opts(Value, ["image-path", "work-path", "parent-path", "status-fd", "page-server", "manage-cgroups-mode"]),
    &opts(Value, ["empty-ns", "network-lock"]),
    &opts(
        Nothing,
        ["leave-running", "tcp-established", "tcp-skip-in-flight", "tcp-close", "link-remap", "ext-unix-sk"],
    ),
    &opts(Nothing, ["shell-job", "lazy-pages", "file-locks", "pre-dump", "auto-dedup"]),
    RUNC_HELP,
];

/// Every runtime's delete: `--force`, with its letter where the runtime has letters, and crun's `--regex`.
static DELETE: &[&[Opt]] = &[&[short("force", b'f', Nothing), short("regex", b'r', Nothing)], RUNC_HELP];

impl Flavor {
    /// The options before the subcommand.
    #[must_use]
    pub(super) fn global(self) -> &'static [&'static [Opt]] {
        match self {
            Flavor::Runc => RUNC_GLOBAL,
            Flavor::Crun => CRUN_GLOBAL,
            Flavor::Youki => YOUKI_GLOBAL,
            Flavor::Runsc => RUNSC_GLOBAL,
        }
    }

    /// The options of a subcommand. Where create knows fewer options than run, the runtime refuses what it does not
    /// know, and nothing is lost by reading it.
    #[must_use]
    pub(super) fn options_of(self, subcommand: Subcommand) -> &'static [&'static [Opt]] {
        match (self, subcommand) {
            (_, Subcommand::Delete) => DELETE,
            (_, Subcommand::Start | Subcommand::State | Subcommand::Pause | Subcommand::Resume) => BARE,
            (_, Subcommand::Kill) => KILL,
            (_, Subcommand::Ps) => PS,
            (_, Subcommand::Events) => EVENTS,
            (_, Subcommand::Update) => UPDATE,
            (_, Subcommand::Checkpoint) => CHECKPOINT,
            (Flavor::Runc, Subcommand::Create | Subcommand::Run) => RUNC_RUN,
            (Flavor::Runc, Subcommand::Restore) => RUNC_RESTORE,
            (Flavor::Runc, Subcommand::Exec) => RUNC_EXEC,
            // Not for crun: what abbreviates one option of create could abbreviate two of run.
            (Flavor::Crun, Subcommand::Create) => CRUN_CREATE,
            (Flavor::Crun, Subcommand::Run) => CRUN_RUN,
            (Flavor::Crun, Subcommand::Restore) => CRUN_RESTORE,
            (Flavor::Crun, Subcommand::Exec) => CRUN_EXEC,
            (Flavor::Youki, Subcommand::Create | Subcommand::Run | Subcommand::Restore) => YOUKI_RUN,
            (Flavor::Youki, Subcommand::Exec) => YOUKI_EXEC,
            (Flavor::Runsc, Subcommand::Create | Subcommand::Run | Subcommand::Restore) => RUNSC_RUN,
            (Flavor::Runsc, Subcommand::Exec) => RUNSC_EXEC,
        }
    }
}
