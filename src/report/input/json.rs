//! JSON of journalctl, dmesg, container engines and log services: objects with a message in them, on one line or many.

use serde_json::{Map, Value};

use super::super::time::{Time, Wall, wall};

/// What a line of JSON led to.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is part of a value that is not complete yet.
    More,
    /// A value.
    Value(Value),
    /// It is no JSON, and so are the lines before it that looked like it.
    Not(Vec<Vec<u8>>),
}

/// Something that was written, in JSON or fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) text: Vec<u8>,
    pub(super) time: Time,
    pub(super) source: Source,
}

/// Who wrote it, as far as the form says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The kernel.
    Kernel {
        /// Whether the journal or dmesg says so itself.
        is_proven: bool,
    },
    /// A program.
    Program(Vec<u8>),
    /// The text has to say.
    Unknown,
}

/// The largest value that is put together, in bytes. The kernel's buffer has rarely more than 16 MiB.
const LARGEST: usize = 64 << 20;

/// Puts the lines of a value together.
#[derive(Debug, Default)]
pub(super) struct Json {
    lines: Vec<Vec<u8>>,
    size: usize,
    depth: usize,
    in_string: bool,
}

impl Json {
    /// Takes a line; `unquoted` is it without quoting marks.
    pub(super) fn line(&mut self, line: &[u8], unquoted: &[u8]) -> Taken {
        if self.lines.is_empty() && !begins(line) && !begins(unquoted) {
            return Taken::Not(Vec::new());
        }
        let begins_here = self.lines.is_empty();
        let text = if begins_here && begins(line) { start(line) } else { line.trim_ascii() };
        let text = if begins_here && !begins(line) { unquoted } else { text };
        let fits = begins_here
            || text.is_empty()
            || matches!(text[0], b'"' | b'{' | b'}' | b'[' | b']' | b',' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n');
        if !fits || self.size + text.len() > LARGEST {
            let lines = self.finish();
            return Taken::Not(lines);
        }
        self.size += text.len();
        self.count(text);
        self.lines.push(text.to_vec());
        if self.depth > 0 && !(self.lines.len() == 1 && self.in_string) {
            return Taken::More;
        }
        let whole = self.lines.concat();
        match serde_json::from_slice(whole.strip_suffix(b",").unwrap_or(&whole)) {
            Ok(value) => {
                self.finish();
                Taken::Value(value)
            }
            Err(_) => Taken::Not({
                let mut lines = self.finish();
                // The last is the caller's line, which the caller has.
                lines.pop();
                lines
            }),
        }
    }

    /// The lines of a value that never ended.
    pub(super) fn finish(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(self).lines
    }

    fn count(&mut self, text: &[u8]) {
        let mut is_escaped = false;
        for byte in text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if self.in_string => is_escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// `json-sse` and `json-seq` put something before each object.
fn start(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\x1e").unwrap_or(line);
    line.strip_prefix(b"data: ").unwrap_or(line).trim_ascii()
}

/// Whether a line may begin a value: `[   12.345678]` does not.
fn begins(line: &[u8]) -> bool {
    let text = start(line);
    match text.first() {
        Some(b'{') => matches!(text[1..].trim_ascii_start().first(), None | Some(b'"' | b'}')),
        Some(b'[') => matches!(text[1..].trim_ascii_start().first(), None | Some(b'{')),
        _ => false,
    }
}

/// Where programs put what was written, the surest first.
const MESSAGES: [&str; 16] = [
    "MESSAGE",
    "msg",
    "log",
    "message",
    "Message",
    "textPayload",
    "@message",
    "_raw",
    "short_message",
    "text",
    "body",
    "line",
    "full_message",
    "content",
    "event",
    "data",
];

/// Where they put when.
const TIMES: [&str; 11] = [
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "Timestamp",
    "_time",
    "date",
    "receiveTimestamp",
    "ingestionTime",
];

/// How deep objects with messages may lie.
const DEPTH: usize = 8;

/// All messages of a value, in its order.
pub(super) fn messages(value: &Value, out: &mut Vec<Message>) {
    walk(value, &Time::default(), 0, out);
}

fn walk(value: &Value, outer: &Time, depth: usize, out: &mut Vec<Message>) {
    if depth > DEPTH {
        return;
    }
    match value {
        Value::Array(values) => match line_of_loki(values) {
            Some((mut time, text)) => {
                time.or(outer.clone());
                out.push(Message { text, time, source: Source::Unknown });
            }
            None => values.iter().for_each(|value| walk(value, outer, depth + 1, out)),
        },
        Value::Object(object) => {
            let mut time = time(object);
            time.or(outer.clone());
            let found = MESSAGES.iter().find_map(|name| Some((*name, text(object.get(*name)?)?)));
            if let Some((name, text)) = found {
                return message(object, name, text, time, depth, out);
            }
            object.values().for_each(|value| walk(value, &time, depth + 1, out));
        }
        _ => {}
    }
}

/// Loki's `"values":[["1764000000000000000","LINE"],…]`: nanoseconds and a line that has no key.
fn line_of_loki(values: &[Value]) -> Option<(Time, Vec<u8>)> {
    let [Value::String(nanoseconds), Value::String(line), ..] = values else { return None };
    let epoch = nanoseconds.parse::<u64>().ok()? / 1000;
    Some((Time { since_boot: None, wall: Some(Wall::Epoch(epoch)) }, line.clone().into_bytes()))
}

fn message(object: &Map<String, Value>, name: &str, text: Vec<u8>, time: Time, depth: usize, out: &mut Vec<Message>) {
    let field = |name: &str| object.get(name).and_then(Value::as_str);
    let is_journal = name == "MESSAGE";
    if is_journal && (field("_TRANSPORT").is_some() || field("SYSLOG_IDENTIFIER").is_some()) {
        let source = journal(field, depth == 0);
        return out.push(Message { text, time, source });
    }
    // `dmesg --json`: a priority, or with --decode its facility.
    let number = object.get("pri").and_then(Value::as_u64);
    if name == "msg" && (number.is_some() || field("fac").is_some()) {
        let is_kernels =
            number.is_none_or(|number| number >> 3 == 0) && field("fac").is_none_or(|it| it.trim() == "kern");
        let mut time = time;
        time.or(Time { since_boot: clock(object.get("time")), wall: None });
        let source = if is_kernels { Source::Kernel { is_proven: true } } else { Source::Program(Vec::new()) };
        return out.push(Message { text, time, source });
    }
    // A log of a container may hold any of these forms again.
    if depth < DEPTH
        && text.starts_with(b"{")
        && let Ok(inner) = serde_json::from_slice(&text)
    {
        return walk(&inner, &time, depth + 1, out);
    }
    out.push(Message { text, time, source: Source::Unknown });
}

/// Whose an entry of the journal is, which writes `_TRANSPORT` itself and keeps the facility that the kernel gave.
pub(super) fn journal<'a>(field: impl Fn(&str) -> Option<&'a str>, may_prove: bool) -> Source {
    let name = field("SYSLOG_IDENTIFIER").unwrap_or_default();
    let facility = field("SYSLOG_FACILITY").unwrap_or("0");
    match field("_TRANSPORT") {
        Some("kernel") if facility == "0" => Source::Kernel { is_proven: may_prove },
        // Only some fields were asked for.
        None if name == "kernel" && facility == "0" => Source::Kernel { is_proven: false },
        _ => Source::Program(name.as_bytes().to_vec()),
    }
}

/// A text; what is not printable UTF-8 is an array of bytes in the journal's JSON.
fn text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Array(bytes) if !bytes.is_empty() => {
            bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect()
        }
        _ => None,
    }
}

/// `12.345678`, as a number or a text.
fn clock(value: Option<&Value>) -> Option<u64> {
    let text = match value? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let fraction: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)
}

fn time(object: &Map<String, Value>) -> Time {
    let monotonic = ["_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP"];
    let since_boot = monotonic.iter().find_map(|name| object.get(*name)?.as_str()?.parse::<u64>().ok());
    let wall = TIMES.iter().find_map(|name| match object.get(*name)? {
        Value::String(text) => {
            let text = text.trim();
            let number = text.parse::<f64>().ok().and_then(epoch);
            number.or_else(|| wall(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(wall, _)| wall))
        }
        Value::Number(number) => epoch(number.as_f64()?),
        _ => None,
    });
    Time { since_boot, wall }
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970: by its size, for the years 2001 to 2286.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ranges are checked")]
fn epoch(number: f64) -> Option<Wall> {
    let scales = [(1e9, 1e6), (1e12, 1e3), (1e15, 1.0), (1e18, 1e-3)];
    let (_, scale) = scales.into_iter().find(|(from, _)| (*from..*from * 10.0).contains(&number))?;
    Some(Wall::Epoch((number * scale) as u64))
}
