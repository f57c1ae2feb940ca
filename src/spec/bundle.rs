//! Where the spec of a bundle is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The largest spec that is read, in bytes: 64 MiB.
///
/// An image chooses ENV and VOLUME, and Go writes `<` as six bytes, so a registry's 4 MiB of image configuration can become
/// more than 24 MiB of spec. What is larger is refused: a workload must not outgrow its score.
pub const LIMIT: u64 = 64 * 1024 * 1024;

/// The spec of a bundle, which runtimes read from `config.json` (runtime-spec `bundle.md`).
#[must_use]
pub fn spec_path(bundle: &Path) -> PathBuf {
    bundle.join(OsStr::new("config.json"))
}

/// The bundle's absolute path, as rules see it; without one, the working directory's.
#[must_use]
pub fn absolute_path(bundle: Option<&OsStr>) -> PathBuf {
    let bundle = bundle.map_or(Path::new("."), Path::new);
    let absolute = std::path::absolute(bundle).unwrap_or_else(|_| bundle.to_owned());
    // Behind `..` may stand a symbolic link, so only the file system knows where it leads.
    if absolute.components().any(|part| part == std::path::Component::ParentDir) {
        return std::fs::canonicalize(&absolute).unwrap_or(absolute);
    }
    absolute
}
