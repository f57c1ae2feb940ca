//! What tracing hands its events to: each becomes one record at the place that the policy names.
//!
//! tracing-journald sends on a socket that waits, which is what must not happen when memory is gone, and
//! tracing-subscriber would add 243 KiB to a program of 1.3 MiB. Spans are not used: a shim lives for a millisecond.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata};

use super::record::Record;
use super::{Level, Log, LogTo};
use crate::text::escape;

/// Writes events where the policy says. A record that cannot be written is lost: it holds nothing up.
#[derive(Debug)]
pub struct Subscriber {
    log: Log,
}

impl Subscriber {
    /// A subscriber that writes there.
    #[must_use]
    pub fn new(log: Log) -> Self {
        Subscriber { log }
    }
}

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.log.to != LogTo::Off && Level::from(metadata.level()) <= self.log.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.log.to == LogTo::Off { LevelFilter::OFF } else { self.log.level.into() })
    }

    fn event(&self, event: &Event<'_>) {
        let mut record = Record::new(event.metadata().level().into());
        event.record(&mut record);
        let _ = self.log.to.send(&record);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    /// What comes from a container is escaped here, once for every target: a line break would end a field of journald's.
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = escape::text(value).into_owned(),
            "message_id" => self.message_id = Some(escape::text(value).into_owned()),
            name => self.fields.push((name, escape::text(value).into_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::subscriber::with_default;
    use tracing::{debug, info, warn};

    fn events() {
        let absent: Option<String> = None;
        warn!(message_id = "f00d", id = "c\n\"x", absent, score = 7, "clamped\n\u{1b}[2J");
        debug!("not important");
        info!(command = %"a b", "done");
    }

    #[test]
    fn events_of_the_level_are_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        with_default(Subscriber::new(Log { to: LogTo::File(path.clone()), level: Level::Info }), events);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!((&lines[0]["msg"], &lines[0]["level"]), (&"clamped\\n\\u{1b}[2J".into(), &"warn".into()));
        assert_eq!((&lines[0]["id"], &lines[0]["score"]), (&"c\\n\"x".into(), &"7".into()));
        assert!(lines[0].get("absent").is_none() && lines[0].get("message_id").is_none(), "{text}");
        assert_eq!((&lines[1]["msg"], &lines[1]["command"]), (&"done".into(), &"a b".into()));
    }

    #[test]
    fn off_writes_nothing() {
        with_default(Subscriber::new(Log { to: LogTo::Off, level: Level::Debug }), || {
            assert!(!tracing::enabled!(tracing::Level::ERROR));
        });
    }
}
