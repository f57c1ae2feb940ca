//! How things are shown to people: text from strangers, escaped for a terminal.

pub mod escape;
