//! The extended attributes of a file that takes another one's place: a security label, an ACL, whatever an administrator
//! put there.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use xattr::FileExt;

use crate::system::os_error::OsError;

/// Copies the extended attributes of one file to another.
///
/// # Errors
/// The kernel's, where one cannot be copied that tells who may read the file.
pub(super) fn copy(from: &File, to: &File) -> Result<(), Errno> {
    let names = match from.list_xattr().map_err(errno_of) {
        Ok(names) => names,
        Err(Errno::ENOTSUP | Errno::ENOSYS) => return Ok(()),
        Err(errno) => return Err(errno),
    };
    for name in names {
        let importance = Importance::of(&name);
        if importance == Importance::Never {
            continue;
        }
        if let (Importance::Must, Err(why)) = (importance, copy_one(from, to, &name)) {
            return Err(errno_of(why));
        }
    }
    Ok(())
}

/// How much hangs on an extended attribute of the old file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Importance {
    /// Who may read the file.
    Must,
    /// Nothing that would be worth a container without its `oom_score_adj`.
    Better,
    /// It tells the old content's hash, which the new one does not have; the kernel makes it anew.
    Never,
}

impl Importance {
    fn of(name: &OsStr) -> Self {
        match name.as_bytes() {
            b"security.selinux" | b"system.posix_acl_access" => Importance::Must,
            b"security.ima" | b"security.evm" => Importance::Never,
            _ => Importance::Better,
        }
    }
}

fn copy_one(from: &File, to: &File, name: &OsStr) -> std::io::Result<()> {
    let Some(value) = from.get_xattr(name)? else { return Ok(()) };
    // A label that the directory's default already gave needs no right to set one.
    if to.get_xattr(name).is_ok_and(|present| present.as_ref() == Some(&value)) {
        return Ok(());
    }
    to.set_xattr(name, &value)
}

fn errno_of(error: std::io::Error) -> Errno {
    OsError::from(error).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_the_old_content_stay_behind() {
        let of = |name: &str| Importance::of(OsStr::new(name));
        assert_eq!((of("security.ima"), of("security.evm")), (Importance::Never, Importance::Never));
        assert_eq!(of("security.selinux"), Importance::Must);
        assert_eq!(of("system.posix_acl_access"), Importance::Must);
        assert_eq!(of("user.note"), Importance::Better);
    }
}
