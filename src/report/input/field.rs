//! `FIELD=value` lines of `journalctl -o export` and `-o verbose`.

use std::collections::HashMap;

use super::super::time::{Time, Wall};
use super::json::{Message, journal};

/// What a line led to.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is a field of an entry.
    More,
    /// It ends an entry and is a line of its own.
    Message(Message),
    /// It is no field.
    Not,
}

/// The fields that are kept.
const KEPT: [&str; 7] = [
    "MESSAGE",
    "_TRANSPORT",
    "SYSLOG_FACILITY",
    "SYSLOG_IDENTIFIER",
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_SOURCE_MONOTONIC_TIMESTAMP",
];

/// An entry's fields, until it is complete.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: HashMap<&'static str, String>,
    /// Whether the lines before were fields, of any name.
    is_open: bool,
}

impl Fields {
    /// Takes a line.
    pub(super) fn line(&mut self, line: &[u8]) -> Taken {
        let Some((name, value)) = split(line) else {
            return self.finish().map_or(Taken::Not, Taken::Message);
        };
        // An entry begins with its cursor; its fields have underscores, or are of the journal's own.
        let begins = name == "__CURSOR" || name.starts_with('_') || KEPT.contains(&name) || name == "PRIORITY";
        if !self.is_open && !begins {
            return Taken::Not;
        }
        let done = if name == "__CURSOR" { self.finish() } else { None };
        self.is_open = true;
        if let Some(known) = KEPT.iter().find(|known| **known == name) {
            self.fields.insert(known, value.to_owned());
        }
        done.map_or(Taken::More, Taken::Message)
    }

    /// The entry that is open.
    pub(super) fn finish(&mut self) -> Option<Message> {
        let fields = std::mem::take(self).fields;
        let get = |name: &str| fields.get(name).map(String::as_str);
        let text = get("MESSAGE")?.as_bytes().to_vec();
        let micros = |name: &str| get(name).and_then(|micros| micros.parse().ok());
        let wall = micros("__REALTIME_TIMESTAMP").or_else(|| micros("_SOURCE_REALTIME_TIMESTAMP")).map(Wall::Epoch);
        let time = Time { since_boot: micros("_SOURCE_MONOTONIC_TIMESTAMP"), wall };
        Some(Message { text, time, source: journal(get, true) })
    }
}

fn split(line: &[u8]) -> Option<(&str, &str)> {
    let (name, value) = std::str::from_utf8(line).ok()?.split_once('=')?;
    let is_name = name.len() > 1 && name.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
    is_name.then_some((name, value))
}
