//! What each target feeds to oomshim, and what must hold of the answer. A file here is a target; `targets/` only hands
//! libFuzzer's bytes on, so that the same checks run wherever there are bytes.
//!
//! Everything that comes from a tenant, an engine, the kernel or a file is a target. A panic, a wrong answer, a hang of
//! ten seconds and two gigabytes of memory are findings.

mod argv;
mod edit;
mod hook;
mod json;
mod judge;
mod lint;
mod policy;
mod proc;
mod record;
mod report;
mod series;
mod splice;
mod state;

pub use argv::argv;
pub use edit::edit;
pub use hook::hook;
pub use json::json;
pub use lint::{lint_json, lint_toml, lint_unit, lint_yaml};
pub use policy::policy;
pub use record::record;
pub use report::{kmsg, report};
pub use series::series;
pub use splice::splice;
pub use state::state;
