//! What an engine itself makes of its configuration, before and after: oomshim's handler is new, and nothing else changed.
//!
//! containerd 1.7 replaces a plugin's whole table by that of an imported file, and 2.0 to 2.2 lose one of two files of
//! different versions without a word. Only the daemon's own program tells.

use std::process::Command;

use toml::{Table, Value};

use super::ProofError;
use crate::engines::Engine;
use crate::install::ask::{AskError, ask};
use crate::install::target::Instance;

const PATIENCE: u64 = 60;

/// The configuration as the engine's program reads it; nothing for one that does not tell.
#[derive(Debug, Default)]
pub struct Effective(Option<Table>);

impl Effective {
    /// Asks the very program that runs, with the file that it was started with.
    ///
    /// # Errors
    /// [`ProofError`] where it cannot read its configuration.
    pub fn of(instance: &Instance) -> Result<Effective, ProofError> {
        if instance.target.engine() != Engine::Containerd {
            return Ok(Effective(None));
        }
        let (Some(program), Some(file)) = (&instance.launch.program, Engine::Containerd.config_file(&instance.launch))
        else {
            return Ok(Effective(None));
        };
        let file = instance.launch.files.directory().join(file);
        let answer = ask(Command::new(program).arg("--config").arg(&file).args(["config", "dump"]), PATIENCE)?;
        let table = answer.out.parse().map_err(|error: toml::de::Error| {
            ProofError::Otherwise(format!("`containerd config dump` is not TOML: {}", error.message()))
        })?;
        Ok(Effective(Some(table)))
    }

    /// Whether the only difference is a handler of oomshim.
    ///
    /// # Errors
    /// [`ProofError::Otherwise`] with what is lost, or where the handler is not there.
    pub fn expect_only_ours(&self, after: &Effective) -> Result<(), ProofError> {
        let (Some(before), Some(after)) = (&self.0, &after.0) else { return Ok(()) };
        let (mut before, mut after) = (before.clone(), after.clone());
        take_ours(&mut before);
        if !take_ours(&mut after) {
            return Err(ProofError::Otherwise(
                "containerd does not see the handler `oomshim` in what was written".into(),
            ));
        }
        match difference(&Value::Table(before), &Value::Table(after), "") {
            None => Ok(()),
            Some(place) => {
                Err(ProofError::Otherwise(format!("containerd would read other settings of yours otherwise: {place}")))
            }
        }
    }
}

/// Removes the handler, and which files were read; gives whether it was there.
fn take_ours(table: &mut Table) -> bool {
    table.remove("imports");
    let Some(plugins) = table.get_mut("plugins").and_then(Value::as_table_mut) else { return false };
    let mut found = false;
    for (_, plugin) in plugins.iter_mut() {
        let handlers = plugin.get_mut("containerd").and_then(|it| it.get_mut("runtimes")).and_then(Value::as_table_mut);
        found |= handlers.is_some_and(|handlers| handlers.remove("oomshim").is_some());
    }
    found
}

/// The place of the first difference.
fn difference(before: &Value, after: &Value, place: &str) -> Option<String> {
    match (before, after) {
        (Value::Table(old), Value::Table(new)) => {
            let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let place = format!("{place}.{key}");
                match (old.get(key), new.get(key)) {
                    (Some(old), Some(new)) => difference(old, new, &place),
                    // Empty tables come and go with what is shown of them.
                    (Some(Value::Table(one)), None) | (None, Some(Value::Table(one))) if one.is_empty() => None,
                    _ => Some(place),
                }
            })
        }
        _ if before == after => None,
        _ => Some(format!("{place} ({before} became {after})")),
    }
}

/// Asks a dockerd that knows `--validate` (23.0) whether it would start with its file as it is now.
///
/// # Errors
/// [`ProofError`] where it would not.
pub fn validate(instance: &Instance) -> Result<(), ProofError> {
    let (Engine::Dockerd, Some(program)) = (instance.target.engine(), &instance.launch.program) else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(instance.launch.args.iter().skip(1)).arg("--validate");
    match ask(&mut command, PATIENCE) {
        Err(AskError::Failed { said, .. }) if said.contains("unknown flag: --validate") => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(text: &str) -> Effective {
        Effective(Some(text.parse().unwrap()))
    }

    #[test]
    fn nothing_but_the_handler_may_change() {
        let runc = "imports = ['a']\n[plugins.x.containerd.runtimes.runc.options]\nSystemdCgroup = true\n";
        let ours = "[plugins.x.containerd.runtimes.oomshim]\na = 1\n";
        let both = format!("{runc}{ours}");
        assert!(dump(runc).expect_only_ours(&dump(&both)).is_ok());
        assert!(dump(runc).expect_only_ours(&dump(runc)).unwrap_err().to_string().contains("does not see"));
        let lost = dump(runc).expect_only_ours(&dump(ours)).unwrap_err().to_string();
        assert!(lost.contains(".plugins.x.containerd.runtimes.runc"), "{lost}");
        let changed = both.replace("true", "false");
        assert!(dump(runc).expect_only_ours(&dump(&changed)).unwrap_err().to_string().contains("became false"));
    }
}
