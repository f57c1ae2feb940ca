//! What to write where, so that oomshim starts an engine's workloads: for a person who follows it to the letter.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::escape;

/// What to do, and what that does to containers that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// Commands to run first.
    pub commands: Vec<String>,
    /// The change that makes oomshim the runtime.
    pub change: Change,
    /// What makes it take effect, and what becomes of containers and builds that run.
    pub effect: String,
}

/// A change of an engine's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Settings of a TOML or JSON file, which is made where it does not exist.
    Set {
        /// The file, as the engine names it.
        file: PathBuf,
        /// A fragment of the file's language: tables and keys.
        lines: Vec<String>,
    },
    /// The same for a template of text, from which a distribution writes the engine's file at every start.
    Template {
        /// The template.
        file: PathBuf,
        /// What it must begin with where it does not exist yet.
        first: Option<&'static str>,
        /// Tables that go to its end.
        lines: Vec<String>,
    },
    /// A drop-in of a systemd unit.
    Unit {
        /// The unit.
        unit: String,
        /// The drop-in.
        lines: Vec<String>,
    },
    /// An option on the engine's command line, which counts more than its file.
    Option(String),
}

impl Remedy {
    /// Settings of a file, and nothing to do before.
    #[must_use]
    pub fn set(file: impl Into<PathBuf>, lines: Vec<String>, effect: impl Into<String>) -> Remedy {
        Remedy { commands: Vec::new(), change: Change::Set { file: file.into(), lines }, effect: effect.into() }
    }
}

impl fmt::Display for Remedy {
    /// Several lines: what to do, the text to write, indented by four spaces, and what then happens.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for command in &self.commands {
            write!(out, "run `{command}`, and ")?;
        }
        let shown = |path: &Path| escape::bytes(path.as_os_str().as_encoded_bytes());
        let lines = match &self.change {
            Change::Set { file, lines } => {
                writeln!(out, "set in {}:", shown(file))?;
                lines
            }
            Change::Template { file, first: None, lines } => {
                writeln!(out, "add at the end of {}:", shown(file))?;
                lines
            }
            Change::Template { file, first: Some(first), lines } => {
                writeln!(out, "write the template {}:\n    {first}", shown(file))?;
                lines
            }
            Change::Unit { unit, lines } => {
                writeln!(out, "add with `systemctl edit {unit}`:")?;
                lines
            }
            Change::Option(option) => return write!(out, "start it with {option}; {}", self.effect),
        };
        for line in lines {
            writeln!(out, "    {line}")?;
        }
        out.write_str(&self.effect)
    }
}

/// A path or another text as a TOML or JSON string.
#[must_use]
pub fn quoted(path: &Path) -> String {
    // Both languages take a JSON string of printable text; a path with control characters is nobody's runtime.
    serde_json::Value::from(escape::bytes(path.as_os_str().as_encoded_bytes())).to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Does what the remedy says below `root`, as a person would: the fragment is merged into what the file has.
    ///
    /// A template is rendered as its distribution does: `rendered` gets the tables.
    pub(crate) fn follow(remedy: &Remedy, root: &Path, rendered: &Path) {
        for command in &remedy.commands {
            let words: Vec<&str> = command.split(' ').collect();
            let ["ln", "-s", target, link] = words[..] else { panic!("{command}") };
            std::os::unix::fs::symlink(target, below(root, Path::new(link))).unwrap();
        }
        match &remedy.change {
            Change::Set { file, lines } => merge(&below(root, file), &lines.join("\n")),
            Change::Template { file, first, lines } => {
                assert_eq!(first.is_none(), below(root, file).exists());
                merge(&below(root, rendered), &lines.join("\n"));
            }
            other => panic!("not a change of a file: {other:?}"),
        }
    }

    fn below(root: &Path, path: &Path) -> PathBuf {
        root.join(path.strip_prefix("/").unwrap())
    }

    fn merge(file: &Path, fragment: &str) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        let merged = if is_json {
            let mut value: serde_json::Value =
                if text.trim().is_empty() { serde_json::json!({}) } else { serde_json::from_str(&text).unwrap() };
            merge_json(&mut value, serde_json::from_str(fragment).unwrap());
            value.to_string()
        } else {
            let mut table: toml::Table = text.parse().unwrap();
            merge_table(&mut table, fragment.parse().unwrap());
            table.to_string()
        };
        std::fs::write(file, merged).unwrap();
    }

    fn merge_table(table: &mut toml::Table, more: toml::Table) {
        for (key, value) in more {
            match (table.get_mut(&key), value) {
                (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge_table(old, new),
                (_, value) => drop(table.insert(key, value)),
            }
        }
    }

    fn merge_json(value: &mut serde_json::Value, more: serde_json::Value) {
        match (value.as_object_mut(), more) {
            (Some(old), serde_json::Value::Object(new)) => {
                for (key, value) in new {
                    merge_json(old.entry(key).or_insert(serde_json::Value::Null), value);
                }
            }
            (_, more) => *value = more,
        }
    }

    #[test]
    fn text_has_the_file_the_lines_and_the_effect() {
        let mut remedy = Remedy::set("/etc/x.toml", vec!["[a]".into(), "b = 1".into()], "restart x");
        remedy.commands.push("ln -s a b".into());
        assert_eq!(remedy.to_string(), "run `ln -s a b`, and set in /etc/x.toml:\n    [a]\n    b = 1\nrestart x");
        let option =
            Remedy { commands: Vec::new(), change: Change::Option("--a=b".into()), effect: "restart x".into() };
        assert_eq!(option.to_string(), "start it with --a=b; restart x");
    }

    #[test]
    fn a_strange_path_stays_one_string() {
        assert_eq!(quoted(Path::new("/a\"b\n")), r#""/a\"b\\n""#);
    }
}
