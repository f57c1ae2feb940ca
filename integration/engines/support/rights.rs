//! The suite runs as root without `CAP_SYS_RESOURCE`, wherever it is: only so is there a score that cannot be set.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// `CAP_SYS_RESOURCE`'s bit and its name in setpriv(1).
const BIT: u32 = 24;
const NAME: &str = "-sys_resource";

/// Says that this process was started by the one that had the capability.
const MARK: &str = "OOMSHIM_ENGINES_WITHOUT_RIGHT";

/// Starts the suite anew without the capability, where it has it; nothing outside of the suite is changed.
pub(crate) fn give_up_sys_resource() -> Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    if !effective(&status)? {
        return Ok(());
    }
    ensure!(std::env::var_os(MARK).is_none(), "setpriv did not take CAP_SYS_RESOURCE away");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", NAME, "--inh-caps", NAME, "--"]).arg(std::env::current_exe()?);
    let error = command.args(std::env::args_os().skip(1)).env(MARK, "1").exec();
    bail!("cannot start setpriv, which is in util-linux: {error}")
}

fn effective(status: &str) -> Result<bool> {
    let line =
        status.lines().find_map(|line| line.strip_prefix("CapEff:")).context("no CapEff in /proc/self/status")?;
    Ok(u64::from_str_radix(line.trim(), 16)? >> BIT & 1 == 1)
}
