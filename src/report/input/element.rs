//! The things that stand before a text, one at a time: priorities, clocks, facilities and names.

use super::super::scan::{integer, split};
use super::super::time::{Time, Wall, wall};
use super::mark::unescape;
use super::prefix::{Origin, Peeled};

/// `priority,sequence,microseconds,flags[,…];text`
pub(super) fn kmsg(line: &[u8]) -> Option<Peeled> {
    if !line.first()?.is_ascii_digit() {
        return None;
    }
    let (head, text) = split(line, b";")?;
    let mut fields = head.split(|&byte| byte == b',');
    let (priority, _sequence, time, flags) =
        (integer(fields.next()?)?, integer(fields.next()?)?, integer(fields.next()?)?, fields.next()?);
    // The lower three bits are the level, the rest is the facility; the kernel gives 0 to nobody else.
    let origin = if priority >> 3 == 0 { Origin::Kernel } else { Origin::Program(Vec::new()) };
    Some(Peeled {
        text: unescape(text, true).into_owned(),
        time: Time::since_boot(time),
        is_proven: origin == Origin::Kernel,
        origin,
        has_prefix: true,
        is_kernels: true,
        is_continued: flags == b"c" || flags == b"+",
    })
}

/// One thing that stands before a text, and what is behind it.
pub(super) fn element<'a>(rest: &'a [u8], peeled: &mut Peeled, at: usize) -> Option<&'a [u8]> {
    let after = priority(rest, peeled, at)
        .or_else(|| bracket(rest, peeled))
        .or_else(|| facility(rest, peeled, at))
        .or_else(|| {
            let after = kernel_name(rest)?;
            peeled.is_kernels = true;
            Some(after)
        })
        .or_else(|| stream(rest))
        .or_else(|| time(rest, peeled))
        // What stands between two of them.
        .or_else(|| {
            let separator = |mark: &&[u8]| rest.starts_with(mark);
            let marks: [&[u8]; 6] = [b": ", b"- ", b"| ", b", ", b" ", b"\t"];
            marks.iter().find(|mark| peeled.has_prefix && separator(mark)).map(|mark| &rest[mark.len()..])
        })?;
    peeled.has_prefix = true;
    Some(after)
}

/// `<3>` of `dmesg -r` and of syslog.
fn priority<'a>(rest: &'a [u8], peeled: &mut Peeled, at: usize) -> Option<&'a [u8]> {
    let (number, after) = split(&rest[..rest.len().min(5)], b">")?;
    let priority = integer(number.strip_prefix(b"<")?)?;
    let after = &rest[rest.len().min(5) - after.len()..];
    if priority >> 3 != 0 {
        peeled.origin = Origin::Program(Vec::new());
    }
    // Behind it syslog has a time on the wall, and anybody can write that to it; `dmesg -r` has the kernel's time.
    peeled.is_proven =
        at == 0 && priority >> 3 == 0 && !after.first().is_some_and(u8::is_ascii_digit) && wall(after).is_none();
    // RFC 5424: `1 TIME HOST APP PROCID MSGID DATA text`.
    if let Some(header) = after.strip_prefix(b"1 ") {
        let (time, length) = wall(header)?;
        peeled.time.or(Time { wall: Some(time), since_boot: None });
        let mut words = header[length..].trim_ascii_start().splitn(5, |&byte| byte == b' ');
        let (_host, app, _process, _message, data) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        if app != b"kernel" && app != b"-" {
            peeled.origin = Origin::Program(app.to_owned());
        }
        let text = match data.strip_prefix(b"[") {
            // Structured data ends at the bracket that is not within quotes.
            Some(_) => split(data, b"] ").map_or(data, |(_, text)| text),
            None => data.strip_prefix(b"-").unwrap_or(data).trim_ascii_start(),
        };
        return Some(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
    }
    Some(after)
}

/// `[   12.345678] `, with a difference to the line before too, `[Sun Nov 22 07:00:00 2026] ` in any language, and with
/// `CONFIG_PRINTK_CALLER` `[ T1234] ` behind it.
pub(super) fn bracket<'a>(rest: &'a [u8], peeled: &mut Peeled) -> Option<&'a [u8]> {
    let head = &rest[..rest.len().min(96)];
    // A terminal may have cut the bracket that opens: `5193605.506728] text`.
    let inner = match head.strip_prefix(b"[") {
        Some(inner) => inner,
        None if !peeled.has_prefix && head.first()?.is_ascii_digit() => head,
        None => return None,
    };
    let (inner, after) = split(inner, b"]")?;
    let after = &rest[head.len() - after.len()..];
    let after = after.strip_prefix(b":").unwrap_or(after);
    let inner = inner.trim_ascii();
    if let Some(time) = since_boot(inner) {
        peeled.time.or(Time::since_boot(time));
    } else if !head.starts_with(b"[") {
        return None;
    } else if is_caller(inner) && peeled.has_prefix || inner.starts_with(b"+") && inner.contains(&b'.') {
        // Who wrote it; or how long after the line before, which is no time.
    } else if let Some((time, length)) = wall(inner)
        && length == inner.len()
    {
        peeled.time.or(Time { wall: Some(time), since_boot: None });
    } else if is_short_clock(inner) {
        let words = String::from_utf8_lossy(inner).into_owned();
        peeled.time.or(Time { wall: Some(Wall::Words(words)), since_boot: None });
    } else {
        return None;
    }
    peeled.is_kernels = true;
    Some(after.strip_prefix(b" ").unwrap_or(after))
}

/// `12.345678`, or `12.345678 <    0.000123 >`.
fn since_boot(inner: &[u8]) -> Option<u64> {
    let number = inner.split(|&byte| byte == b' ').next()?;
    let (seconds, micros) = split(number, b".")?;
    let rest = inner[number.len()..].trim_ascii_start();
    if micros.len() != 6 || !rest.is_empty() && !rest.starts_with(b"<") {
        return None;
    }
    Some(integer(seconds)?.saturating_mul(1_000_000).saturating_add(integer(micros)?))
}

/// `T1234`, `C0`: a thread or a processor.
fn is_caller(inner: &[u8]) -> bool {
    let digits = inner.strip_prefix(b"T").or_else(|| inner.strip_prefix(b"C")).unwrap_or_default();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// `Nov22 07:00`, of `dmesg -e`.
fn is_short_clock(inner: &[u8]) -> bool {
    let Some((date, clock)) = split(inner, b" ") else { return false };
    let is_clock = clock.len() == 5 && clock[2] == b':' && clock.iter().filter(|it| it.is_ascii_digit()).count() == 4;
    is_clock && date.first().is_some_and(|it| !it.is_ascii_digit()) && date.last().is_some_and(u8::is_ascii_digit)
}

const FACILITIES: [&[u8]; 21] = [
    b"kern",
    b"user",
    b"mail",
    b"daemon",
    b"auth",
    b"syslog",
    b"lpr",
    b"news",
    b"uucp",
    b"cron",
    b"authpriv",
    b"ftp",
    b"local0",
    b"local1",
    b"local2",
    b"local3",
    b"local4",
    b"local5",
    b"local6",
    b"local7",
    b"security",
];

const LEVELS: [&[u8]; 12] = [
    b"emerg", b"alert", b"crit", b"err", b"warn", b"notice", b"info", b"debug", b"error", b"warning", b"panic", b"none",
];

/// `kern  :err   : ` of `dmesg -x`, `kern:     err: ` of talosctl, `kern.err ` of busybox.
pub(super) fn facility<'a>(rest: &'a [u8], peeled: &mut Peeled, at: usize) -> Option<&'a [u8]> {
    let letters = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (name, behind) = rest.split_at(letters(rest));
    if !FACILITIES.contains(&name) {
        return None;
    }
    let (level, after, is_decoded) = if let Some(behind) = behind.strip_prefix(b".") {
        let (level, after) = behind.split_at(letters(behind));
        (level, after.strip_prefix(b" ")?, false)
    } else {
        let behind = behind.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (level, after) = behind.split_at(letters(behind));
        (level, after.trim_ascii_start().strip_prefix(b":")?, true)
    };
    if !LEVELS.contains(&level) {
        return None;
    }
    if name != b"kern" {
        peeled.origin = Origin::Program(Vec::new());
    }
    peeled.is_kernels = true;
    peeled.is_proven = at == 0 && is_decoded && name == b"kern";
    Some(after.trim_ascii_start())
}

/// `kernel: `
pub(super) fn kernel_name(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b"kernel")?;
    let rest = match rest.strip_prefix(b"[") {
        Some(pid) => split(&pid[..pid.len().min(12)], b"]").map(|(number, _)| &pid[number.len() + 1..])?,
        None => rest,
    };
    let rest = rest.strip_prefix(b":")?;
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

/// `stdout F `, which a container's log has behind the time.
fn stream(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b"stdout ").or_else(|| rest.strip_prefix(b"stderr "))?;
    rest.strip_prefix(b"F ").or_else(|| rest.strip_prefix(b"P "))
}

fn time<'a>(rest: &'a [u8], peeled: &mut Peeled) -> Option<&'a [u8]> {
    let (time, length) = wall(rest)?;
    let after = &rest[length..];
    if !matches!(after.first(), None | Some(b' ' | b':' | b'\t' | b',' | b'"')) {
        return None;
    }
    peeled.time.or(Time { wall: Some(time), since_boot: None });
    Some(after.trim_ascii_start())
}
