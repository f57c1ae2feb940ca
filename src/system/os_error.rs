//! How an operating system error is worded.
//!
//! Engines match substrings of a runtime's error text: docker and podman turn "permission denied" into exit status
//! 126 and "no such file or directory" into 127, containerd reads "does not exist" on delete as success (moby
//! `daemon/errors.go`, podman `libpod/oci_util.go`, containerd `process/utils.go`). An error of oomshim is none of
//! those, so it never uses the C library's words: it names the errno and says it in words of its own.

use std::fmt;

use nix::errno::Errno;

/// An errno, shown in words that no engine takes for something else.
///
/// ```
/// use nix::errno::Errno;
/// assert_eq!(oomshim::system::os_error::OsError(Errno::EROFS).to_string(), "the file system is read-only (EROFS)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsError(pub Errno);

impl From<std::io::Error> for OsError {
    fn from(error: std::io::Error) -> Self {
        OsError(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            Errno::EACCES => "access is refused (EACCES)",
            Errno::EPERM => "this user may not do that (EPERM)",
            Errno::ENOENT => "not found (ENOENT)",
            Errno::ENOTDIR => "a part of the path is a file (ENOTDIR)",
            Errno::EISDIR => "it is a directory (EISDIR)",
            Errno::EEXIST => "it is already there (EEXIST)",
            Errno::EROFS => "the file system is read-only (EROFS)",
            Errno::ENOSPC => "the file system is full (ENOSPC)",
            Errno::EDQUOT => "the disk quota is used up (EDQUOT)",
            Errno::EFBIG => "the file would be too large (EFBIG)",
            Errno::EIO => "the device failed (EIO)",
            Errno::EMFILE => "this process has too many open files (EMFILE)",
            Errno::ENFILE => "the machine has too many open files (ENFILE)",
            Errno::ENOMEM => "the kernel has no memory for it (ENOMEM)",
            Errno::ELOOP => "too many symbolic links (ELOOP)",
            Errno::ENAMETOOLONG => "the path is too long (ENAMETOOLONG)",
            Errno::ESRCH => "the process is gone (ESRCH)",
            Errno::ENOEXEC => "it is not a program of this machine (ENOEXEC)",
            Errno::ETXTBSY => "it is open for writing (ETXTBSY)",
            Errno::E2BIG => "the argument list is too long (E2BIG)",
            Errno::EINVAL => "the kernel does not take that value (EINVAL)",
            Errno::ERANGE => "the value is out of range (ERANGE)",
            Errno::EBUSY => "it is busy (EBUSY)",
            Errno::ENOTSUP => "the file system cannot do that (ENOTSUP)",
            Errno::ENXIO => "nothing answers there (ENXIO)",
            other => return write!(out, "error {other:?}"),
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
            let text = OsError(Errno::from_raw(raw)).to_string();
            for phrase in MAPPED_BY_ENGINES {
                assert!(!text.contains(phrase), "errno {raw} says {text:?}");
            }
        }
    }

    #[test]
    fn an_errno_without_words_is_named() {
        assert_eq!(OsError(Errno::EPROTO).to_string(), "error EPROTO");
    }
}
