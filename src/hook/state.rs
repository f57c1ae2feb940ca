//! The container's state on standard input (runtime-spec `runtime.md`, "State"), as oci-spec's type has it.
//!
//! oci-spec knows what a right state is. Engines send a little else: `null` for what they leave out, fields of their own,
//! and no `status` at all. What is `null` is left out before the type is asked, and the last of duplicate keys counts, as
//! in Go, in which these states are written.

use oci_spec::runtime::State;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Error, Map, Value};

/// Reads a container's state.
///
/// # Errors
/// `serde_json`'s, for what is no state. `status` has to be there: oci-spec takes a missing one for `stopped`.
pub(super) fn read(bytes: &[u8]) -> Result<State, Error> {
    let mut fields: Map<String, Value> = serde_json::from_slice(bytes)?;
    fields.retain(|_, value| !value.is_null());
    if !fields.contains_key("status") {
        return Err(Error::missing_field("status"));
    }
    State::deserialize(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::runtime::ContainerState;

    #[test]
    fn what_engines_leave_out_is_no_error() {
        let full =
            br#"{"ociVersion":"1.2.0","id":"a","status":"creating","pid":7,"bundle":"/b","annotations":{"k":"v"}}"#;
        let state = read(full).unwrap();
        assert_eq!((state.id().as_str(), *state.status(), *state.pid()), ("a", ContainerState::Creating, Some(7)));
        let nulls = br#"{"id":null,"status":"created","pid":7,"bundle":null,"annotations":null,"owner":{"x":[null]}}"#;
        let state = read(nulls).unwrap();
        assert_eq!((state.id().as_str(), state.annotations(), *state.pid()), ("", &None, Some(7)));
        let twice = br#"{"status":"stopped","status":"created","pid":7,"pid":8}"#;
        assert_eq!(*read(twice).unwrap().pid(), Some(8));
    }

    #[test]
    fn what_is_no_state_says_why() {
        let why = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert!(why("").contains("EOF") && why("[]").contains("expected a map"), "{}", why("[]"));
        assert_eq!(
            (why("{}"), why(r#"{"status":null}"#)),
            ("missing field `status`".into(), "missing field `status`".into())
        );
        assert!(why(r#"{"status":"paused"}"#).starts_with("unknown variant `paused`"));
        assert!(why(r#"{"status":"created","pid":"7"}"#).contains("invalid type"));
    }
}
