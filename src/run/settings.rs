//! What a job gets: from its class, sharpened by the command line. Pure.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::policy::class::{Class, OomGroup, Size};
use crate::system::oom_score_adj::OomScoreAdj;

/// Below this much memory not even a shell starts, in bytes.
const LEAST: u64 = 4 << 20;

/// The directories that programs fill with temporary files, and forget.
pub const TEMPORARY: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// What the command line says beside the class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `--memory-max`
    pub max: Option<Size>,
    /// `--memory-high`
    pub high: Option<Size>,
    /// `--swap-max`
    pub swap_max: Option<Size>,
    /// `--tmpfs`
    pub tmpfs: Vec<TmpfsOption>,
    /// Whether /tmp, /var/tmp and /dev/shm are the job's own.
    pub temporary: Temporary,
}

/// Whether the job has temporary directories of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Temporary {
    /// [`TEMPORARY`] are.
    #[default]
    Own,
    /// They are the host's.
    Hosts,
}

/// `--tmpfs PATH[:size=SIZE]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TmpfsOption {
    /// Where.
    pub path: PathBuf,
    /// Its size, where one was given.
    pub size: Option<Size>,
}

/// What the job gets. Sizes are bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The name of its class, `keep` for none.
    pub class: String,
    /// Its `oom_score_adj`; `None` leaves it as it is.
    pub score: Option<OomScoreAdj>,
    /// Whether the kernel kills the job as a group (`memory.oom.group`).
    pub oom_group: bool,
    /// `memory.max`
    pub max: Option<u64>,
    /// `memory.high`
    pub high: Option<u64>,
    /// `memory.swap.max`
    pub swap_max: Option<u64>,
    /// Directories that share one tmpfs, so that its size bounds all of them.
    pub shared: Vec<PathBuf>,
    /// The size of that tmpfs.
    pub shared_size: u64,
    /// Directories with a tmpfs each.
    pub tmpfs: Vec<(PathBuf, u64)>,
}

impl Settings {
    /// Whether the job gets a tmpfs at that path, or above it.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        let own = self.tmpfs.iter().map(|(point, _)| point);
        self.shared.iter().chain(own).any(|point| path.starts_with(point))
    }
}

/// Sizes that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// No process fits.
    #[error("{option} {size} is too small: a shell alone needs about 4 MiB")]
    TooSmall {
        /// The option.
        option: &'static str,
        /// What it says.
        size: Size,
    },
    /// `memory.high` would never be reached.
    #[error("--memory-high {high} is above the limit of {max} bytes: lower it, or raise --memory-max")]
    HighAboveMax {
        /// The size for `memory.high`.
        high: Size,
        /// The limit in bytes.
        max: u64,
    },
    /// Of what the percentage is is not known.
    #[error("{option} {size}: the size of the machine's RAM is not known; give bytes, such as 2GiB")]
    MemoryUnknown {
        /// The option.
        option: &'static str,
        /// What it says.
        size: Size,
    },
    /// A tmpfs of size 0 is one without a bound.
    #[error("--tmpfs {}: the size must be between 1 and the machine's RAM, not {size}", path.display())]
    Tmpfs {
        /// Where.
        path: PathBuf,
        /// What the option says.
        size: Size,
    },
    /// A mount point is an absolute path.
    #[error("--tmpfs {}: the path must be absolute and not /", .0.display())]
    NotAbsolute(PathBuf),
}

/// What a job of that class gets on a machine with `memory` bytes of RAM. Of two limits the lower holds.
///
/// # Errors
/// [`SettingsError`]
pub fn settings(class: Option<&Class>, wanted: &Wanted, memory: Option<u64>) -> Result<Settings, SettingsError> {
    let lower = |option, from_class: Option<Size>, given: Option<Size>| -> Result<Option<u64>, SettingsError> {
        let own = bytes(option, given, memory)?;
        // A percentage of a class that says nothing here is no fault of the caller's.
        let from_class = from_class.and_then(|size| size.bytes(memory));
        Ok(own.into_iter().chain(from_class).min())
    };
    let max = lower("--memory-max", class.and_then(|class| class.memory_max), wanted.max)?;
    let high = lower("--memory-high", class.and_then(|class| class.memory_high), wanted.high)?;
    let swap_max = lower("--swap-max", class.and_then(|class| class.swap_max), wanted.swap_max)?;
    for (option, given) in [("--memory-max", wanted.max), ("--memory-high", wanted.high)] {
        if let Some(size) = given
            && bytes(option, given, memory)?.is_some_and(|bytes| bytes < LEAST)
        {
            return Err(SettingsError::TooSmall { option, size });
        }
    }
    if let (Some(given), Some(high), Some(max)) = (wanted.high, high, max)
        && high > max
    {
        return Err(SettingsError::HighAboveMax { high: given, max });
    }
    // Half of what the job may use: what is in it counts as the job's memory, so the limit holds as well.
    let usual = max.into_iter().chain(memory).min().unwrap_or(1 << 30) / 2;
    let mut own = Vec::new();
    for option in &wanted.tmpfs {
        own.push((mount_point(&option.path)?, tmpfs_size(option, usual, memory)?));
    }
    let is_given = |path: &Path| own.iter().any(|(given, _)| given == path);
    let shared = match wanted.temporary {
        Temporary::Own => TEMPORARY.iter().map(PathBuf::from).filter(|path| !is_given(path)).collect(),
        Temporary::Hosts => Vec::new(),
    };
    // What is mounted further up comes first, or it would hide the other.
    own.sort_by_key(|(path, _)| path.components().count());
    Ok(Settings {
        class: class.map_or("keep", |class| &class.name).to_owned(),
        score: class.map(|class| class.oom_score_adj),
        oom_group: class.is_some_and(|class| class.oom_group == OomGroup::Set),
        max,
        high,
        swap_max,
        shared,
        shared_size: usual,
        tmpfs: own,
    })
}

fn bytes(option: &'static str, size: Option<Size>, memory: Option<u64>) -> Result<Option<u64>, SettingsError> {
    let Some(size) = size else { return Ok(None) };
    size.bytes(memory).map(Some).ok_or(SettingsError::MemoryUnknown { option, size })
}

fn mount_point(path: &Path) -> Result<PathBuf, SettingsError> {
    let plain = path.components().all(|part| part != std::path::Component::ParentDir);
    if !path.is_absolute() || path.parent().is_none() || !plain {
        return Err(SettingsError::NotAbsolute(path.to_owned()));
    }
    Ok(path.components().collect())
}

fn tmpfs_size(option: &TmpfsOption, usual: u64, memory: Option<u64>) -> Result<u64, SettingsError> {
    let Some(size) = option.size else { return Ok(usual) };
    let bytes = bytes("--tmpfs", Some(size), memory)?.unwrap_or(0);
    if bytes == 0 || memory.is_some_and(|memory| bytes > memory) {
        return Err(SettingsError::Tmpfs { path: option.path.clone(), size });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file;

    const RAM: Option<u64> = Some(16 << 30);

    fn of(class: &str, wanted: &Wanted) -> Result<Settings, SettingsError> {
        let policy = file::parse(&format!("[class.build-step]\noom_score_adj = 500\n{class}"), Path::new("p")).unwrap();
        settings(policy.class("build-step"), wanted, RAM)
    }

    fn size(bytes: u64) -> Size {
        Size::Bytes(bytes)
    }
    #[test]
    fn the_lower_limit_holds() {
        let class = "memory_max = \"4GiB\"\nswap_max = 0\n";
        let got =
            of(class, &Wanted { max: Some(size(1 << 30)), swap_max: Some(size(5)), ..Wanted::default() }).unwrap();
        assert_eq!((got.max, got.swap_max), (Some(1 << 30), Some(0)));
        let got = of(class, &Wanted { max: Some(size(8 << 30)), ..Wanted::default() }).unwrap();
        assert_eq!(got.max, Some(4 << 30), "the command line cannot lift the class's limit");
        assert_eq!(
            of("", &Wanted { max: Some(Size::Percent(50)), ..Wanted::default() }).unwrap().max,
            Some((16 << 30) / 100 * 50)
        );
    }

    #[test]
    fn temporary_directories_share_one_bound() {
        let got = of("", &Wanted::default()).unwrap();
        assert_eq!((got.shared.len(), got.shared_size, got.tmpfs.len()), (3, 8 << 30, 0));
        let tmp = TmpfsOption { path: "/tmp/".into(), size: Some(size(1 << 20)) };
        let got = of("", &Wanted { max: Some(size(1 << 30)), tmpfs: vec![tmp], ..Wanted::default() }).unwrap();
        assert_eq!((got.shared.len(), got.shared_size), (2, 1 << 29));
        assert_eq!(got.tmpfs, [("/tmp".into(), 1 << 20)]);
        assert!(
            got.covers(Path::new("/tmp/a")) && got.covers(Path::new("/dev/shm")) && !got.covers(Path::new("/tmpx"))
        );
        let none = of("", &Wanted { temporary: Temporary::Hosts, ..Wanted::default() }).unwrap();
        assert!(none.shared.is_empty() && !none.covers(Path::new("/tmp")));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let refused = |wanted: Wanted| of("", &wanted).unwrap_err().to_string();
        assert!(refused(Wanted { max: Some(size(0)), ..Wanted::default() }).starts_with("--memory-max 0 is too small"));
        let both = Wanted { max: Some(size(1 << 30)), high: Some(size(2 << 30)), ..Wanted::default() };
        assert!(refused(both).starts_with("--memory-high 2GiB is above the limit"));
        let tmpfs = |path: &str, bytes| Wanted {
            tmpfs: vec![TmpfsOption { path: path.into(), size: Some(size(bytes)) }],
            ..Wanted::default()
        };
        assert!(refused(tmpfs("/x", 0)).contains("between 1 and the machine's RAM"));
        assert!(refused(tmpfs("/x", 32 << 30)).contains("between 1 and the machine's RAM"));
        for path in ["x", "/", "/a/../b"] {
            assert!(refused(tmpfs(path, 1)).contains("must be absolute"), "{path}");
        }
        let percent = Wanted { max: Some(Size::Percent(10)), ..Wanted::default() };
        assert!(settings(None, &percent, None).is_err());
    }
}
