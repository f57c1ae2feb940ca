//! Forms in which a whole log is one text.

use std::fmt::Write;

use super::lines::{DAY, bracket, clock};
use super::records::Record;

pub(super) fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Forms in which a whole log is one text.
#[expect(clippy::too_many_lines, reason = "a list")]
pub(super) fn whole_forms(records: &[Record]) -> Vec<(&'static str, Vec<u8>)> {
    let dmesg = records.iter().fold(String::new(), |all, it| all + &format!("{} {}\n", bracket(it.1), it.2));
    let journal = |it: &Record, end: &str| {
        format!(
            "{{\"__REALTIME_TIMESTAMP\":\"{}\",{end}\"_TRANSPORT\":\"kernel\",{end}\"SYSLOG_FACILITY\":\"0\",{end}\"SYSLOG_IDENTIFIER\":\"kernel\",{end}\"PRIORITY\":\"{}\",{end}\"MESSAGE\":{}}}\n",
            DAY * 1_000_000 + it.1,
            it.0,
            json_string(&it.2)
        )
    };
    let each = |render: &dyn Fn(&Record) -> String| records.iter().map(render).collect::<String>().into_bytes();
    let objects = |render: &dyn Fn(&Record) -> String| records.iter().map(render).collect::<Vec<_>>().join(",\n");
    let wrapped = |key: &str, more: &str| {
        each(&|it| {
            format!("{{{more}{}:{}}}\n", json_string(key), json_string(&format!("{} {}\n", bracket(it.1), it.2)))
        })
    };
    let before = |mark: &str| {
        dmesg
            .lines()
            .fold(String::new(), |mut all, line| {
                _ = writeln!(all, "{mark}{line}");
                all
            })
            .into_bytes()
    };
    let html = dmesg.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let newest = dmesg.lines().rev().fold(String::new(), |mut all, line| {
        _ = writeln!(all, "{line}");
        all
    });
    let quoted_printable = dmesg.replace('=', "=3D").replace("oom", "oo=\nm");
    let mut utf16: Vec<u8> = vec![0xff, 0xfe];
    utf16.extend(dmesg.encode_utf16().flat_map(u16::to_le_bytes));
    let utf16_big: Vec<u8> = dmesg.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, dmesg.as_bytes()).unwrap();
    vec![
        ("journal JSON", each(&|it| journal(it, ""))),
        ("journal JSON, pretty", each(&|it| journal(it, "\n\t"))),
        ("journal JSON, sse", each(&|it| format!("data: {}\n", journal(it, "")))),
        ("journal JSON, seq", each(&|it| format!("\x1e{}", journal(it, "")))),
        ("journal JSON, bytes", each(&|it| {
            format!("{{\"_TRANSPORT\":\"kernel\",\"MESSAGE\":{:?}}}\n", it.2.as_bytes())
        })),
        ("journal export", each(&|it| format!(
            "__CURSOR=s=1\n__REALTIME_TIMESTAMP={}\n_TRANSPORT=kernel\nPRIORITY=3\nSYSLOG_FACILITY=0\nMESSAGE={}\nSYSLOG_IDENTIFIER=kernel\n\n",
            DAY * 1_000_000 + it.1, it.2
        ))),
        ("journal verbose", each(&|it| format!(
            "Sun 2026-11-22 {}.123456 CET [s=1;i=2;b=3;m=4;t=5;x=6]\n    _TRANSPORT=kernel\n    PRIORITY=3\n    SYSLOG_FACILITY=0\n    MESSAGE={}\n    SYSLOG_IDENTIFIER=kernel\n",
            clock(it.1), it.2
        ))),
        ("dmesg --json", format!("{{\n   \"dmesg\": [\n{}\n   ]\n}}\n", objects(&|it| format!(
            "      {{\n         \"pri\": {},\n         \"time\": {}.{:06},\n         \"msg\": {}\n      }}",
            it.0, it.1 / 1_000_000, it.1 % 1_000_000, json_string(&it.2)
        ))).into_bytes()),
        ("dmesg --json --decode", format!("{{\"dmesg\": [{}]}}\n", objects(&|it| format!(
            "{{\"fac\":\"kern\",\"pri\":\"err\",\"time\":\"{:5}.{:06}\",\"msg\":{}}}",
            it.1 / 1_000_000, it.1 % 1_000_000, json_string(&it.2)
        ))).into_bytes()),
        ("docker json-file", wrapped("log", "\"stream\":\"stdout\",\"time\":\"2026-11-22T07:00:00.1Z\",")),
        ("vector", wrapped("message", "\"host\":\"h\",\"timestamp\":\"2026-11-22T07:00:00.1Z\",")),
        ("GCP", each(&|it| format!(
            "{{\"insertId\":\"x\",\"timestamp\":\"2026-11-22T07:00:00.1Z\",\"jsonPayload\":{{\"MESSAGE\":{},\"_TRANSPORT\":\"kernel\"}}}}\n",
            json_string(&it.2)
        ))),
        ("GCP text", wrapped("textPayload", "\"timestamp\":\"2026-11-22T07:00:00.1Z\",")),
        ("CloudWatch", format!("{{\n \"events\": [\n{}\n ]\n}}\n", objects(&|it| format!(
            "  {{\n   \"timestamp\": 1795330800000,\n   \"message\": {},\n   \"ingestionTime\": 1795330800001\n  }}",
            json_string(&format!("{} {}", bracket(it.1), it.2))
        ))).into_bytes()),
        ("Splunk", each(&|it| format!("{{\"result\":{{\"_raw\":{}}}}}\n", json_string(&format!("{} {}", bracket(it.1), it.2))))),
        ("Loki", format!("{{\"data\":{{\"result\":[{{\"stream\":{{\"job\":\"kern\"}},\"values\":[{}]}}]}}}}\n", objects(&|it| format!(
            "[\"{}\",{}]", (DAY * 1_000_000 + it.1) * 1000, json_string(&it.2)
        ))).into_bytes()),
        ("JSON in JSON", each(&|it| format!("{{\"log\":{}}}\n", json_string(&journal(it, ""))))),
        ("JSON that was cut", {
            let mut cut = b"{\"log\": [\n".to_vec();
            cut.extend(dmesg.bytes());
            cut
        }),
        ("mail quote", before("> ")),
        ("mail quote, twice", before(">> ")),
        ("table", before("| ")),
        ("indented", before("    ")),
        ("indented more", before("            ")),
        ("list", before("- ")),
        ("comment", before("# ")),
        ("code fence", format!("Hello,\n```console\n$ dmesg | tail\n{dmesg}```\nregards\n").into_bytes()),
        ("inline code", format!("`{}`\n", dmesg.trim_end()).into_bytes()),
        ("inline code, each", dmesg.lines().fold(String::new(), |mut all, line| {
            _ = writeln!(all, "`{line}`");
            all
        }).into_bytes()),
        ("HTML", format!("<pre><code>{html}</code></pre>\n").into_bytes()),
        ("HTML breaks", html.replace('\n', "<br>\n").into_bytes()),
        ("CRLF", dmesg.replace('\n', "\r\n").into_bytes()),
        ("blank lines", dmesg.replace('\n', "\n\n").into_bytes()),
        ("trailing spaces", dmesg.replace('\n', "                \n").into_bytes()),
        ("no last line break", dmesg.trim_end().as_bytes().to_vec()),
        ("byte order mark", [b"\xef\xbb\xbf", dmesg.as_bytes()].concat()),
        ("quoted-printable", quoted_printable.into_bytes()),
        ("UTF-16, little endian", utf16),
        ("UTF-16, big endian, no mark", utf16_big),
        ("gzip", packed.finish().unwrap()),
        ("newest first", newest.into_bytes()),
        ("wrapped by a mailer", wrap(&dmesg, true)),
        ("wrapped by a mailer that keeps the spaces", wrap_with(&dmesg, " \n")),
        ("wrapped by a terminal", wrap(&dmesg, false)),
    ]
}

fn breaks(line: &str) -> bool {
    // Lines that a mailer breaks and that are no sentences cannot be told from others.
    let text = line.split_once("] ").map_or("", |(_, text)| text);
    ["oom-kill:", "Out of memory", "Memory cgroup", "Killed", "Tasks in", "Task in", "memory"]
        .iter()
        .any(|it| text.starts_with(it))
}

/// At the last space before column 76, or in the middle of words at column 80.
fn wrap(log: &str, is_mailer: bool) -> Vec<u8> {
    if is_mailer {
        return wrap_with(log, "\n");
    }
    let mut wrapped = String::new();
    for line in log.lines() {
        let mut rest = line;
        while breaks(line) && rest.len() > 80 {
            // A terminal shows no space at the end of a row; then nobody can tell.
            let at = (70..=80).rev().find(|at| !rest[at - 1..=*at].contains(' ')).unwrap();
            _ = writeln!(wrapped, "{}", &rest[..at]);
            rest = &rest[at..];
        }
        _ = writeln!(wrapped, "{rest}");
    }
    wrapped.into_bytes()
}

fn wrap_with(log: &str, by: &str) -> Vec<u8> {
    let mut wrapped = String::new();
    for line in log.lines() {
        let mut rest = line;
        while breaks(line) && rest.len() > 76 && rest[20..76].contains(' ') {
            let at = rest[..76].rfind(' ').unwrap();
            _ = write!(wrapped, "{}{by}", &rest[..at]);
            rest = &rest[at + 1..];
        }
        _ = writeln!(wrapped, "{rest}");
    }
    wrapped.into_bytes()
}
