//! Where the policy comes from: the file that `OOMSHIM_POLICY` names, `/etc/oomshim/policy.toml`, or the built-in one.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use thiserror::Error;

use super::{Policy, built_in, parse};
use crate::runtime::flavor::Flavor;
use crate::runtime::locate::Configured;
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
    /// What the file says about the runtime all the same.
    #[must_use]
    pub fn runtime(&self) -> Configured<'_> {
        match self {
            PolicyError::Malformed { runtime, flavor, .. } => Configured { path: runtime.as_deref(), flavor: *flavor },
            _ => Configured::default(),
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
    match source(named)? {
        Some(Text { path, text }) => Ok(Loaded { policy: parse(&text, &path)?, path: Some(path) }),
        None => Ok(Loaded { policy: built_in(), path: None }),
    }
}

/// The text of a policy and where it came from.
#[derive(Debug, Clone)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Its file.
    pub path: PathBuf,
}

/// Reads the file that [`load`] loads; `None` where the built-in policy holds.
///
/// # Errors
/// [`PolicyError`] but [`PolicyError::Malformed`]
pub fn source(named: Option<&OsStr>) -> Result<Option<Text>, PolicyError> {
    let named = named.filter(|path| !path.is_empty());
    let path = named.map_or_else(|| PathBuf::from(DEFAULT_PATH), PathBuf::from);
    match read(&path) {
        Ok(text) => Ok(Some(Text { text, path })),
        Err(PolicyError::Unreadable { reason: OsError(Errno::ENOENT | Errno::ENOTDIR), .. }) if named.is_none() => {
            Ok(None)
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
#[path = "file_tests.rs"]
mod tests;
