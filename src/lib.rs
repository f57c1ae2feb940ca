//! oomshim
