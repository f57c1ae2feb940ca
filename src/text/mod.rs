//! How things are shown to people: text from strangers, escaped for a terminal, and sizes.

pub mod checksum;
pub mod escape;
pub mod size;
