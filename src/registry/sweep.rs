//! All records at once: which containers are there, which are gone, and how many of the latter are kept.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::container::{self, Container};
use super::{DIRECTORY, is_ours, read_record};
use crate::fsutil::private_directory;

/// How many records of containers that are gone are kept: those that were deleted or, where nobody did, made last.
const KEPT: usize = 128;

/// A record's file.
struct Entry {
    name: OsString,
    /// When it was last changed: made, or cut because its container was about to be deleted.
    changed: SystemTime,
    /// What it says; `None` for what an older version wrote.
    container: Option<Container>,
}

impl Entry {
    fn is_present(&self) -> bool {
        self.container.as_ref().is_some_and(Container::is_present)
    }
}

/// The containers that are there, by id. Records that cannot be read are left out.
#[must_use]
pub fn all(run: &Path) -> Vec<Container> {
    containers(run, Presence::There)
}

/// The containers that are gone, by id, as far as their records are kept.
#[must_use]
pub fn deleted(run: &Path) -> Vec<Container> {
    containers(run, Presence::Gone)
}

/// Which containers are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    Gone,
}

fn containers(run: &Path, wanted: Presence) -> Vec<Container> {
    let Ok(directory) = private_directory::open(&run.join(DIRECTORY)) else { return Vec::new() };
    let entries = entries(&directory).into_iter();
    let is_wanted = |entry: &Entry| entry.is_present() == (wanted == Presence::There);
    let mut found: Vec<Container> = entries.filter(is_wanted).filter_map(|entry| entry.container).collect();
    found.sort_by(|one, other| (&one.id, &one.root).cmp(&(&other.id, &other.root)));
    found
}

/// Removes the oldest records of containers that are gone, and the arguments from the rest of them. Whatever fails is left
/// for the next time.
pub fn sweep(run: &Path) {
    let Ok(directory) = private_directory::open(&run.join(DIRECTORY)) else { return };
    let mut gone: Vec<Entry> = entries(&directory).into_iter().filter(|entry| !entry.is_present()).collect();
    gone.sort_by_key(|entry| std::cmp::Reverse(entry.changed));
    for (number, entry) in gone.iter().enumerate() {
        match &entry.container {
            _ if number >= KEPT => {
                let _ = unlinkat(&directory, entry.name.as_os_str(), UnlinkatFlags::NoRemoveDir);
            }
            Some(container) if container.command.len() > 1 => {
                if let Some(file) = open(&directory, &entry.name, OFlag::O_WRONLY) {
                    let _ = file.set_len(container.length_without_arguments() as u64);
                    // What was noticed only now is no younger for that.
                    let _ = file.set_modified(entry.changed);
                }
            }
            _ => {}
        }
    }
}

/// The files of the directory that are records, of this version (`c…`) or of the one before it (`d…` too).
fn entries(directory: &OwnedFd) -> Vec<Entry> {
    let Ok(mut listing) = Dir::openat(directory, ".", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) else {
        return Vec::new();
    };
    let names = listing.iter().filter_map(|entry| Some(entry.ok()?.file_name().to_bytes().to_owned()));
    let names = names.filter(|name| matches!(name.first(), Some(b'c' | b'd')));
    names.filter_map(|name| entry(directory, OsStr::from_bytes(&name))).collect()
}

fn entry(directory: &OwnedFd, name: &OsStr) -> Option<Entry> {
    let file = open(directory, name, OFlag::O_RDONLY)?;
    let stat = nix::sys::stat::fstat(&file).ok().filter(is_ours)?;
    let changed = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    let container = container::decode(&read_record(&file, &stat).ok()?);
    Some(Entry { name: name.to_owned(), changed, container })
}

fn open(directory: &OwnedFd, name: &OsStr, access: OFlag) -> Option<File> {
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    nix::fcntl::openat(directory, name, flags, Mode::empty()).ok().map(File::from)
}
