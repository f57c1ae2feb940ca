//! What people and programs put around a line: colours, quoting marks, code fences, HTML, quoted-printable.

use std::borrow::Cow;

use memchr::memchr;

use super::super::scan::contains;

/// The line without colours, entities and tags, and without what is at its end.
pub(super) fn clean(line: &[u8]) -> Cow<'_, [u8]> {
    let mut line = Cow::Borrowed(line);
    if memchr(0x1b, &line).is_some() || contains(&line, b"#033[") || contains(&line, b"^[[") {
        line = Cow::Owned(without_colours(&line));
    }
    if memchr(b'<', &line).is_some() && is_html(&line) {
        line = Cow::Owned(without_tags(&line));
    }
    if memchr(b'&', &line).is_some() {
        line = Cow::Owned(without_entities(&line));
    }
    line
}

/// `ESC [ … letter`, also where syslog wrote the escape as `#033` or a terminal as `^[`.
fn without_colours(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(&first) = rest.first() {
        let starts: [&[u8]; 4] = [b"\x1b[", b"#033[", b"^[[", b"\x1b("];
        let Some(after) = starts.iter().find_map(|start| rest.strip_prefix(*start)) else {
            kept.push(first);
            rest = &rest[1..];
            continue;
        };
        let parameters = after.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        rest = after.get(parameters + 1..).unwrap_or_default();
    }
    kept
}

const TAGS: [&[u8]; 13] =
    [b"br", b"pre", b"code", b"p", b"td", b"tr", b"th", b"li", b"div", b"span", b"blockquote", b"samp", b"tt"];

fn tag_length(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(b"<")?;
    let inner = inner.strip_prefix(b"/").unwrap_or(inner);
    let name = inner.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if !TAGS.contains(&&inner[..name]) || !matches!(inner.get(name), Some(b'>' | b' ' | b'/')) {
        return None;
    }
    memchr(b'>', &text[..text.len().min(256)]).map(|end| end + 1)
}

fn is_html(line: &[u8]) -> bool {
    line.iter().enumerate().any(|(at, byte)| *byte == b'<' && tag_length(&line[at..]).is_some())
}

fn without_tags(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        match tag_length(&line[at..]) {
            Some(length) if line[at] == b'<' => at += length,
            _ => {
                kept.push(line[at]);
                at += 1;
            }
        }
    }
    kept
}

const ENTITIES: [(&[u8], &[u8]); 9] = [
    (b"&lt;", b"<"),
    (b"&gt;", b">"),
    (b"&amp;", b"&"),
    (b"&quot;", b"\""),
    (b"&apos;", b"'"),
    (b"&#39;", b"'"),
    (b"&#34;", b"\""),
    (b"&nbsp;", b" "),
    (b"&#x27;", b"'"),
];

fn without_entities(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(&first) = rest.first() {
        let found = ENTITIES.iter().find_map(|(entity, text)| Some((*text, rest.strip_prefix(*entity)?)));
        if let Some((text, after)) = found {
            kept.extend_from_slice(text);
            rest = after;
        } else {
            kept.push(first);
            rest = &rest[1..];
        }
    }
    kept
}

/// The line behind spaces and quoting marks, and without those that close it.
pub(super) fn unquote(line: &[u8]) -> &[u8] {
    let mut rest = line;
    loop {
        rest = match rest {
            // Quotes; the marks of a list, a comment, a prompt or a patch; `│` and `┃`; a byte order mark; a no-break space.
            [b' ' | b'\t' | b'>' | b'|' | b'`' | b'*' | b'"' | b'\'' | 0x1e, after @ ..]
            | [b'-' | b'+' | b'#' | b'$' | b'%', b' ' | b'\t', after @ ..]
            | [0xe2, 0x94, 0x82 | 0x83, after @ ..]
            | [0xef, 0xbb, 0xbf, after @ ..]
            | [0xc2, 0xa0, after @ ..] => after,
            _ => break,
        };
    }
    let opened = &line[..line.len() - rest.len()];
    let mut end = rest.trim_ascii_end();
    if opened.contains(&b'"') {
        end = end.strip_suffix(b",").unwrap_or(end);
        end = end.strip_suffix(b"\"").unwrap_or(end);
        end = end.strip_suffix(b"\\n").unwrap_or(end);
    }
    while let Some(inner) = end.strip_suffix(b"`").or_else(|| end.strip_suffix(b"|")) {
        end = inner.trim_ascii_end();
    }
    end
}

/// `=3D` and the like as the byte that it stands for.
pub(super) fn decode_quoted_printable(line: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        // Only what an encoder writes: upper case.
        let byte = hex.filter(|hex| !hex.contains(|it: char| it.is_ascii_lowercase()));
        if let (b'=', Some(byte)) = (first, byte.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            bytes.push(byte);
            rest = &rest[3..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    bytes
}

/// `\xNN` as the byte that it stands for: any byte in `/dev/kmsg`; in text only what could not be written otherwise,
/// because systemd's names of units have `\x2d` in them.
pub(super) fn unescape(text: &[u8], is_raw: bool) -> Cow<'_, [u8]> {
    if !contains(text, b"\\x") {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.strip_prefix(b"x").and_then(|digits| std::str::from_utf8(digits.get(..2)?).ok());
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'\\', Some(byte)) if is_raw || byte.is_ascii_control() => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    Cow::Owned(bytes)
}
