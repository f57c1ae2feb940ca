//! The cgroup below which a job gets its own: which one it is, and that it can give memory to what is below it.

mod v1;
mod v2;

use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::Mode;
use thiserror::Error;

use crate::system::cgroup::tree::{Mount, Tree};
use crate::system::cgroup::{Cgroup, CgroupError, Version};

/// Where jobs are when nobody says otherwise and this user may make cgroups anywhere.
pub const USUAL: &str = "/oomshim";

/// How often a parent may vanish before that is an error.
const ATTEMPTS: u32 = 20;

/// The cgroup that the supervisor moves to when it stands in the way.
const SUPERVISOR: &str = "oomshim-supervisor";

/// Which parent is wanted, by the kernel's name of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// `--parent`: it must be there.
    Given(PathBuf),
    /// The policy's: it is made where it is missing.
    Policy(PathBuf),
    /// The caller's own cgroup where it is delegated, else [`USUAL`].
    Usual,
}

/// Why a job can have no cgroup there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParentError {
    /// Not a name of a cgroup.
    #[error("{} is no cgroup: give its path below the cgroup mount, such as /ci", .0.display())]
    NotAPath(PathBuf),
    /// It is not there.
    #[error("cgroup {} not found: create it first, or leave --parent out", .0.display())]
    NotFound(PathBuf),
    /// It belongs to somebody else.
    #[error("cgroup {} is not delegated to this user: {reason}", cgroup.display())]
    NotDelegated {
        /// The kernel's name of it.
        cgroup: PathBuf,
        /// What was refused.
        reason: CgroupError,
    },
    /// Its own parent does not give it memory.
    #[error("cgroup {} has no memory controller: \"memory\" is not in cgroup.subtree_control of its parent", .0.display())]
    NoMemory(PathBuf),
    /// The kernel lets no cgroup with processes give memory to those below.
    #[error(
        "cgroup {} has processes of its own, so it cannot give memory to cgroups below it: move them to a cgroup below \
         it (for a systemd unit with Delegate=yes, set DelegateSubgroup=), or name another one with --parent",
        .0.display()
    )]
    HasProcesses(PathBuf),
    /// Nothing was given, and nothing that is there can be used.
    #[error(
        "no cgroup is delegated to this user: start it with `systemd-run --user --scope -p Delegate=yes`, or name a \
         delegated cgroup with --parent"
    )]
    Nowhere,
    /// No cgroup file system is mounted.
    #[error("no cgroup file system with the memory controller is mounted")]
    NotMounted,
    /// Anything else.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
}

/// The parent of jobs, in each hierarchy that they need.
#[derive(Debug)]
pub struct Parent {
    /// The kernel's name of it.
    pub kernel: PathBuf,
    /// In the unified hierarchy; `None` where there is none, or no right on it.
    pub unified: Option<Cgroup>,
    /// In the v1 hierarchy of the memory controller.
    pub memory_v1: Option<Cgroup>,
    /// In the v1 hierarchy of the freezer, where nothing better ends a job.
    pub freezer_v1: Option<Cgroup>,
    /// What was made on the way, top first, and is removed again when nobody uses it.
    made: Vec<Cgroup>,
    /// Whence the supervisor moved out of the way: there, and the cgroup it is in now.
    moved: Option<(Cgroup, Cgroup)>,
}

impl Parent {
    /// Finds and prepares the parent. `own` is the text of `/proc/self/cgroup`.
    ///
    /// # Errors
    /// [`ParentError`]; what was made is removed again.
    pub fn open(tree: &Tree, own: &[u8], wish: &Wish) -> Result<Parent, ParentError> {
        let memory = tree.memory().ok_or(ParentError::NotMounted)?;
        match memory.version {
            Version::V2 => v2::find(memory, own, wish),
            Version::V1 => v1::find(tree, memory, own, wish),
        }
    }

    fn new(kernel: &Path) -> Parent {
        let kernel = kernel.to_owned();
        Parent { kernel, unified: None, memory_v1: None, freezer_v1: None, made: Vec::new(), moved: None }
    }

    /// All of its cgroups, the one that ends a job first.
    pub fn each(&self) -> impl Iterator<Item = &Cgroup> {
        self.unified.iter().chain(&self.freezer_v1).chain(&self.memory_v1)
    }

    /// Opens what the kernel calls so, making what is missing of it where `make` says so.
    fn reach(&mut self, mount: &Mount, kernel: &Path, make: Make) -> Result<Cgroup, CgroupError> {
        let mut cgroup = Cgroup::open(&mount.point)?;
        let below = kernel.strip_prefix(&mount.root).unwrap_or(kernel);
        for part in below.components().filter(|part| matches!(part, Component::Normal(_))) {
            let name = part.as_os_str();
            cgroup = match cgroup.child(name) {
                Err(error) if error.errno == Errno::ENOENT && make == Make::Missing => {
                    if mount.version == Version::V2 && mount.controllers.is_empty() {
                        // What cannot be given on is told apart by who asked for it.
                        let _ = give_memory(&cgroup);
                    }
                    // To be passed through, not opened: whoever can open it can lock it.
                    let made = cgroup.create(name, Mode::from_bits_truncate(0o711));
                    let made = match made {
                        // Another job was faster.
                        Err(error) if error.errno == Errno::EEXIST => cgroup.child(name)?,
                        other => other?,
                    };
                    self.made.push(cgroup.child(name)?);
                    made
                }
                other => other?,
            };
        }
        Ok(cgroup)
    }

    /// What is removed when no job is below it any more, deepest first: what was made, and the usual parent in any case,
    /// because the job that made it may have ended before another one that used it.
    pub fn removable(&self) -> impl Iterator<Item = &Cgroup> {
        let is_usual = self.kernel == Path::new(USUAL);
        self.made.iter().rev().chain(self.each().filter(move |_| is_usual))
    }

    /// The same, where the last of other jobs may remove what is reached just now.
    fn reach_soon(&mut self, mount: &Mount, kernel: &Path, make: Make) -> Result<Cgroup, CgroupError> {
        let mut last = self.reach(mount, kernel, make);
        for _ in 0..ATTEMPTS {
            match &last {
                Err(error) if error.is_gone() && make == Make::Missing => last = self.reach(mount, kernel, make),
                _ => break,
            }
        }
        last
    }

    /// Removes what was made, as far as no other job uses it, and goes back to where the supervisor was.
    pub fn close(&mut self) {
        for cgroup in self.removable() {
            // EBUSY: another job is below it. Locked: another one waits for memory, by what is promised below it.
            let _ = cgroup.remove_unlocked();
        }
        if let Some((from, to)) = self.moved.take() {
            let _ = from.write("cgroup.subtree_control", "-memory");
            let _ = from.enter(0);
            let _ = to.remove_empty();
        }
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether what is missing is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Make {
    Missing,
    Nothing,
}

/// Lets the cgroup give memory to those below.
fn give_memory(cgroup: &Cgroup) -> Result<(), CgroupError> {
    let given = cgroup.read("cgroup.subtree_control")?;
    if given.split(u8::is_ascii_whitespace).any(|word| word == b"memory") {
        return Ok(());
    }
    cgroup.write("cgroup.subtree_control", "+memory")
}

/// The kernel's name of a cgroup that a person named: by that, or by its path in the file system.
fn kernel_name(mount: &Mount, path: &Path) -> Result<PathBuf, ParentError> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::RootDir));
    if !path.is_absolute() || !plain {
        return Err(ParentError::NotAPath(path.to_owned()));
    }
    Ok(match path.strip_prefix(&mount.point) {
        Ok(below) => mount.root.join(below),
        Err(_) => path.components().collect(),
    })
}

fn name_of(mount: &Mount, path: &Path) -> PathBuf {
    path.strip_prefix(&mount.point).map_or_else(|_| path.to_owned(), |below| mount.root.join(below))
}

fn is_refused(error: &CgroupError) -> bool {
    matches!(error.errno, Errno::EACCES | Errno::EPERM | Errno::EROFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount() -> Mount {
        Mount { version: Version::V2, point: "/sys/fs/cgroup".into(), root: "/".into(), controllers: Vec::new() }
    }

    #[test]
    fn a_parent_is_named_either_way() {
        let name = |path: &str| kernel_name(&mount(), Path::new(path));
        assert_eq!(name("/ci/").unwrap(), Path::new("/ci"));
        assert_eq!(name("/sys/fs/cgroup/ci").unwrap(), Path::new("/ci"));
        for path in ["ci", "/ci/../x", ""] {
            assert_eq!(name(path).unwrap_err(), ParentError::NotAPath(path.into()), "{path}");
        }
    }
}
