//! Whose a process is: anybody may call a program `dockerd`, and only the machine's own root runs one that counts.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::system::process::{Namespace, Process, ProcessError};

/// Whose a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Root's, in the namespaces and the root file system of PID 1.
    Host,
    /// That of the user who asks, who is not root and can gain nothing from it.
    Own,
    /// In a PID or user namespace, or a root file system, of its own: a container's.
    Contained,
    /// Another user's.
    User(u32),
}

impl Standing {
    /// Looks at a process.
    ///
    /// # Errors
    /// [`ProcessError`] when it has ended or does not show whose it is.
    pub fn of(proc: &Path, pid: u32) -> Result<Standing, ProcessError> {
        let process = Process::open(proc, pid)?;
        let status = process.read("status")?;
        let status = String::from_utf8_lossy(&status);
        let numbers = |key: &str| -> Vec<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.into_iter().flat_map(str::split_ascii_whitespace).filter_map(|word| word.parse().ok()).collect()
        };
        // Real, effective, saved, file system.
        let users = numbers("Uid:");
        let Some(&user) = users.iter().find(|&&user| user != 0).or(users.first()) else {
            let text = "no line `Uid:`".to_owned();
            return Err(ProcessError::Content { pid: pid.to_string(), file: "status", text });
        };
        if user != 0 {
            let is_own = user == nix::unistd::geteuid().as_raw();
            return Ok(if is_own { Standing::Own } else { Standing::User(user) });
        }
        // One number for each PID namespace from the reader's down to its own.
        let is_contained = numbers("NSpid:").len() > 1 || is_elsewhere(proc, &process, pid);
        Ok(if is_contained { Standing::Contained } else { Standing::Host })
    }
}

/// Whether it is in another user namespace or root file system than PID 1. What cannot be read tells nothing.
fn is_elsewhere(proc: &Path, process: &Process, pid: u32) -> bool {
    let Ok(first) = Process::open(proc, 1) else { return false };
    let differ = |one: Option<Vec<u8>>, other: Option<Vec<u8>>| one.is_some() && other.is_some() && one != other;
    let user = |process: &Process| process.namespace(Namespace::User).ok();
    let map = |process: &Process| process.read("uid_map").ok();
    if differ(user(process), user(&first)) || differ(map(process), map(&first)) {
        return true;
    }
    let root =
        |pid: u32| std::fs::metadata(proc.join(pid.to_string()).join("root")).ok().map(|root| (root.dev(), root.ino()));
    let has_own_root = matches!((root(pid), root(1)), (Some(own), Some(first)) if own != first);
    // A service may have one (`RootDirectory=`, snaps), and a container's cgroup is none that systemd makes for a service.
    has_own_root && !is_service(&process.cgroups().unwrap_or_default())
}

/// Whether the cgroup is that of a system service, and nothing below it.
fn is_service(cgroups: &[u8]) -> bool {
    let text = String::from_utf8_lossy(cgroups);
    let path = text
        .lines()
        .find_map(|line| line.strip_prefix("0::").or(line.split_once(":name=systemd:").map(|(_, path)| path)));
    let name = path.and_then(|path| path.strip_prefix("/system.slice/"));
    name.is_some_and(|name| name.ends_with(".service") && !name.contains('/'))
}

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Host => out.write_str("root's, on the host"),
            Standing::Own => out.write_str("this user's"),
            Standing::Contained => out.write_str("in a container"),
            Standing::User(user) => write!(out, "of the user with UID {user}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(status: &str, files: &[(&str, &str)], links: &[(&str, &str)]) -> Standing {
        let proc = tempfile::tempdir().unwrap();
        let all = [("7/status", status), ("1/status", "Uid:\t0\t0\t0\t0\n"), ("1/uid_map", "0 0 4294967295\n")];
        for (name, text) in all.iter().chain(files) {
            let path = proc.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        for (name, target) in links {
            let path = proc.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, path).unwrap();
        }
        Standing::of(proc.path(), 7).unwrap()
    }

    #[test]
    fn only_roots_own_processes_are_the_hosts() {
        let root = "Uid:\t0\t0\t0\t0\nNSpid:\t7\n";
        assert_eq!(fake(root, &[], &[]), Standing::Host);
        assert_eq!(fake("Uid:\t4294967000\t4294967000\t0\t0\nNSpid:\t7\n", &[], &[]), Standing::User(4_294_967_000));
        assert_eq!(
            fake("Uid:\t4294967000\t0\t0\t0\n", &[], &[]),
            Standing::User(4_294_967_000),
            "setuid programs are nobody's"
        );
        assert_eq!(fake("Uid:\t0\t0\t0\t0\nNSpid:\t7\t1\n", &[], &[]), Standing::Contained);
        assert_eq!(fake(root, &[("7/uid_map", "0 100000 65536\n")], &[]), Standing::Contained);
        let users = [("1/ns/user", "user:[1]"), ("7/ns/user", "user:[2]")];
        assert_eq!(fake(root, &[], &users), Standing::Contained);
        let roots = [("1/root", "/"), ("7/root", "/usr")];
        assert_eq!(fake(root, &[], &roots), Standing::Contained, "--pid=host does not hide it");
        assert_eq!(fake(root, &[("7/cgroup", "0::/system.slice/snap.service\n")], &roots), Standing::Host);
        assert_eq!(fake(root, &[("7/cgroup", "0::/system.slice/x.scope/y.service\n")], &roots), Standing::Contained);
    }

    #[test]
    fn this_process_is_the_hosts_or_its_users() {
        let standing = Standing::of(Path::new("/proc"), std::process::id()).unwrap();
        let expected = if nix::unistd::geteuid().is_root() { Standing::Host } else { Standing::Own };
        assert_eq!(standing, expected);
    }
}
