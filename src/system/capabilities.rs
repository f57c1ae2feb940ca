//! What a process may do to the oom_score_adj of others: its capabilities, and the user namespace in which it has them.

use std::path::Path;

/// The bit of `CAP_SYS_RESOURCE` in a capability mask (capabilities(7)).
const CAP_SYS_RESOURCE: u32 = 24;

/// The bit of `CAP_SYS_ADMIN`.
const CAP_SYS_ADMIN: u32 = 21;

/// What a process may do to an oom_score_adj.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScorePrivilege {
    /// `CAP_SYS_RESOURCE` in the initial user namespace: any value, and what it writes cannot be undone by the step.
    Full,
    /// Without it a value can be raised but not lowered below its floor, and a raised one is not sticky.
    RaiseOnly,
}

impl ScorePrivilege {
    /// This process's.
    #[must_use]
    pub fn own(proc: &Path) -> ScorePrivilege {
        let status = std::fs::read(proc.join("self/status")).unwrap_or_default();
        // `capable()` asks for the capability in the initial user namespace.
        let full = has_sys_resource(&status).unwrap_or(false) && in_initial_user_namespace(proc);
        if full { ScorePrivilege::Full } else { ScorePrivilege::RaiseOnly }
    }
}

/// Whether `CAP_SYS_RESOURCE` is effective, by the text of `/proc/PID/status`; `None` where that does not say.
#[must_use]
pub fn has_sys_resource(status: &[u8]) -> Option<bool> {
    Some(effective(status)? & (1 << CAP_SYS_RESOURCE) != 0)
}

/// Whether this process may make namespaces and mount in them (`CAP_SYS_ADMIN`, in whichever user namespace it is).
#[must_use]
pub fn has_sys_admin(proc: &Path) -> bool {
    let status = std::fs::read(proc.join("self/status")).unwrap_or_default();
    effective(&status).is_some_and(|mask| mask & (1 << CAP_SYS_ADMIN) != 0)
}

/// The effective capabilities, as a mask.
fn effective(status: &[u8]) -> Option<u64> {
    let mask = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"CapEff:"))?;
    u64::from_str_radix(std::str::from_utf8(mask).ok()?.trim(), 16).ok()
}

/// Whether this process is in the initial user namespace.
#[must_use]
pub fn in_initial_user_namespace(proc: &Path) -> bool {
    std::fs::read(proc.join("self/uid_map")).is_ok_and(|map| is_initial_map(&map))
}

/// Whether a `uid_map` is that of the initial user namespace, which covers all of the 32-bit range.
#[must_use]
pub fn is_initial_map(map: &[u8]) -> bool {
    let fields = map.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    fields.eq([&b"0"[..], b"0", b"4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capability_counts_in_the_initial_user_namespace_only() {
        let full = "Name:\tx\nCapEff:\t000001ffffffffff\n";
        let without = "Name:\tx\nCapEff:\t000001fffeffffff\n";
        let initial = "         0          0 4294967295\n";
        let cases = [
            (full, initial, ScorePrivilege::Full),
            (without, initial, ScorePrivilege::RaiseOnly),
            (full, "0 100000 65536\n", ScorePrivilege::RaiseOnly),
            ("", "", ScorePrivilege::RaiseOnly),
        ];
        for (status, map, expected) in cases {
            let root = tempfile::tempdir().unwrap();
            std::fs::create_dir(root.path().join("self")).unwrap();
            std::fs::write(root.path().join("self/status"), status).unwrap();
            std::fs::write(root.path().join("self/uid_map"), map).unwrap();
            assert_eq!(ScorePrivilege::own(root.path()), expected, "{status:?} {map:?}");
        }
        assert_eq!((has_sys_resource(full.as_bytes()), has_sys_resource(b"CapEff:\tx\n")), (Some(true), None));
    }
}
