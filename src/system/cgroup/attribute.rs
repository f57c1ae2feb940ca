//! Extended attributes of a cgroup's directory.

use nix::errno::Errno;
use xattr::FileExt;

use super::{Cgroup, CgroupError};

impl Cgroup {
    /// An extended attribute of the directory. It is there for as long as the cgroup is.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn attribute(&self, name: &str) -> Result<Option<Vec<u8>>, CgroupError> {
        self.directory.get_xattr(name).map_err(|error| self.error("read an attribute of", "", errno_of(&error)))
    }

    /// Sets an extended attribute of the directory. `trusted.` ones need `CAP_SYS_ADMIN`, and only who has it sees them.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn set_attribute(&self, name: &str, value: &[u8]) -> Result<(), CgroupError> {
        self.directory.set_xattr(name, value).map_err(|error| self.error("set an attribute of", "", errno_of(&error)))
    }

    /// Removes an extended attribute of the directory; none needs to be there.
    ///
    /// # Errors
    /// [`CgroupError`].
    pub fn remove_attribute(&self, name: &str) -> Result<(), CgroupError> {
        match self.directory.remove_xattr(name).map_err(|error| errno_of(&error)) {
            Ok(()) | Err(Errno::ENODATA) => Ok(()),
            Err(errno) => Err(self.error("remove an attribute of", "", errno)),
        }
    }
}

fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
