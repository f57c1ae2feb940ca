//! Being a runtime: which family it is of ([`flavor`]), which options it knows (`tables`), how they are read (`options`)
//! and what a command line says ([`argv`]); where the real one is ([`locate`]) and which made a container ([`maker`]), what it wrote down about a container
//! ([`state`]), and how an error reaches the engine's user ([`failure`]).

pub mod argv;
pub mod failure;
pub mod flavor;
pub mod locate;
pub mod maker;
pub mod options;
pub mod state;
mod tables;
