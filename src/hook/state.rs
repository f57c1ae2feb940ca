//! The part of a container's state that a hook needs (runtime-spec `runtime.md`, "State").

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

/// A container's state, as far as it is needed; what is missing has its type's default.
#[derive(Debug, Deserialize)]
pub(super) struct State {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) pid: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) bundle: PathBuf,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// Some runtimes write `null` for what they leave out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(value: D) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}
