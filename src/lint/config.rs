//! The project's own settings: `.oomshim-lint.toml` in the directory that the linter is started in, or the nearest one
//! above it, no farther than the root of the repository.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;

/// What the file is called.
pub const NAME: &str = ".oomshim-lint.toml";

/// What a project settles once for all who lint it. What the command line says comes before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// The rules and groups to judge by.
    pub select: Vec<String>,
    /// The rules and groups not to judge by.
    pub ignore: Vec<String>,
    /// Globs, as in .gitignore, of what is not looked at. They are relative to the file's directory.
    pub exclude: Vec<String>,
    /// The least severity that makes the exit status 1.
    pub fail_on: Option<String>,
    /// The least confidence that is reported.
    pub min_confidence: Option<String>,
    /// A baseline, relative to the file's directory.
    pub baseline: Option<PathBuf>,
    /// The directory of the file.
    #[serde(skip)]
    pub directory: PathBuf,
}

/// Why the settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        reason: io::Error,
    },
    /// It does not say what it must.
    #[error("{}: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

impl Config {
    /// Reads that file.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(path).map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
        let malformed = |reason: String| ConfigError::Malformed { path: path.to_owned(), reason };
        let config: Config = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        Ok(Config { directory: path.parent().map(Path::to_owned).unwrap_or_default(), ..config })
    }

    /// Reads the nearest file at or above that directory; the default where there is none.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn nearest(start: &Path) -> Result<Self, ConfigError> {
        for directory in start.ancestors() {
            let path = directory.join(NAME);
            if path.is_file() {
                return Config::read(&path);
            }
            if directory.join(".git").exists() {
                break;
            }
        }
        Ok(Config::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_of_the_repository_counts() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        fs::create_dir_all(at("repository/.git")).unwrap();
        fs::create_dir_all(at("repository/a/b")).unwrap();
        fs::write(at(NAME), "ignore = ['outside']\n").unwrap();
        assert_eq!(Config::nearest(&at("repository/a/b")).unwrap(), Config::default());
        fs::write(at("repository").join(NAME), "ignore = ['oom-score-adj']\nfail-on = 'error'\n").unwrap();
        let found = Config::nearest(&at("repository/a/b")).unwrap();
        assert_eq!(
            (found.ignore, found.fail_on, found.directory),
            (vec!["oom-score-adj".into()], Some("error".into()), at("repository"))
        );
        fs::write(at("repository/a").join(NAME), "ignroe = []\n").unwrap();
        let error = Config::nearest(&at("repository/a/b")).unwrap_err().to_string();
        assert!(error.contains("ignroe") && error.contains("unknown field"), "{error}");
    }
}
