//! Files as a program that runs as root has to handle them: atomically, never somebody else's, and below a root that
//! nothing leads out of.

pub mod atomic_file;
mod attributes;
pub mod confined;
pub mod private_directory;
