//! Whose a cgroup is: a container, a pod, a service, a virtual machine, somebody's session. By its path alone, as
//! container engines, systemd, libvirt and batch systems name them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::escape;

/// What a cgroup is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A container of an engine.
    Container {
        /// The engine, where its name is in the path.
        engine: Option<&'static str>,
        /// The container's id.
        id: String,
    },
    /// A step of a build.
    BuildStep(String),
    /// A pod, by its UID.
    Pod(String),
    /// A service or scope of systemd.
    Unit(String),
    /// A virtual machine.
    VirtualMachine(String),
    /// A job of a batch system.
    Job {
        /// The batch system.
        system: &'static str,
        /// The job.
        id: String,
    },
    /// Somebody's login session.
    Session {
        /// The user's id.
        user: String,
        /// The session.
        id: String,
    },
    /// Something that a user runs under their own systemd.
    UserUnit {
        /// The user's id.
        user: String,
        /// The unit.
        unit: String,
    },
    /// Many of the above.
    Many(&'static str),
    /// All that a user runs.
    User(String),
}

impl Owner {
    /// A name for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Owner::Container { .. } => "container",
            Owner::BuildStep(_) => "build-step",
            Owner::Pod(_) => "pod",
            Owner::Unit(_) => "unit",
            Owner::VirtualMachine(_) => "virtual-machine",
            Owner::Job { .. } => "job",
            Owner::Session { .. } => "session",
            Owner::UserUnit { .. } => "user-unit",
            Owner::Many(_) => "many",
            Owner::User(_) => "user",
        }
    }

    /// Its id or name.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Owner::Container { id, .. }
            | Owner::Job { id, .. }
            | Owner::Session { id, .. }
            | Owner::BuildStep(id)
            | Owner::Pod(id)
            | Owner::Unit(id)
            | Owner::VirtualMachine(id)
            | Owner::User(id)
            | Owner::UserUnit { unit: id, .. } => id,
            Owner::Many(what) => what,
        }
    }

    /// Whether it is one thing, whose limit is its own.
    fn is_one(&self) -> bool {
        !matches!(self, Owner::Many(_) | Owner::User(_) | Owner::Pod(_))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| escape::text(text).into_owned();
        match self {
            Owner::Container { engine: Some(engine), id } => write!(out, "container {} ({engine})", text(id)),
            Owner::Container { engine: None, id } => write!(out, "container {}", text(id)),
            Owner::BuildStep(id) => write!(out, "build step {} (BuildKit)", text(id)),
            Owner::Pod(id) => write!(out, "pod {}", text(id)),
            Owner::Unit(name) => out.write_str(&text(name)),
            Owner::VirtualMachine(name) => write!(out, "virtual machine {}", text(name)),
            Owner::Job { system, id } => write!(out, "{system} job {}", text(id)),
            Owner::Session { user, id } => write!(out, "login session {} of user {}", text(id), text(user)),
            Owner::UserUnit { user, unit } => write!(out, "{} of user {}", text(unit), text(user)),
            Owner::Many(what) => out.write_str(what),
            Owner::User(user) => write!(out, "everything that user {} runs", text(user)),
        }
    }
}

/// Whose a cgroup is, and the cgroup that is all of theirs: the innermost that is known.
#[must_use]
pub fn of(path: &Path) -> Option<(Owner, PathBuf)> {
    path.ancestors().find_map(|outer| Some((here(outer)?, outer.to_owned())))
}

/// The innermost thing that a limit can belong to alone: what of a path is one container, service or the like.
#[must_use]
pub fn single(path: &Path) -> Option<(Owner, PathBuf)> {
    of(path).filter(|(owner, _)| owner.is_one())
}

/// Whose exactly that cgroup is.
#[must_use]
pub fn here(path: &Path) -> Option<Owner> {
    let name = path.file_name()?.to_str()?;
    let parent = path.parent().unwrap_or(Path::new("/"));
    let above = parent.file_name().and_then(|above| above.to_str()).unwrap_or_default();
    step(name, above)
        .or_else(|| pod(name))
        .or_else(|| many(name, parent))
        .or_else(|| container(name, above))
        .or_else(|| job(name, path))
        .or_else(|| machine(name, above))
        .or_else(|| unit(name, path))
}

/// `/buildkit/ID`: the parent is `buildkit` or what the daemon's configuration calls so.
fn step(name: &str, above: &str) -> Option<Owner> {
    (above == "buildkit" && !name.is_empty()).then(|| Owner::BuildStep(name.to_owned()))
}

fn is_hex(text: &str) -> bool {
    text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// BuildKit's ids have 25 letters and digits, others 32 or 64 hexadecimal ones.
fn is_id(text: &str) -> bool {
    text.len() >= 25 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `pod1-2-3-4-5`, `kubepods-burstable-pod1_2_3_4_5.slice`.
fn pod(name: &str) -> Option<Owner> {
    let unit = name.strip_suffix(".slice").and_then(|unit| unit.rsplit_once("-pod"));
    let uid = match unit {
        Some((front, uid)) if front.starts_with("kubepods") || front.contains("-kubepods") => uid.replace('_', "-"),
        _ => name.strip_prefix("pod").filter(|_| slice(name).is_none())?.to_owned(),
    };
    // A mirror pod has a hash in place of a UID.
    let is_uid = uid.len() >= 16 && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_uid.then_some(Owner::Pod(uid))
}

/// The name of a slice of systemd.
fn slice(name: &str) -> Option<&str> {
    name.strip_suffix(".slice")
}

fn many(name: &str, parent: &Path) -> Option<Owner> {
    let unit = slice(name);
    let base = unit.unwrap_or(name);
    let what = match base {
        "kubepods" => "all pods of the node",
        "burstable" | "kubepods-burstable" => "all Burstable pods of the node",
        "besteffort" | "kubepods-besteffort" => "all BestEffort pods of the node",
        "docker" | "libpod_parent" | "containers" | "lxc" => "all containers",
        "buildkit" => "all build steps",
        "system" if unit.is_some() => "all system services",
        "user" if unit.is_some() => "all users",
        "machine" => "all virtual machines and containers",
        "qemu" if parent.ends_with("machine") => "all virtual machines",
        _ if unit.is_some() => {
            let user = base.strip_prefix("user-").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
            return user.map(|id| Owner::User(id.to_owned()));
        }
        _ => return None,
    };
    Some(Owner::Many(what))
}

/// What engines put before an id in a scope's name.
const ENGINES: [(&str, &str); 6] = [
    ("docker", "docker"),
    ("cri-containerd", "containerd"),
    ("crio", "CRI-O"),
    ("libpod", "podman"),
    ("nerdctl", "nerdctl"),
    ("buildah", "buildah"),
];

fn container(name: &str, above: &str) -> Option<Owner> {
    let name = name.strip_suffix(".scope").or_else(|| name.strip_suffix(":init")).unwrap_or(name);
    if let Some((front, id)) = name.rsplit_once('-').filter(|(_, id)| is_id(id)) {
        let engine = ENGINES.iter().find(|(known, _)| front == *known).map(|(_, engine)| *engine);
        return Some(Owner::Container { engine, id: id.to_owned() });
    }
    if let Some(payload) = name.strip_prefix("lxc.payload.") {
        return Some(Owner::Container { engine: Some("LXC"), id: payload.to_owned() });
    }
    let engine = match above {
        "docker" => Some("docker"),
        "libpod_parent" => Some("podman"),
        "lxc" | "lxc.payload" => Some("LXC"),
        "garden" => Some("Garden"),
        _ => None,
    };
    let is_named = engine.is_some() && slice(name).is_none() && !name.is_empty();
    (is_id(name) || is_named && (is_hex(name) || above != "docker" || !name.contains('.')))
        .then(|| Owner::Container { engine, id: name.to_owned() })
}

fn job(name: &str, path: &Path) -> Option<Owner> {
    let names: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let behind =
        |start: &str| name.strip_prefix(start).filter(|id| id.bytes().all(|it| it.is_ascii_digit()) && !id.is_empty());
    if names.iter().any(|part| part.starts_with("slurm"))
        && let Some(id) = behind("job_")
    {
        return Some(Owner::Job { system: "Slurm", id: id.to_owned() });
    }
    let [.., above, _] = names[..] else { return None };
    let system = match above {
        "ecs" => "ECS",
        "nomad" => "Nomad",
        "htcondor" | "condor" => "HTCondor",
        "pbs_jobs" | "pbs_jobs.service" => "PBS",
        _ => return None,
    };
    Some(Owner::Job { system, id: name.to_owned() })
}

/// `machine-qemu\x2d1\x2dNAME.scope`, `NAME.libvirt-qemu`, Proxmox's `qemu.slice/100.scope`.
fn machine(name: &str, above: &str) -> Option<Owner> {
    if let Some(unit) = name.strip_prefix("machine-").and_then(|unit| unit.strip_suffix(".scope")) {
        let plain = unescape(unit);
        let of_qemu = plain.strip_prefix("qemu-").map(|rest| rest.split_once('-').map_or(rest, |(_, name)| name));
        return Some(match of_qemu {
            Some(name) => Owner::VirtualMachine(name.to_owned()),
            None => Owner::Container { engine: None, id: plain },
        });
    }
    if let Some(name) = name.strip_suffix(".libvirt-qemu") {
        return Some(Owner::VirtualMachine(name.to_owned()));
    }
    let id = name.strip_suffix(".scope")?;
    (above == "qemu.slice").then(|| Owner::VirtualMachine(id.to_owned()))
}

fn unit(name: &str, path: &Path) -> Option<Owner> {
    let user = path.iter().find_map(|part| {
        let part = part.to_str()?;
        part.strip_prefix("user@")?.strip_suffix(".service")
    });
    let is_unit = [".service", ".scope", ".socket", ".mount", ".swap"].iter().any(|end| name.ends_with(end));
    if !is_unit {
        return None;
    }
    if let Some(id) = name.strip_prefix("session-").and_then(|id| id.strip_suffix(".scope")) {
        let owner = path.iter().find_map(|part| part.to_str()?.strip_prefix("user-")?.strip_suffix(".slice"));
        return Some(Owner::Session { user: owner.unwrap_or("unknown").to_owned(), id: id.to_owned() });
    }
    match user {
        Some(user) if !name.starts_with("user@") => {
            Some(Owner::UserUnit { user: user.to_owned(), unit: unescape(name) })
        }
        Some(user) => Some(Owner::User(user.to_owned())),
        None => Some(Owner::Unit(unescape(name))),
    }
}

/// systemd's `\x2d` as the letter that it stands for.
fn unescape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find("\\x") {
        text.push_str(&rest[..at]);
        let byte = rest.get(at + 2..at + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = byte.filter(u8::is_ascii) {
            text.push(char::from(byte));
            rest = &rest[at + 4..];
        } else {
            text.push_str("\\x");
            rest = &rest[at + 2..];
        }
    }
    text + rest
}

/// Whose a process is by its name alone, where no cgroup is in the log.
#[must_use]
pub fn by_name(name: &[u8]) -> Option<&'static str> {
    let machine = [&b"qemu"[..], b"kvm", b"firecracker", b"cloud-hypervis", b"VBoxHeadless", b"vmware-vmx", b"bhyve"];
    machine.iter().any(|start| name.starts_with(start)).then_some("a virtual machine")
}

#[cfg(test)]
#[path = "owner_tests.rs"]
mod tests;
