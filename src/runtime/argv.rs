//! What a runtime's command line says, read as that runtime reads it.
//!
//! What is unknown or means different things to different versions of a runtime is [`CommandLine::Unrecognized`], and the
//! command line is passed on as it is either way.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::flavor::{Flavor, Subcommand};
use super::options::{Item, LineError, Reader};

/// A runtime's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine<'a> {
    /// A subcommand that is about one container.
    Container(Invocation<'a>),
    /// Any other subcommand, a request for help, or nothing at all.
    Other,
    /// It cannot be told what the runtime will make of it.
    Unrecognized {
        /// Why not.
        why: LineError,
        /// The subcommand, where that much is clear.
        subcommand: Option<Subcommand>,
        /// The options before the subcommand, as far as they were read.
        global: Global<'a>,
    },
}

/// A subcommand that is about one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The subcommand.
    pub subcommand: Subcommand,
    /// The container's id.
    pub id: &'a OsStr,
    /// The bundle as it is written; `None` for the working directory.
    pub bundle: Option<&'a OsStr>,
    /// crun's `--config`, which takes the place of the bundle's `config.json`.
    pub config: Option<&'a OsStr>,
    /// exec's `--process`, the JSON of the process to start.
    pub process: Option<&'a OsStr>,
    /// Who deletes a container that is made.
    pub deleted_by: DeletedBy,
    /// The options before the subcommand.
    pub global: Global<'a>,
}

/// Who deletes a container that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedBy {
    /// The engine, with a `delete`.
    Engine,
    /// The runtime itself, when the container has ended: a plain `run`.
    Runtime,
}

/// Whether a runtime makes cgroups for its containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupManager {
    /// It does.
    Enabled,
    /// crun's `--cgroup-manager disabled`: the container stays in its engine's cgroup.
    Disabled,
}

/// The options before the subcommand that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Global<'a> {
    /// `--root`, where the runtime keeps its state.
    pub root: Option<&'a OsStr>,
    /// `--log`, where the engine looks for an error.
    pub log: Option<&'a OsStr>,
    /// `--log-format`
    pub log_format: Option<&'a OsStr>,
    /// crun's `--cgroup-manager`
    pub cgroup_manager: Option<&'a OsStr>,
}

impl Invocation<'_> {
    /// The file that the runtime reads the spec from, relative to the working directory or absolute.
    #[must_use]
    pub fn spec_path(&self) -> PathBuf {
        let bundle = self.bundle.map_or(Path::new(""), Path::new);
        match self.config {
            // To crun the bare name means the bundle's file, any other one is relative to the working directory.
            Some(config) if config != "config.json" => PathBuf::from(config),
            _ => crate::spec::bundle::spec_path(bundle),
        }
    }

    /// Whether the runtime makes a cgroup for the container.
    #[must_use]
    pub fn cgroup_manager(&self) -> CgroupManager {
        let disabled = self.global.cgroup_manager.is_some_and(|name| name == "disabled");
        if disabled { CgroupManager::Disabled } else { CgroupManager::Enabled }
    }
}

/// Reads the arguments behind the program's name.
#[must_use]
pub fn parse<'a>(flavor: Flavor, args: &[&'a OsStr]) -> CommandLine<'a> {
    let mut reader = Reader::new(flavor, args);
    let mut global = Global::default();
    let unrecognized = |why, subcommand, global| CommandLine::Unrecognized { why, subcommand, global };
    let word = loop {
        match reader.read(&[flavor.global()]) {
            Ok(None | Some(Item::Help)) => return CommandLine::Other,
            Ok(Some(Item::Option(name, value))) => global.take(name, value),
            Ok(Some(Item::Word(word))) => break word,
            Err(why) => return unrecognized(why, None, global),
        }
    };
    let Some(subcommand) = Subcommand::named(word) else { return CommandLine::Other };
    reader.begin_subcommand();
    match container(&mut reader, flavor, subcommand, &mut global) {
        Ok(Some(invocation)) => CommandLine::Container(invocation),
        Ok(None) => CommandLine::Other,
        Err(why) => unrecognized(why, Some(subcommand), global),
    }
}

/// The part behind the subcommand; `None` for a request for help.
fn container<'a>(
    reader: &mut Reader<'_, 'a>,
    flavor: Flavor,
    subcommand: Subcommand,
    global: &mut Global<'a>,
) -> Result<Option<Invocation<'a>>, LineError> {
    // runc's next release takes its global options behind the subcommand too; the ones before it refuse them.
    let own = flavor.options_of(subcommand);
    let with_global = [own, flavor.global()];
    let tables = if flavor == Flavor::Runc { &with_global[..] } else { &with_global[..1] };
    let (mut bundle, mut config, mut process): (Option<&OsStr>, _, _) = (None, None, None);
    let mut words = Vec::new();
    loop {
        if !words.is_empty() && !reads_on(flavor, subcommand, words.len()) {
            // What follows belongs to exec's command; to the others it is too much, and they say so themselves.
            words.extend(reader.rest());
            break;
        }
        match reader.read(tables)? {
            None => break,
            Some(Item::Help) => return Ok(None),
            Some(Item::Option("bundle", value)) => bundle = value,
            Some(Item::Option("config", value)) => config = value,
            Some(Item::Option("process", value)) => process = value,
            Some(Item::Option(name, value)) => global.take(name, value),
            Some(Item::Word(word)) => words.push(word),
        }
    }
    let id = match words.as_slice() {
        [] => return Err(LineError::NoId),
        [id] => id,
        // What else they take is theirs to read: a command, a signal, the columns of a table.
        [id, ..] if !subcommand.creates() => id,
        [_, second, ..] => return Err(LineError::SecondId(second.to_string_lossy().into_owned())),
    };
    // An empty bundle is the working directory to Go and an error to the others.
    if flavor == Flavor::Crun && bundle.is_some_and(OsStr::is_empty) {
        return Err(LineError::EmptyBundle);
    }
    let bundle = bundle.filter(|bundle| !bundle.is_empty());
    let deletes_itself = subcommand == Subcommand::Run && !(reader.saw("keep") || reader.saw("detach"));
    let deleted_by = if deletes_itself { DeletedBy::Runtime } else { DeletedBy::Engine };
    Ok(Some(Invocation { subcommand, id, bundle, config, process, deleted_by, global: *global }))
}

/// Whether options are still read behind that many words.
fn reads_on(flavor: Flavor, subcommand: Subcommand, words: usize) -> bool {
    match (flavor, subcommand) {
        (Flavor::Crun | Flavor::Runsc, _) | (Flavor::Runc, Subcommand::Exec | Subcommand::Ps) => false,
        (Flavor::Youki, Subcommand::Exec) => words < 2,
        (Flavor::Runc | Flavor::Youki, _) => true,
    }
}

impl<'a> Global<'a> {
    fn take(&mut self, name: &str, value: Option<&'a OsStr>) {
        match name {
            "root" => self.root = value,
            "log" => self.log = value,
            "log-format" => self.log_format = value,
            "cgroup-manager" => self.cgroup_manager = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
