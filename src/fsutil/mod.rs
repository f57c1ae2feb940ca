//! Files as a program that runs as root has to handle them: atomically, and never somebody else's.

pub mod atomic_file;
pub mod private_directory;
