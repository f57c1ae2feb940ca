//! What stands before a text.

use super::*;
use crate::report::time::Wall;

#[test]
fn text_that_is_no_kill_keeps_its_words() {
    for (line, text, program) in [
        ("[    1.000000] usb 1-1: new device", "usb 1-1: new device", ""),
        ("Nov 22 07:00:00 h kernel: usb 1-1: new device", "usb 1-1: new device", ""),
        ("Nov 22 07:00:00 h systemd[1]: Started x.", "Started x.", "systemd"),
        ("[    1.000000] systemd[1]: Started x.", "Started x.", "systemd"),
        ("Nov 22 07:00:00 h cron: job", "job", "cron"),
        ("what a day", "what a day", ""),
        ("2026-11-22T07:00:00Z stderr F level=info msg=x", "level=info msg=x", ""),
    ] {
        let peeled = peel(line.as_bytes());
        let name = match &peeled.origin {
            Origin::Program(name) => String::from_utf8_lossy(name).into_owned(),
            Origin::Kernel => String::new(),
        };
        assert_eq!((String::from_utf8_lossy(&peeled.text).as_ref(), name.as_str()), (text, program), "{line}");
    }
}

#[test]
fn both_clocks_of_a_line_are_kept() {
    let time = peel(b"Nov 22 07:00:00 h kernel: [   12.345678] Out of memory: Killed process 7 (x)").time;
    assert_eq!(time.since_boot, Some(12_345_678));
    assert!(matches!(time.wall, Some(Wall::Local { .. })));
}

#[test]
fn brackets_that_are_no_clock_stay() {
    for line in ["[  pid  ]   uid  tgid", "[28438]     0 28438", "[sudo] password for x:", "[...]", "[    C0] x"] {
        let peeled = peel(line.as_bytes());
        assert_eq!((peeled.text.as_slice(), peeled.has_prefix), (line.as_bytes(), false), "{line}");
    }
}

#[test]
fn escapes_are_undone_where_they_are_the_forms() {
    let text = |line: &str| peel(line.as_bytes()).text;
    assert_eq!(text(r"3,1,2,-;Killed process 7 (a\x0ab\x5c\xff\xzz)"), b"Killed process 7 (a\nb\\\xff\\xzz)");
    assert_eq!(text(r"[    1.000000] Task in /a\x2db\x0a"), b"Task in /a\\x2db\n", "systemd's names have escapes too");
}
