//! Flavor
/// The runtimes
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor { Runc, Crun, Youki, Runsc }
