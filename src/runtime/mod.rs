//! Being a runtime: which grammar its command line has ([`flavor`]), how its options are read (`options`) and what they
//! say ([`argv`]), where the real one is ([`locate`]), what it wrote down about a container ([`state`]), and how an error
//! reaches the engine's user ([`failure`]).

pub mod argv;
pub mod failure;
pub mod flavor;
pub mod locate;
mod options;
pub mod state;
