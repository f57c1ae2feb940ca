//! Forms that put something before each line.

use super::records::Record;

/// Midnight before, in seconds since 1970: 2026-11-22.
pub(super) const DAY: u64 = 1_795_305_600;

fn kmsg_escape(text: &str) -> String {
    text.replace('\\', r"\x5c")
}

pub(super) fn clock(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

pub(super) fn raw(record: &Record) -> String {
    let (level, micros, text) = record;
    format!("{level},{},{micros},-;{}\n", micros / 10, kmsg_escape(text))
}

pub(super) fn bracket(micros: u64) -> String {
    format!("[{:5}.{:06}]", micros / 1_000_000, micros % 1_000_000)
}

fn level_name(level: u8) -> &'static str {
    ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"][usize::from(level)]
}

/// The name of a form, and how a record looks in it.
pub(super) type Form = (&'static str, fn(&Record) -> String);

/// Forms that put something before each line.
pub(super) const FORMS: [Form; 46] = [
    ("kmsg", raw),
    ("kmsg with caller", |it| format!("{},{},{},-,caller=T7;{}\n", it.0, it.1, it.1, kmsg_escape(&it.2))),
    ("dmesg", |it| format!("{} {}\n", bracket(it.1), it.2)),
    ("dmesg -t", |it| format!("{}\n", it.2)),
    ("dmesg with caller", |it| format!("{}[ T4711] {}\n", bracket(it.1), it.2)),
    ("dmesg -T", |it| format!("[Sun Nov 22 {} 2026] {}\n", clock(it.1), it.2)),
    ("dmesg -T de", |it| format!("[So Nov 22 {} 2026] {}\n", clock(it.1), it.2)),
    ("dmesg -T fr", |it| format!("[dim. 22 nov. {} 2026] {}\n", clock(it.1), it.2)),
    ("dmesg -T ru", |it| format!("[Вс ноя 22 {} 2026] {}\n", clock(it.1), it.2)),
    ("dmesg -T zh", |it| format!("[日 11月 22 {} 2026] {}\n", clock(it.1), it.2)),
    ("dmesg -T unknown", |it| format!("[su kvx 22 {} 2026] {}\n", clock(it.1), it.2)),
    ("dmesg iso", |it| format!("2026-11-22T{},{:06}+01:00 {}\n", clock(it.1), it.1 % 1_000_000, it.2)),
    ("dmesg -d", |it| format!("[{:5}.{:06} <    0.000010>] {}\n", it.1 / 1_000_000, it.1 % 1_000_000, it.2)),
    ("dmesg -e", |it| format!("[  +0.000010] {}\n", it.2)),
    ("dmesg -e minute", |it| format!("[Nov22 07:00] {}\n", it.2)),
    ("dmesg -r", |it| format!("<{}>{} {}\n", it.0, bracket(it.1), it.2)),
    ("dmesg -x", |it| format!("kern  :{:<6}: {} {}\n", level_name(it.0), bracket(it.1), it.2)),
    ("dmesg -x -T", |it| format!("kern  :{:<6}: [Sun Nov 22 {} 2026] {}\n", level_name(it.0), clock(it.1), it.2)),
    ("dmesg colour", |it| format!("\x1b[32m{} \x1b[0m\x1b[33m{}\x1b[0m\n", bracket(it.1), it.2)),
    ("dmesg colour in syslog", |it| format!("#033[32m{} #033[0m{}\n", bracket(it.1), it.2)),
    ("journal short", |it| format!("Nov 22 {} host kernel: {}\n", clock(it.1), it.2)),
    ("journal no host", |it| format!("Nov 22 {} kernel: {}\n", clock(it.1), it.2)),
    ("journal short-iso", |it| format!("2026-11-22T{}+0100 host kernel: {}\n", clock(it.1), it.2)),
    ("journal short-iso-precise", |it| {
        format!("2026-11-22T{}.{:06}+01:00 host kernel: {}\n", clock(it.1), it.1 % 1_000_000, it.2)
    }),
    ("journal short-precise", |it| format!("Nov 22 {}.{:06} host kernel: {}\n", clock(it.1), it.1 % 1_000_000, it.2)),
    ("journal short-full", |it| format!("Sun 2026-11-22 {} CET host kernel: {}\n", clock(it.1), it.2)),
    ("journal short-monotonic", |it| format!("{} host kernel: {}\n", bracket(it.1), it.2)),
    ("journal short-delta", |it| {
        format!("[{:5}.{:06} <    0.000010 >] host kernel: {}\n", it.1 / 1_000_000, it.1 % 1_000_000, it.2)
    }),
    ("journal short-unix", |it| format!("{}.{:06} host kernel: {}\n", DAY + it.1 / 1_000_000, it.1 % 1_000_000, it.2)),
    ("kernel only", |it| format!("kernel: {}\n", it.2)),
    ("rsyslog", |it| format!("Nov 22 {} host.example.org kernel: {} {}\n", clock(it.1), bracket(it.1), it.2)),
    ("rsyslog iso", |it| format!("2026-11-22T{}.123456+01:00 host kernel: {} {}\n", clock(it.1), bracket(it.1), it.2)),
    ("RFC 3164", |it| format!("<{}>Nov 22 {} host kernel: {} {}\n", it.0, clock(it.1), bracket(it.1), it.2)),
    ("RFC 5424", |it| {
        format!("<{}>1 2026-11-22T{}.123Z host kernel - - - {} {}\n", it.0, clock(it.1), bracket(it.1), it.2)
    }),
    ("RFC 5424 data", |it| {
        format!(
            "<{}>1 2026-11-22T{}.123Z host kernel - - [a@1 b=\"c\"] {} {}\n",
            it.0,
            clock(it.1),
            bracket(it.1),
            it.2
        )
    }),
    ("busybox", |it| {
        format!("Sun Nov 22 {} 2026 kern.{} kernel: {} {}\n", clock(it.1), level_name(it.0), bracket(it.1), it.2)
    }),
    ("talosctl", |it| {
        format!("10.0.0.11: kern: {:>7}: [2026-11-22T{}.727637155Z]: {}\n", level_name(it.0), clock(it.1), it.2)
    }),
    ("hypervisor", |it| {
        format!("2026-11-22T{}.125Z In(05) vcpu-5 - Guest: <{}>{} {}\n", clock(it.1), it.0, bracket(it.1), it.2)
    }),
    ("serial console of a pod", |it| format!("vm-1 console | {} {}\n", bracket(it.1), it.2)),
    ("CRI", |it| format!("2026-11-22T{}.125000000Z stdout F {} {}\n", clock(it.1), bracket(it.1), it.2)),
    ("compose", |it| format!("logs-1  | {} {}\n", bracket(it.1), it.2)),
    ("grep", |it| format!("/var/log/kern.log:Nov 22 {} host kernel: {} {}\n", clock(it.1), bracket(it.1), it.2)),
    ("grep -n", |it| format!("{}:{} {}\n", 100 + it.1 % 1000, bracket(it.1), it.2)),
    ("cat -n", |it| format!("   {}\t{} {}\n", 100 + it.1 % 1000, bracket(it.1), it.2)),
    ("ansible", |it| format!("        \"{} {}\",\n", bracket(it.1), it.2.replace('\\', "\\\\"))),
    ("logger", |it| format!("Nov 22 {} host dmesg[99]: {} {}\n", clock(it.1), bracket(it.1), it.2)),
];
