//! The reader of runtimes' command lines.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use oomshim::runtime::argv::{self, CommandLine};
use oomshim::runtime::failure;
use oomshim::runtime::flavor::Flavor;

/// The last byte chooses the flavor, NUL and line breaks divide the arguments. Every value is one of them, or the end of one.
pub fn argv(data: &[u8]) {
    let Some((choice, line)) = data.split_last() else { return };
    let flavor = Flavor::ALL[usize::from(*choice) % Flavor::ALL.len()];
    let args: Vec<&OsStr> = line.split(|byte| matches!(byte, 0 | b'\n')).map(OsStr::from_bytes).collect();
    let is_end = |value: &OsStr| args.iter().any(|arg| arg.as_bytes().ends_with(value.as_bytes()));
    match argv::parse(flavor, &args) {
        CommandLine::Container(it) => {
            assert!(args.contains(&it.id), "{:?} is no argument", it.id);
            let values = [it.bundle, it.config, it.process, it.global.root, it.global.log, it.global.log_format];
            assert!(values.into_iter().flatten().all(is_end));
            let _ = it.spec_path();
            let _ = it.cgroup_manager();
        }
        CommandLine::Unrecognized { why, subcommand, global } => {
            assert!([global.root, global.log, global.log_format].into_iter().flatten().all(is_end));
            let text = failure::line(&why.to_string());
            assert_eq!(text.trim_end_matches('\n').lines().count(), 1, "{text:?}");
            let _ = failure::exit_status(subcommand);
        }
        CommandLine::Other => {}
    }
}
