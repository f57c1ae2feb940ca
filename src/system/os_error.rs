//! How an operating system error is worded.
//!
//! Engines match substrings of a runtime's error text: docker and podman turn "permission denied" into exit status
//! 126 and "no such file or directory" into 127, containerd reads "does not exist" on delete as success (moby
//! `daemon/errors.go`, podman `libpod/oci_util.go`, containerd `process/utils.go`). An error of oomshim is none of
//! those, so it never uses the C library's words: it names the errno and says it in words of its own.

use std::fmt;

use rustix::io::Errno;

/// An errno, shown in words that no engine takes for something else.
///
/// ```
/// use rustix::io::Errno;
/// assert_eq!(oomshim::system::os_error::OsError(Errno::ROFS).to_string(), "the file system is read-only (EROFS)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsError(pub Errno);

impl From<std::io::Error> for OsError {
    fn from(error: std::io::Error) -> Self {
        OsError(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            Errno::ACCESS => "access is refused (EACCES)",
            Errno::PERM => "this user may not do that (EPERM)",
            Errno::NOENT => "not found (ENOENT)",
            Errno::NOTDIR => "a part of the path is a file (ENOTDIR)",
            Errno::ISDIR => "it is a directory (EISDIR)",
            Errno::EXIST => "it is already there (EEXIST)",
            Errno::ROFS => "the file system is read-only (EROFS)",
            Errno::NOSPC => "the file system is full (ENOSPC)",
            Errno::DQUOT => "the disk quota is used up (EDQUOT)",
            Errno::FBIG => "the file would be too large (EFBIG)",
            Errno::IO => "the device failed (EIO)",
            Errno::MFILE => "this process has too many open files (EMFILE)",
            Errno::NFILE => "the machine has too many open files (ENFILE)",
            Errno::NOMEM => "the kernel has no memory for it (ENOMEM)",
            Errno::LOOP => "too many symbolic links (ELOOP)",
            Errno::NAMETOOLONG => "the path is too long (ENAMETOOLONG)",
            Errno::SRCH => "the process is gone (ESRCH)",
            Errno::NOEXEC => "it is not a program of this machine (ENOEXEC)",
            Errno::TXTBSY => "it is open for writing (ETXTBSY)",
            Errno::TOOBIG => "the argument list is too long (E2BIG)",
            Errno::INVAL => "the kernel does not take that value (EINVAL)",
            Errno::RANGE => "the value is out of range (ERANGE)",
            Errno::BUSY => "it is busy (EBUSY)",
            Errno::NOTSUP => "the file system cannot do that (ENOTSUP)",
            Errno::NXIO => "nothing answers there (ENXIO)",
            other => return write!(out, "error number {}", other.raw_os_error()),
        };
        out.write_str(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What docker, podman and containerd look for in a runtime's error text.
    const MAPPED_BY_ENGINES: &[&str] = &[
        "permission denied",
        "operation not permitted",
        "no such file or directory",
        "executable file not found",
        "not a directory",
        "does not exist",
        "no such process",
        "container not running",
        "process already finished",
    ];

    #[test]
    fn no_wording_is_mapped_by_an_engine() {
        for raw in 1..134 {
            let text = OsError(Errno::from_raw_os_error(raw)).to_string();
            for phrase in MAPPED_BY_ENGINES {
                assert!(!text.contains(phrase), "errno {raw} says {text:?}");
            }
        }
    }

    #[test]
    fn an_unknown_errno_is_shown_by_its_number() {
        assert_eq!(OsError(Errno::from_raw_os_error(133)).to_string(), "error number 133");
    }
}
