//! How things are shown to people: text from strangers, escaped for a terminal, sizes, and names made of a checksum.

pub mod checksum;
pub mod escape;
pub mod fixed;
pub mod size;
