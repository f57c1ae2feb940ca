//! One event as text: its level, a sentence for people, and the same in parts for programs.

use super::Level;

/// One thing to be known about a container or a daemon. All text in it is escaped: no line break, no control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// How important it is.
    pub(super) level: Level,
    /// A sentence for people.
    pub(super) message: String,
    /// What kind of record it is: 32 hexadecimal digits, by which `journalctl -x` finds the explanation (catalog).
    pub(super) message_id: Option<String>,
    /// The fields of the event by name, in its order.
    pub(super) fields: Vec<(&'static str, String)>,
}

impl Record {
    /// An empty record of that level.
    pub(super) fn new(level: Level) -> Record {
        Record { level, message: String::new(), message_id: None, fields: Vec::new() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record with something of everything.
    pub(in crate::log) fn example() -> Record {
        Record {
            level: Level::Warn,
            message: "clamped\\n\\u{1b}[2J".into(),
            message_id: Some("f00d".into()),
            fields: vec![("id", "c\u{fffd}\\n\"x".into()), ("score", "0".into())],
        }
    }
}
