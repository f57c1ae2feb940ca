//! The kernel's log, a record at a time, in all the forms in which people have it: `/dev/kmsg`, dmesg's output, and
//! the journal's (short forms and JSON).

use std::borrow::Cow;

use serde_json::Value;

use super::scan::{integer, split};
use super::time::{self, Time};

/// A record of the kernel's log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The text, escapes undone.
    pub text: Vec<u8>,
    /// When.
    pub time: Time,
    /// Whether the form says that the kernel itself wrote it (facility 0), which no other program can make it say.
    pub is_proven: bool,
}

/// What a line of a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// A record of its own.
    Record(Record),
    /// More text of the record before (`pr_cont` that came apart, or a line break in a name).
    More(Vec<u8>),
    /// Written by a program, whatever it says; or nothing of the log's.
    Foreign,
}

/// Puts lines together to records.
#[derive(Debug, Default)]
pub struct Reader {
    pending: Option<Record>,
}

impl Reader {
    /// Takes the next line, without its line break, and gives the record that is complete with that.
    pub fn line(&mut self, line: &[u8]) -> Option<Record> {
        match read(line, self.pending.is_some()) {
            Line::Record(record) => self.pending.replace(record),
            Line::More(text) => {
                if let Some(pending) = &mut self.pending {
                    // A name has 15 bytes and a path 4096: what grows further is no record of a kill.
                    if pending.text.len() < 64 * 1024 {
                        pending.text.extend_from_slice(&text);
                    }
                }
                None
            }
            Line::Foreign => self.pending.take(),
        }
    }

    /// The last record, when no more lines come.
    pub fn finish(&mut self) -> Option<Record> {
        self.pending.take()
    }
}

/// All records of a saved log.
#[must_use]
pub fn all(log: &[u8]) -> Vec<Record> {
    let mut reader = Reader::default();
    let lines = log.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut records: Vec<Record> = lines.filter_map(|line| reader.line(line)).collect();
    records.extend(reader.finish());
    records
}

fn read(line: &[u8], has_pending: bool) -> Line {
    match line.first() {
        Some(b'{') => journal_json(line).unwrap_or(Line::Foreign),
        Some(b'0'..=b'9') => kmsg(line).or_else(|| journal_short(line)).unwrap_or_else(|| plain(line)),
        Some(b'<' | b'[') => dmesg(line),
        // `/dev/kmsg` puts ` KEY=value` lines behind a record; the journal indents the rest of a message by the
        // length of what stands before it.
        Some(b' ') if line.starts_with(b"      ") && has_pending => {
            Line::More([b"\n", line.trim_ascii_start()].concat())
        }
        None | Some(b' ') => Line::Foreign,
        Some(_) => decoded(line).or_else(|| journal_short(line)).unwrap_or_else(|| plain(line)),
    }
}

/// Text without anything before it, as people paste it.
fn plain(line: &[u8]) -> Line {
    Line::Record(Record { text: unescape(line), ..Record::default() })
}

/// `priority,sequence,microseconds,flags[,…];text`
fn kmsg(line: &[u8]) -> Option<Line> {
    let semicolon = line.iter().position(|&byte| byte == b';')?;
    let mut fields = line[..semicolon].split(|&byte| byte == b',');
    let (priority, _sequence, time, flags) =
        (integer(fields.next()?)?, integer(fields.next()?)?, integer(fields.next()?)?, fields.next()?);
    // The lower three bits are the level, the rest is the facility; the kernel gives 0 to nobody else.
    if priority >> 3 != 0 {
        return Some(Line::Foreign);
    }
    let text = unescape(&line[semicolon + 1..]);
    if flags == b"c" || flags == b"+" {
        return Some(Line::More(text));
    }
    Some(Line::Record(Record { text, time: Time::SinceBoot(time), is_proven: true }))
}

/// dmesg, raw (`<3>[ 1.2] text`) or not (`[ 1.2] text`, `[Sun Nov 22 …] text`).
fn dmesg(line: &[u8]) -> Line {
    let (line, is_proven) = match line.strip_prefix(b"<").and_then(|rest| split(rest, b">")) {
        Some((priority, rest)) => match integer(priority) {
            Some(priority) if priority >> 3 == 0 => (rest, true),
            _ => return Line::Foreign,
        },
        None => (line, false),
    };
    let Some((time, text)) = bracketed(line) else {
        return Line::Record(Record { text: unescape(line), time: Time::Unknown, is_proven });
    };
    // The short-monotonic form of the journal goes on with `host kernel: text`.
    let text = identifier(text).map_or(text, |(_, text)| text);
    Line::Record(Record { text: unescape(text), time, is_proven })
}

/// dmesg with facility and level decoded: `kern  :err   : [ 1.2] text`.
fn decoded(line: &[u8]) -> Option<Line> {
    let (facility, rest) = split(line, b":")?;
    let (level, rest) = split(rest, b": ")?;
    let word = |word: &[u8]| word.iter().all(u8::is_ascii_lowercase) && (3..=8).contains(&word.len());
    if !word(facility.trim_ascii_end()) || !word(level.trim_ascii_end()) {
        return None;
    }
    if facility.trim_ascii_end() != b"kern" {
        return Some(Line::Foreign);
    }
    let (time, text) = bracketed(rest).unwrap_or((Time::Unknown, rest));
    Some(Line::Record(Record { text: unescape(text), time, is_proven: true }))
}

/// `[time] ` and, with `CONFIG_PRINTK_CALLER`, `[ T1234] ` behind it.
fn bracketed(line: &[u8]) -> Option<(Time, &[u8])> {
    let (inner, rest) = split(line.strip_prefix(b"[")?, b"]")?;
    let words = String::from_utf8_lossy(inner).trim().to_owned();
    let time = match words.split_once('.') {
        Some((seconds, micros)) if micros.len() == 6 => match (seconds.parse::<u64>(), micros.parse::<u64>()) {
            (Ok(seconds), Ok(micros)) => Time::SinceBoot(seconds.saturating_mul(1_000_000).saturating_add(micros)),
            _ => Time::Words(words),
        },
        _ => Time::Words(words),
    };
    let rest = caller(rest).unwrap_or(rest);
    Some((time, rest.strip_prefix(b" ").unwrap_or(rest)))
}

/// What stands behind a thread or a processor: `[ T1234]`, `[    C0]`, with or without a space before.
fn caller(text: &[u8]) -> Option<&[u8]> {
    let (inner, rest) = split(text.strip_prefix(b" ").unwrap_or(text).strip_prefix(b"[")?, b"]")?;
    let digits = inner.trim_ascii().strip_prefix(b"T").or_else(|| inner.trim_ascii().strip_prefix(b"C"))?;
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(rest)
}

/// `time host kernel: text`, from the journal or a syslog file, which may have `[ 1.2]` before the text.
fn journal_short(line: &[u8]) -> Option<Line> {
    let (before, text) = identifier(line)?;
    let words = String::from_utf8_lossy(before).into_owned();
    let time = match words.split_once(' ') {
        Some((iso, _)) if iso.contains('T') => {
            time::epoch(iso).map_or_else(|| Time::Words(iso.to_owned()), Time::Epoch)
        }
        // `Nov 22 07:00:00 host`: the host is no part of the time.
        _ => Time::Words(words.rsplit_once(' ').map_or(words.as_str(), |(time, _)| time).to_owned()),
    };
    let text = bracketed(text).filter(|(time, _)| matches!(time, Time::SinceBoot(_))).map_or(text, |(_, text)| text);
    Some(Line::Record(Record { text: unescape(text), time, is_proven: false }))
}

/// What stands before ` kernel: `, and what behind.
fn identifier(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, text) = split(line, b" kernel: ")?;
    // A time and a host are short and have few colons; what quotes a message of the kernel has more before it.
    let colons = before.split(|&byte| byte == b':').count() - 1;
    (before.len() < 128 && colons <= 3).then_some((before, text))
}

/// `journalctl -o json`
fn journal_json(line: &[u8]) -> Option<Line> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    // The journal writes _TRANSPORT itself, and keeps the facility that the kernel gave.
    let is_kernel = field("_TRANSPORT") == Some("kernel");
    let facility = field("SYSLOG_FACILITY").unwrap_or("0");
    if !is_kernel || facility != "0" {
        return Some(Line::Foreign);
    }
    let text = match value.get("MESSAGE")? {
        Value::String(text) => text.clone().into_bytes(),
        // What is not printable UTF-8 is an array of bytes.
        Value::Array(bytes) => bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect(),
        _ => return None,
    };
    let time = field("__REALTIME_TIMESTAMP").and_then(|micros| micros.parse().ok());
    Some(Line::Record(Record { text, time: time.map_or(Time::Unknown, Time::Epoch), is_proven: true }))
}

/// `\xNN` as the byte that it stands for.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.strip_prefix(b"x").and_then(|digits| digits.get(..2));
        let byte = escaped.and_then(|digits| u8::from_str_radix(&String::from_utf8_lossy(digits), 16).ok());
        if let (b'\\', Some(byte)) = (first, byte) {
            bytes.push(byte);
            rest = &rest[4..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    bytes
}

/// Text for people: bytes that are no UTF-8 are shown as U+FFFD.
pub(crate) fn lossy(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(log: &str) -> Record {
        let [record] = <[Record; 1]>::try_from(all(log.as_bytes())).unwrap();
        record
    }

    #[test]
    fn every_form_gives_the_same_text() {
        let text = "Out of memory: Killed process 7 (x)";
        let boot = Time::SinceBoot(12_345_678);
        let words = |words: &str| Time::Words(words.into());
        let cases = [
            (format!("3,1234,12345678,-;{text}"), boot.clone(), true),
            (format!("3,1234,12345678,-,caller=T7;{text}"), boot.clone(), true),
            (format!("[   12.345678] {text}"), boot.clone(), false),
            (format!("[   12.345678][ T4711] {text}"), boot.clone(), false),
            (format!("[   12.345678] [   T4711] {text}"), boot.clone(), false),
            (format!("[   12.345678] [    C0] {text}"), boot.clone(), false),
            (format!("<3>[   12.345678] {text}"), boot.clone(), true),
            (format!("kern  :err   : [   12.345678] {text}"), boot.clone(), true),
            (format!("[Sun Nov 22 07:00:00 2026] {text}"), words("Sun Nov 22 07:00:00 2026"), false),
            (format!("[   12.345678] host kernel: {text}"), boot, false),
            (format!("Nov 22 07:00:00 host kernel: {text}"), words("Nov 22 07:00:00"), false),
            (format!("Nov 22 07:00:00 host kernel: [   12.345678] {text}"), words("Nov 22 07:00:00"), false),
            (format!("1970-01-01T00:00:02+0000 host kernel: {text}"), Time::Epoch(2_000_000), false),
            (format!("1970-01-01T00:00:02.500000+00:00 host kernel: {text}"), Time::Epoch(2_500_000), false),
            (format!("1970-01-01T01:00:02+0100 host kernel: {text}"), Time::Epoch(2_000_000), false),
            (
                format!(
                    r#"{{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"{text}","__REALTIME_TIMESTAMP":"5"}}"#
                ),
                Time::Epoch(5),
                true,
            ),
            (text.to_owned(), Time::Unknown, false),
        ];
        for (line, time, is_proven) in cases {
            assert_eq!(one(&line), Record { text: text.into(), time, is_proven }, "{line}");
        }
    }

    #[test]
    fn what_a_program_wrote_is_no_record() {
        let forged = "Memory cgroup out of memory: Killed process 1 (init)";
        let lines = [
            format!("11,9,12345678,-;{forged}"),
            format!("<11>[   12.345678] {forged}"),
            format!("user  :err   : [   12.345678] {forged}"),
            format!(r#"{{"_TRANSPORT":"syslog","SYSLOG_FACILITY":"0","MESSAGE":"{forged}"}}"#),
            format!(r#"{{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"1","MESSAGE":"{forged}"}}"#),
            format!(" KEY={forged}"),
        ];
        for line in lines {
            assert_eq!(all(line.as_bytes()), [], "{line}");
        }
    }

    #[test]
    fn a_record_that_came_apart_is_put_together() {
        let log = "6,1,10,-;Task in /a\n SUBSYSTEM=x\n6,2,11,c; killed as a result\n6,3,12,c; of limit of /b\n6,4,13,-;next\n";
        let texts: Vec<_> =
            all(log.as_bytes()).into_iter().map(|record| String::from_utf8(record.text).unwrap()).collect();
        // The line of keys ends the record for the reader, so that its rest stands for nothing.
        assert_eq!(texts.last().map(String::as_str), Some("next"));
        let log = "6,1,10,-;Task in /a\n6,2,11,c; killed as a result\n6,3,12,c; of limit of /b\n";
        assert_eq!(one(log).text, b"Task in /a killed as a result of limit of /b");
    }

    #[test]
    fn escapes_are_undone_and_line_breaks_of_the_journal_too() {
        assert_eq!(one(r"3,1,2,-;Killed process 7 (a\x0ab\x5c\xff\xzz)").text, b"Killed process 7 (a\nb\\\xff\\xzz)");
        let log = "Nov 22 07:00:00 host kernel: Killed process 7 (a\n                             b) total-vm";
        assert_eq!(one(log).text, b"Killed process 7 (a\nb) total-vm");
        assert_eq!(one(r#"{"_TRANSPORT":"kernel","MESSAGE":[97,10,255]}"#).text, b"a\n\xff");
    }
}
