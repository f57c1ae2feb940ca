//! A container that oomshim started before: which runtime made it, by the record of it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::Environment;
use crate::registry::{self, Container, RegistryError};
use crate::runtime::argv::{self, CommandLine, Global, Invocation};
use crate::runtime::flavor::{Flavor, Subcommand};
use crate::runtime::maker::Maker;

/// A container that oomshim started before, and what is to be done to it now.
#[derive(Debug)]
pub(super) struct Known {
    /// What is to be done.
    pub(super) subcommand: Subcommand,
    /// The record.
    pub(super) container: Container,
    /// The runtime that made the container.
    pub(super) maker: Maker,
}

/// The container that a command line names, where it is not one that makes it.
///
/// Which runtime made it tells how the line is to be read, and the line tells which container it is. So it is read as each
/// family does, and a record counts that is of the family by which it was found. Engines write lines that all families
/// read the same way, so this takes one look.
///
/// # Errors
/// [`RegistryError`] when there may be a record.
pub(super) fn find(rest: &[&OsStr], environment: &Environment) -> Result<Option<Known>, RegistryError> {
    let mut seen: Vec<(OsString, &OsStr)> = Vec::new();
    for flavor in Flavor::ALL {
        let Some(it) = later(flavor, rest) else { continue };
        let key = (root_key(&it.global), it.id);
        if seen.contains(&key) {
            continue;
        }
        let look = if it.subcommand == Subcommand::Delete { registry::find_for_delete } else { registry::find };
        if let Some(container) = look(&environment.run, &key.0, key.1)?
            && let Some(maker) = container.runtime.clone()
            && later(maker.flavor, rest).is_some_and(|it| (root_key(&it.global), it.id) == key)
        {
            return Ok(Some(Known { subcommand: it.subcommand, container, maker }));
        }
        seen.push(key);
    }
    Ok(None)
}

/// The line as that family reads it, if it is about a container that is there.
fn later<'a>(flavor: Flavor, rest: &[&'a OsStr]) -> Option<Invocation<'a>> {
    match argv::parse(flavor, rest) {
        CommandLine::Container(it) if !it.subcommand.creates() => Some(it),
        _ => None,
    }
}

/// By what a record is found besides the id: `--root` as an absolute path, or nothing.
pub(super) fn root_key(global: &Global<'_>) -> OsString {
    let absolute = |root: &OsStr| std::path::absolute(root).unwrap_or_else(|_| Path::new(root).to_owned());
    let plain = |root| absolute(root).components().collect::<std::path::PathBuf>().into_os_string();
    global.root.filter(|root| !root.is_empty()).map(plain).unwrap_or_default()
}
