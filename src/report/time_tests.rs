//! Times in the forms in which logs have them.

use super::*;

fn of(text: &str) -> Option<Wall> {
    wall(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(wall, _)| wall)
}

#[test]
fn a_zone_is_counted_in() {
    let noon = Some(Wall::Epoch(1_795_348_800_000_000));
    for text in [
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00+0000",
        "2026-11-22T13:00:00+01:00",
        "2026-11-22T13:00:00+01",
        "2026-11-22T06:30:00,000000-0530",
        "2026-11-22T12:00:00.000000000Z",
        "2026-11-22 12:00:00 UTC",
        "Sun 2026-11-22 12:00:00 UTC",
        "1795348800.000000",
        "Sun, 22 Nov 2026 13:00:00 +0100",
        "Sun Nov 22 12:00:00 UTC 2026",
    ] {
        assert_eq!(of(text), noon, "{text}");
    }
    for text in ["2026-11-22T12:00:00+xx00", "2026-13-22T12:00:00Z", "noon", "12:00:00", "2026-11-22", "host 12:00"] {
        assert_eq!(of(text), None, "{text}");
    }
}

#[test]
fn months_are_read_in_any_language() {
    for text in [
        "Nov 22 07:00:00",
        "Nov  2 07:00:00",
        "Nov 22 07:00:00.123456",
        "Sun Nov 22 07:00:00 2026",
        "dim. 19 avril 18:03:30 2026",
        "So Nov 22 07:00:00 2026",
        "Do 26. Mär 07:00:00 2026",
        "Вс ноя 22 07:00:00 2026",
        "日 11月 22 07:00:00 2026",
        "2026-11-22 07:00:00",
        "2026/11/22 07:00:00",
        "Sun 2026-11-22 07:00:00 CET",
    ] {
        assert!(matches!(of(text), Some(Wall::Local { .. })), "{text}: {:?}", of(text));
    }
    assert!(matches!(of("whitsun 22 07:00:00"), Some(Wall::Words(_))));
}

#[test]
fn times_of_one_form_tell_how_long_it_was() {
    let cases = [
        ("Sun Nov 22 07:00:00 2026", "Sun Nov 22 19:00:00 2026", Some(43_200_000_000)),
        ("Nov  2 07:00:00", "Nov  2 07:00:01", Some(1_000_000)),
        ("Feb 28 23:59:59", "Feb 29 00:00:00", Some(1_000_000)),
        ("Nov 22 07:00:00.250000", "Nov 22 07:00:00.500000", Some(250_000)),
        ("Sun 2026-11-22 07:00:00 CET", "Sun 2026-11-22 07:00:03 CET", Some(3_000_000)),
        ("Nov 22 07:00:01", "Nov 22 07:00:00", Some(-1_000_000)),
        ("whitsun 22 07:00:00", "whitsun 22 07:00:02", Some(2_000_000)),
        ("whitsun 22 07:00:00", "eastern 22 07:00:02", None),
        ("1795348800.000000", "Nov 22 07:00:00", None),
    ];
    let time = |text: &str| Time { wall: of(text), since_boot: None };
    for (from, to, expected) in cases {
        assert_eq!(time(from).difference(&time(to)), expected, "{from}");
    }
    let around_new_year = time("Dec 31 23:59:59").pause(&time("Jan  1 00:00:00"));
    assert!(around_new_year.is_some_and(|pause| pause > 1_000_000), "rather two events than one");
    assert_eq!(Time::since_boot(9).pause(&Time::since_boot(5)), Some(0), "processors are out of order by a little");
    assert_eq!(Time::since_boot(9_000_000).pause(&Time::since_boot(5)), Some(UNRELATED), "another boot");
}
