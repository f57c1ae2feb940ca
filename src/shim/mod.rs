//! The prepare of `oomshim-runc`: read, decide, edit, write, and then become the runtime.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tracing::{debug, error, warn};

use crate::apply;
use crate::fsutil::atomic_file::AtomicFile;
use crate::log::{self, Level, Log, LogTo, message};
use crate::policy::class::Class;
use crate::policy::decide::{self, Decision, Plan};
use crate::policy::file::{self, Loaded, PolicyError};
use crate::policy::{self, Policy};
use crate::registry::{self, Container};
use crate::runtime::argv::{self, CommandLine, Global, Invocation};
use crate::runtime::flavor::{Flavor, Subcommand};
use crate::runtime::locate::{self, SelfExe};
use crate::runtime::{failure, state};
use crate::spec::bundle::{self, absolute_path};
use crate::spec::document::Document;
use crate::spec::edit;
use crate::spec::workload::Workload;
use crate::system::host::{self, Host, Roots};
use crate::system::meminfo::Meminfo;
use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::os_error::OsError;
use crate::system::process::{Process, ProcessError};

/// What the process was given besides its arguments.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Where the kernel's file systems are.
    pub roots: Roots,
    /// Below which [`crate::registry`] remembers.
    pub run: PathBuf,
    /// `OOMSHIM_POLICY`
    pub policy: Option<OsString>,
    /// `PATH`
    pub path: Option<OsString>,
    /// `XDG_RUNTIME_DIR`
    pub runtime_dir: Option<OsString>,
}

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        Environment {
            roots: Roots::default(),
            run: PathBuf::from(registry::ROOT),
            policy: std::env::var_os(file::VARIABLE),
            path: std::env::var_os("PATH"),
            runtime_dir: std::env::var_os("XDG_RUNTIME_DIR"),
        }
    }
}

/// How the prepare ends.
#[derive(Debug)]
pub enum Ending<'a> {
    /// Become the runtime at this path.
    Exec(PathBuf),
    /// Start nothing.
    Refuse(Refusal<'a>),
}

/// Why nothing is started, and who wants to know.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// What is wrong and what to do.
    pub message: String,
    /// The subcommand, where it is known.
    pub subcommand: Option<Subcommand>,
    /// The options that say where the engine looks for errors.
    pub global: Global<'a>,
}

/// Does everything that is to be done before the runtime runs. `args` begins with the program's own name.
#[must_use]
pub fn prepare<'a>(args: &[&'a OsStr], environment: &Environment) -> Ending<'a> {
    let (name, rest) = args.split_first().map_or((OsStr::new(""), &[][..]), |(name, rest)| (*name, rest));
    let loaded = file::load(environment.policy.as_deref());
    let policy = loaded.as_ref().ok().map(|loaded| &loaded.policy);
    let (configured, grammar) = match &loaded {
        Ok(loaded) => (loaded.policy.runtime.as_deref(), loaded.policy.flavor),
        Err(error) => error.runtime(),
    };
    let own = SelfExe::of(&environment.roots.proc);
    let found = locate::locate(configured, grammar, name, environment.path.as_deref(), &own);
    // Without a runtime the grammar is still needed, to say so where the engine listens.
    let flavor = match (&found, grammar) {
        // The configured grammar is that of the configured runtime.
        (Ok(found), Some(grammar)) if configured.is_none_or(|path| path == found) => grammar,
        _ => {
            let named = found.as_deref().ok().or(configured).and_then(Path::file_name);
            Flavor::of_runtime(named.unwrap_or_default())
        }
    };
    let line = argv::parse(flavor, rest);
    // Without a policy nobody has said where records go, and the journal is where people look.
    log::start(policy.map_or(&Log { to: LogTo::Journald, level: Level::Error }, |policy| &policy.log));
    let runtime = match found {
        Ok(path) => path,
        Err(error) => return Ending::Refuse(refusal(&line, error.to_string())),
    };
    let outcome = match &line {
        CommandLine::Container(it) if it.subcommand == Subcommand::Exec => {
            take_container_score(it, flavor, environment);
            Ok(())
        }
        CommandLine::Container(it) if it.subcommand == Subcommand::Delete => {
            let _ = registry::archive(&environment.run, it.id);
            Ok(())
        }
        CommandLine::Container(it) => with_policy(&loaded, |policy| create(it, policy, environment)),
        CommandLine::Other => Ok(()),
        // Whatever the runtime makes of it, it stops or shows a container, and those work with any policy.
        CommandLine::Unrecognized { subcommand: None, .. } if loaded.is_err() || !may_start(rest) => Ok(()),
        CommandLine::Unrecognized { subcommand: Some(Subcommand::Exec), why, .. } => {
            let built_in = policy::built_in();
            take_step_score(policy.unwrap_or(&built_in), environment, why);
            Ok(())
        }
        CommandLine::Unrecognized { why, .. } => with_policy(&loaded, |policy| {
            let why = format!("cannot read the command line as {} does: {why}", flavor.name());
            unedited(policy, environment, None, &why, None)
        }),
    };
    match outcome {
        Ok(()) => Ending::Exec(runtime),
        Err(message) => Ending::Refuse(refusal(&line, message)),
    }
}

/// Whether a command line that cannot be read can be one that starts a container.
fn may_start(args: &[&OsStr]) -> bool {
    args.iter()
        .any(|arg| matches!(Subcommand::named(arg), Some(Subcommand::Create | Subcommand::Run | Subcommand::Restore)))
}

/// What to say when the runtime was found and could not be started.
#[must_use]
pub fn could_not_start<'a>(args: &[&'a OsStr], runtime: &Path, reason: OsError) -> Refusal<'a> {
    let flavor = Flavor::of_runtime(runtime.file_name().unwrap_or_default());
    let line = argv::parse(flavor, args.get(1..).unwrap_or_default());
    refusal(&line, format!("cannot start the runtime {}: {reason}", runtime.display()))
}

fn refusal<'a>(line: &CommandLine<'a>, message: String) -> Refusal<'a> {
    let (subcommand, id, global) = match line {
        CommandLine::Container(it) => (Some(it.subcommand), Some(it.id), it.global),
        CommandLine::Unrecognized { subcommand, global, .. } => (*subcommand, None, *global),
        CommandLine::Other => (None, None, Global::default()),
    };
    error!(message_id = message::REFUSED.id, id = id.map(apply::shown), "refused: {message}");
    Refusal { message, subcommand, global }
}

impl Refusal<'_> {
    /// Tells the engine's user, and gives the exit status. `stderr` is whether that descriptor was open from the start.
    #[must_use]
    pub fn report(&self, stderr: bool) -> u8 {
        failure::report(&self.message, &self.global, stderr);
        failure::exit_status(self.subcommand)
    }
}

fn with_policy(
    loaded: &Result<Loaded, PolicyError>,
    act: impl FnOnce(&Policy) -> Result<(), String>,
) -> Result<(), String> {
    match loaded {
        Ok(loaded) => act(&loaded.policy),
        Err(error) => {
            Err(format!("{error}; no container is started until the policy is right (`oomshim policy check`)"))
        }
    }
}

/// create, run and restore: gives the container its class's score and memory settings.
fn create(it: &Invocation<'_>, policy: &Policy, environment: &Environment) -> Result<(), String> {
    let path = it.spec_path();
    let bundle = absolute_path(it.bundle);
    let give_up = |class: Option<&Class>, why: &str| unedited(policy, environment, class, why, Some((it.id, &bundle)));
    let (file, bytes) = match AtomicFile::read(&path, bundle::LIMIT) {
        Ok(read) => read,
        Err(error) => return give_up(None, &error.to_string()),
    };
    let document = match Document::parse(&bytes) {
        Ok(document) => document,
        Err(error) => return give_up(None, &format!("{} is not JSON: {error}", path.display())),
    };
    let workload = Workload::of(&document).named(Some(it.id), bundle.clone());
    let decision = decide::classify(policy, &workload);
    let class = decision.class.as_ref();
    let plan = match plan(it, policy, &decision, &workload, environment) {
        Ok(plan) => plan,
        Err(error) => return give_up(class, &error.to_string()),
    };
    if policy.strict && !plan.has_its_score() {
        return give_up(class, &apply::shortfall(&decision, &plan));
    }
    if let Err(why) = write(&file, &document, &plan) {
        return give_up(class, &why);
    }
    remember(it, &workload, &decision, plan.score(), environment);
    apply::log(Some(it.id), Some(&bundle), &decision, &plan);
    Ok(())
}

/// What is to be done for that decision on this machine.
fn plan(
    it: &Invocation<'_>,
    policy: &Policy,
    decision: &Decision,
    workload: &Workload<'_>,
    environment: &Environment,
) -> Result<Plan, ProcessError> {
    let roots = &environment.roots;
    let Some(class) = &decision.class else { return apply::plan_to_keep(policy, decision, workload, roots) };
    let score = apply::score_for(class, workload, roots)?;
    let host = Host {
        cgroups: host::cgroups(roots),
        memory: class.limits().next().and_then(|_| Meminfo::read(&roots.proc).total),
    };
    Ok(decide::plan(class, workload, &host, score, it.cgroups_disabled()))
}

/// Makes the edits of the plan, where there is anything to change.
fn write(file: &AtomicFile, document: &Document<'_>, plan: &Plan) -> Result<(), String> {
    let splices =
        edit::splices(document.root(), &plan.edits).map_err(|error| format!("{}: {error}", file.path().display()))?;
    if splices.is_empty() {
        return Ok(());
    }
    file.replace(&edit::splice(document.bytes(), splices)).map_err(|error| error.to_string())
}

/// Notes what is started, for those who ask later what was killed; never a reason to fail.
fn remember(
    it: &Invocation<'_>,
    workload: &Workload<'_>,
    decision: &Decision,
    score: Option<OomScoreAdj>,
    environment: &Environment,
) {
    let container = Container {
        id: it.id.to_owned(),
        bundle: workload.bundle.clone().unwrap_or_default(),
        class: decision.name().to_owned(),
        score: score.map(OomScoreAdj::get),
        cgroup: workload.cgroups.last().map(|path| OsString::from(path.as_ref())).unwrap_or_default(),
        command: workload.args.iter().map(|arg| OsString::from(arg.as_ref())).collect(),
    };
    let _ = registry::record(&environment.run, &container);
    if !it.stays {
        // Nobody will say when it is gone, so it goes at once to where room is bounded.
        let _ = registry::archive(&environment.run, it.id);
    }
}

/// The spec stays as it is: refuse where the policy is strict; otherwise raise this process's own score, which the
/// container inherits where its spec sets none, and say why.
///
/// Without a class, as when the spec cannot be read, the default one's score counts.
fn unedited(
    policy: &Policy,
    environment: &Environment,
    class: Option<&Class>,
    why: &str,
    container: Option<(&OsStr, &Path)>,
) -> Result<(), String> {
    if policy.strict {
        return Err(format!("{why}; the policy is strict, so the container is not started"));
    }
    let class = class.or_else(|| policy.resolve(&policy.default));
    let raised = class.is_some_and(|class| raise_own_score(class.score, environment));
    let outcome =
        if raised { "started unedited, at the score of the runtime, which was raised" } else { "started unedited" };
    let (id, bundle) = container.unzip();
    let (id, bundle) = (id.map(apply::shown), bundle.map(|path| apply::shown(path.as_os_str())));
    warn!(message_id = message::UNEDITED.id, id, bundle, "{outcome}: {why}");
    Ok(())
}

/// Raises this process's score, and with it what the container inherits; never lowers it.
fn raise_own_score(score: OomScoreAdj, environment: &Environment) -> bool {
    let raise = || {
        let own = Process::own(&environment.roots.proc)?;
        if own.score()? < score { own.set_score(score).map(|()| true) } else { Ok(false) }
    };
    raise().unwrap_or(false)
}

/// An exec whose container is not clear must not inherit the engine's immunity either: it gets what a step gets.
fn take_step_score(policy: &Policy, environment: &Environment, why: &str) {
    let raised = policy.resolve(&policy.default).is_some_and(|class| raise_own_score(class.score, environment));
    let outcome =
        if raised { "an exec has the score of the default class" } else { "an exec keeps the engine's score" };
    warn!(message_id = message::EXEC.id, "{outcome}: cannot read its command line: {why}");
}

/// exec: a later process of the container must not inherit the engine's immunity, so this process takes the score that
/// the container's init has. crun and a runc without a configured score pass it on; the others set their own.
fn take_container_score(it: &Invocation<'_>, flavor: Flavor, environment: &Environment) {
    let proc = &environment.roots.proc;
    let init = state::init_process(proc, flavor, it.global.root, environment.runtime_dir.as_deref(), it.id);
    let Some(init) = init else { return };
    let take = || {
        let own = Process::own(proc)?;
        let (wanted, before) = (init.score()?, own.score()?);
        let got = if wanted == before { wanted } else { own.set_score_or_floor(wanted)? };
        Ok::<_, ProcessError>((wanted, got))
    };
    let (id, message_id) = (apply::shown(it.id), message::EXEC.id);
    match take() {
        Ok((wanted, got)) if wanted == got => debug!(message_id, id, "exec in container {id} has the score {got}"),
        Ok((wanted, got)) => warn!(message_id, id, "exec in container {id} has the score {got} instead of {wanted}"),
        Err(error) => warn!(message_id, id, "exec in container {id} keeps the engine's score: {error}"),
    }
}
