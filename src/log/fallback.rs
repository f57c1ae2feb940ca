//! Where records go that neither journald nor syslog takes, as in a container: `/run/oomshim/log`, lines of JSON, at
//! most 1 MiB and then begun anew, so that it never fills a tmpfs.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::file;
use super::record::Record;
use crate::fsutil::private_directory;

const DIRECTORY: &str = "/run/oomshim";

const NAME: &str = "log";

/// The file's largest size in bytes: 1 MiB.
const LIMIT: u64 = 1024 * 1024;

pub(super) fn send(record: &Record) -> io::Result<()> {
    append(Path::new(DIRECTORY), record, SystemTime::now())
}

fn append(directory: &Path, record: &Record, now: SystemTime) -> io::Result<()> {
    let directory = private_directory::open_or_create(directory)?;
    let flags =
        OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mut file = File::from(nix::fcntl::openat(&directory, NAME, flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
    if file.metadata()?.len() > LIMIT {
        file.set_len(0)?;
    }
    file.write_all(file::line(record, now).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::example;
    use super::*;

    #[test]
    fn the_file_has_a_limit() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("oomshim");
        append(&directory, &example(), SystemTime::UNIX_EPOCH).unwrap();
        append(&directory, &example(), SystemTime::UNIX_EPOCH).unwrap();
        let path = directory.join(NAME);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
        std::fs::write(&path, vec![b'x'; usize::try_from(LIMIT).unwrap() + 1]).unwrap();
        append(&directory, &example(), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn no_link_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("oomshim");
        private_directory::open_or_create(&directory).unwrap();
        let victim = root.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, directory.join(NAME)).unwrap();
        assert!(append(&directory, &example(), SystemTime::UNIX_EPOCH).is_err());
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    }
}
