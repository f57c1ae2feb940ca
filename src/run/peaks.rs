//! What jobs of each class needed: one line a job, in a file a class, so that the next one of the class can wait for as much.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::libc;

/// How many jobs of a class count.
const KEPT: usize = 50;

/// The largest file that is read, in bytes; a line has about 30.
const LIMIT: u64 = 64 * 1024;

/// Where peaks are kept: below /var/lib for root, else below the user's state directory; `None` where he has none.
#[must_use]
pub fn directory() -> Option<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Some("/var/lib/oomshim/peaks".into());
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("oomshim/peaks"))
}

/// The file of a class; `None` for a name that would be a path or hidden.
fn file(directory: &Path, class: &str) -> Option<PathBuf> {
    let plain = !class.is_empty() && !class.starts_with('.') && class.len() < 200;
    (plain && !class.contains(['/', '\0', '\n'])).then(|| directory.join(class))
}

/// Adds the peak of a job, in bytes, and how long it took.
///
/// # Errors
/// The kernel's; a job whose peak is not recorded has ended all the same.
pub fn record(directory: &Path, class: &str, peak: u64, took: Duration) -> std::io::Result<()> {
    let Some(path) = file(directory, class) else { return Ok(()) };
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    let options =
        File::options().read(true).append(true).create(true).mode(0o644).custom_flags(libc::O_NOFOLLOW).open(path)?;
    // Jobs that end at the same time write one after another.
    let mut file = Flock::lock(options, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    file.write_all(format!("{peak} {}\n", took.as_millis()).as_bytes())?;
    if file.metadata()?.len() > LIMIT / 2 {
        let text = read(&mut file)?;
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(KEPT)..].join("\n");
        file.set_len(0)?;
        file.write_all(format!("{last}\n").as_bytes())?;
    }
    Ok(())
}

/// How much the next job of that class is expected to need: the highest of the last peaks, in bytes. `None` where none is
/// recorded.
#[must_use]
pub fn expected(directory: &Path, class: &str) -> Option<u64> {
    let mut file = File::open(file(directory, class)?).ok()?;
    highest(&read(&mut file).ok()?)
}

fn read(file: &mut File) -> std::io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LIMIT)))?;
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn highest(text: &str) -> Option<u64> {
    let peaks = text.lines().rev().take(KEPT).filter_map(|line| line.split(' ').next()?.parse().ok());
    peaks.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_the_last_peaks_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("peaks");
        assert_eq!(expected(&path, "build-step"), None);
        record(&path, "build-step", 900, Duration::from_secs(1)).unwrap();
        for peak in 1..=KEPT as u64 {
            record(&path, "build-step", peak, Duration::from_secs(1)).unwrap();
        }
        assert_eq!(expected(&path, "build-step"), Some(KEPT as u64), "the first one is too long ago");
        assert_eq!(expected(&path, "other"), None);
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..3000 {
            record(directory.path(), "c", u64::MAX, Duration::from_secs(1)).unwrap();
        }
        assert!(std::fs::metadata(directory.path().join("c")).unwrap().len() <= LIMIT / 2 + 64);
        assert_eq!(expected(directory.path(), "c"), Some(u64::MAX));
    }

    #[test]
    fn a_class_cannot_name_another_file() {
        let directory = tempfile::tempdir().unwrap();
        for class in ["../x", "", ".", "..", "a/b"] {
            record(directory.path(), class, 1, Duration::ZERO).unwrap();
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!(highest("x\n-1 2\n\n"), None);
    }
}
