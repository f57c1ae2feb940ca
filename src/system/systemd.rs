//! What systemd says of a unit, asked by systemctl(1): only where systemd runs, and never for long.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long systemctl may take. It waits for systemd, which may be the one that is in trouble.
const PATIENCE: Duration = Duration::from_secs(2);

/// The main process of a unit (`MainPID`); `None` where systemd does not run, does not answer, or knows of none.
///
/// `root` is the directory that the machine's files are below, `/`. The program is the one there, never one of PATH.
#[must_use]
pub fn main_pid(root: &Path, unit: &str) -> Option<u32> {
    // sd_booted(3)
    if !root.join("run/systemd/system").is_dir() {
        return None;
    }
    let program = ["usr/bin/systemctl", "bin/systemctl"].map(|path| root.join(path));
    let program = program.into_iter().find(|path| path.is_file())?;
    let mut command = Command::new(program);
    command.args(["show", "--property=MainPID", "--value", "--", unit]).env_clear();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    if !wait(&mut child, PATIENCE) {
        let _ = child.kill();
        let _ = child.wait();
        return None;
    }
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    let text = std::str::from_utf8(&output.stdout).ok()?;
    text.trim().parse().ok().filter(|&pid| pid > 0)
}

/// Whether the process has ended within that time.
fn wait(child: &mut Child, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn of(script: &str) -> Option<u32> {
        let root = tempfile::tempdir().unwrap();
        for directory in ["run/systemd/system", "usr/bin"] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let program = root.path().join("usr/bin/systemctl");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        main_pid(root.path(), "docker.service")
    }

    #[test]
    fn systemd_is_asked_for_the_main_process() {
        assert_eq!(of("[ \"$*\" = 'show --property=MainPID --value -- docker.service' ] && echo 71"), Some(71));
        for silent in ["echo 0", "echo", "echo 71; exit 1", "echo x"] {
            assert_eq!(of(silent), None, "{silent}");
        }
        assert_eq!(main_pid(Path::new("/nowhere"), "docker.service"), None);
    }

    #[test]
    fn a_systemd_that_hangs_is_not_waited_for() {
        assert_eq!(of("echo 71; /bin/sleep 60"), None);
    }
}
