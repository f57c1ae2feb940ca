//! Lines that belong together, and bytes that are no plain text.

use super::*;

fn texts(log: &str) -> Vec<String> {
    all(log.as_bytes()).into_iter().map(|entry| String::from_utf8_lossy(&entry.text).into_owned()).collect()
}

#[test]
fn a_record_that_came_apart_is_put_together() {
    assert_eq!(
        texts("6,1,10,-;Task in /a\n6,2,11,c; killed as a result\n6,3,12,c; of limit of /b\n"),
        ["Task in /a killed as a result of limit of /b"]
    );
    assert_eq!(texts("6,1,10,-;Task in /a\n SUBSYSTEM=x\n6,4,13,-;next\n"), ["Task in /a", "next"]);
}

#[test]
fn the_journal_indents_what_goes_on() {
    let log = "Nov 22 07:00:00 host kernel: Killed process 7 (a\n                             b) total-vm";
    assert_eq!(texts(log), ["Killed process 7 (a\nb) total-vm"]);
}

#[test]
fn what_follows_a_kill_is_not_swallowed() {
    let kill = "Out of memory: Killed process 7 (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB";
    assert_eq!(texts(&format!("{kill}\nuser@host:~$ ls\n")), [kill, "user@host:~$ ls"]);
    assert_eq!(texts(&format!("{kill}\n[    1.000000] next\n")), [kill, "next"]);
}

#[test]
fn lines_are_numbered_as_in_the_file() {
    let lines: Vec<u64> = all(b"\n\nx\n{\"log\":\"y\"}\n{\n\"log\":\n\"z\"}\n").iter().map(|it| it.line).collect();
    assert_eq!(lines, [3, 4, 7]);
}

#[test]
fn packed_journals_and_archives_are_named() {
    for (bytes, words) in [
        (&b"LPKSHHRH\0\0"[..], "a journal file"),
        (b"\x28\xb5\x2f\xfd\0", "zstd"),
        (b"\xfd7zXZ\0\0", "xz"),
        (b"BZh91AY", "bzip2"),
    ] {
        let error = Lines::new(bytes).read().unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("oomshim report --from -"), "{error}");
    }
}

#[test]
fn a_line_without_end_is_bounded() {
    let log = vec![b'x'; 6 << 20];
    let mut lines = Lines::new(log.as_slice());
    assert_eq!(lines.read().unwrap().map(<[u8]>::len), Some(4 << 20));
    assert_eq!(lines.read().unwrap(), None);
}

#[test]
fn a_gzip_file_that_was_cut_gives_what_it_has() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut packed, "Out of memory: Killed process 7 (x)\n".repeat(9000).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert!(all(&packed[..packed.len() / 2]).len() > 1000);
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_the_reader(log in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..40)) {
        let entries = all(log.concat().as_bytes());
        let (_, rest) = crate::report::collect::all(entries);
        proptest::prop_assert!(rest.lines <= 200);
    }
}

/// Pieces of which logs are made, in any order.
const PIECES: [&str; 32] = [
    "\n",
    " ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "<3>",
    "<pre>",
    "&lt;",
    "=3D",
    "=\n",
    "\x1b[31m",
    "[    1.000000] ",
    "Nov 22 07:00:00 h ",
    "kernel: ",
    "kern  :err   : ",
    "3,1,2,-;",
    "Out of memory: ",
    "Killed process 7 (x) ",
    "total-vm:8kB, ",
    "oom-kill:constraint=",
    "CONSTRAINT_NONE,nodemask=(null),",
    "task=x,pid=7,uid=0",
    "Tasks in /a",
    "MESSAGE=",
    "__CURSOR=",
    "2026-11-22T07:00:00Z ",
    "\r",
    "\u{0}",
    "`",
    "é",
];
