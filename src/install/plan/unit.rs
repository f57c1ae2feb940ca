//! Drop-ins of systemd units: what is in them, and what they make of the engine's next start.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::engines::Launch;

/// The drop-in with settings that make oomshim the runtime.
pub(super) const RUNTIME: &str = "50-oomshim.conf";

/// The drop-in that makes the daemon immune: on its own, because it has to go first.
pub(super) const IMMUNE: &str = "60-oomshim-immune.conf";

/// The path of a unit's drop-in. Never the unit itself or a copy of it: the next package would not change that.
pub(super) fn path(unit: &str, file: &str) -> PathBuf {
    Path::new("/etc/systemd/system").join(format!("{unit}.d")).join(file)
}

/// The text of a drop-in.
pub(super) fn text(lines: &[String]) -> String {
    let lines: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    format!("# Written by `oomshim install`, and removed by `oomshim uninstall`.\n{lines}")
}

/// What makes a daemon immune. The check asks systemd for the unit's command line, so that none is copied here; with the
/// `-` its answer goes to the journal and the daemon starts all the same.
pub(super) fn immunity(oomshim: &Path) -> Vec<String> {
    vec![
        "[Service]".to_owned(),
        "OOMScoreAdjust=-1000".to_owned(),
        "OOMPolicy=continue".to_owned(),
        format!("ExecStartPre=-{} protect --check-unit %n", oomshim.display()),
    ]
}

/// The engine as it will be started next: with the variables of a drop-in that was written since it was.
#[must_use]
pub fn next_start(launch: &Launch, service: Option<&str>) -> Launch {
    let mut next = launch.clone();
    let read = |unit| launch.files.read(&path(unit, RUNTIME)).ok().flatten();
    let text = service.and_then(read).unwrap_or_default();
    let variables = text.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b"Environment="));
    next.environment.extend(variables.filter_map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=')?;
        let of = |bytes: &[u8]| -> OsString { OsStr::from_bytes(bytes).to_owned() };
        Some((of(&pair[..at]), of(pair[at + 1..].trim_ascii_end())))
    }));
    next
}
