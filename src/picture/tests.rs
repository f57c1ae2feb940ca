use super::*;

/// A steady job and one that grows until it is killed, over a minute, with 1000 MiB of memory.
fn spike() -> Picture {
    let mib = |it: u64| it << 20;
    let point = |number: i64| {
        let grown = u64::try_from((number - 400).clamp(0, 200)).unwrap() * 3;
        let grown = if number > 600 { 0 } else { grown };
        Point {
            at: (number - 600) * 100,
            available: mib(650 - grown),
            swap_free: 0,
            stall: Some(if (590..=600).contains(&number) { 40 } else { 0 }),
            held: vec![mib(250), mib(grown)],
        }
    };
    Picture {
        title: "oomshim guard killed /jobs/grower".to_owned(),
        caption: "MemAvailable 49 MiB is below the floor of 50 MiB, and there is no swap".to_owned(),
        memory_total: mib(1000),
        floor: Some(mib(50)),
        bands: vec![
            Band { name: "/jobs/steady".to_owned(), role: Role::Other },
            Band { name: "/jobs/grower".to_owned(), role: Role::Victim },
        ],
        points: (0..650).map(point).collect(),
        marks: vec![Mark { at: 0, what: "killed".to_owned() }],
        ..Picture::default()
    }
}

#[test]
fn edges_add_up_to_what_is_in_use() {
    let picture = spike();
    let point = picture.point_at(0).unwrap();
    assert_eq!(picture.edges(point), [100 << 20, 350 << 20, 950 << 20]);
    assert_eq!(picture.used(point), 950 << 20);
}

#[test]
fn focus_keeps_the_spike_and_its_beginning() {
    let picture = spike();
    let (first, last) = (picture.points[0].at, picture.points[649].at);
    assert_eq!((first, last), (-60_000, 4900));
    let focused = picture.focused();
    // It rose for 18 s of the 60 after the first tenth.
    assert_eq!(focused.span(), (-27_100, 4900));
    assert!(focused.point_at(-20_000).is_some_and(|point| point.available == 650 << 20));
}

#[test]
fn a_calm_series_stays_whole() {
    let mut picture = spike();
    picture.points.truncate(300);
    picture.marks.clear();
    assert_eq!(picture.clone().focused(), picture);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut picture = spike();
    picture.bands[1].name = "/very/long/".repeat(30) + "漢字";
    for width in [40, 57, 80, 200] {
        for letters in [terminal::Letters::Unicode, terminal::Letters::Ascii] {
            let drawn = terminal::draw(&picture, letters, width);
            let widest = drawn.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0);
            assert!(widest <= width, "{widest} in {width} columns:\n{drawn}");
            assert!(
                letters == terminal::Letters::Unicode || !drawn.replace("漢字", "").contains(|it: char| !it.is_ascii())
            );
        }
    }
}

#[test]
fn nothing_breaks_on_extreme_points() {
    let empty = Picture::default();
    assert_eq!(terminal::draw(&empty, terminal::Letters::Ascii, 80), "");
    assert_eq!(svg::draw(&empty), Err(svg::SvgError::Empty));
    let point =
        |at, held| Point { at, available: u64::MAX, swap_free: u64::MAX, stall: Some(u64::MAX), held: vec![held] };
    let picture = Picture {
        memory_total: u64::MAX / 2,
        swap_total: u64::MAX / 2,
        floor: Some(u64::MAX),
        bands: vec![Band { name: "<&\"'>".to_owned(), role: Role::Victim }],
        points: vec![point(i64::MIN / 4, u64::MAX), point(0, 0), point(0, 1), point(i64::MAX / 4, u64::MAX)],
        marks: vec![
            Mark { at: i64::MAX / 2, what: "late".to_owned() },
            Mark { at: i64::MIN / 2, what: "early".to_owned() },
        ],
        ..Picture::default()
    };
    assert!(!terminal::draw(&picture, terminal::Letters::Ascii, 0).is_empty());
    let figure = svg::draw(&picture).unwrap();
    assert!(figure.contains("&lt;&amp;") && !figure.contains("<&"), "{figure}");
}

/// Elements balance and nothing of a name is markup: another reader of XML takes the whole file.
#[test]
fn figures_are_well_formed_and_without_script() {
    let mut picture = spike();
    picture.title = "<script>alert(1)</script> & ]]> \"'".to_owned();
    picture.caption.clone_from(&picture.title);
    picture.bands[0].name.clone_from(&picture.title);
    let figure = svg::draw(&picture).unwrap();
    let mut reader = quick_xml::Reader::from_str(&figure);
    let mut texts = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(start) | quick_xml::events::Event::Empty(start) => {
                let name = start.name();
                assert!(
                    [&b"svg"[..], b"title", b"desc", b"style", b"text", b"rect", b"line", b"polyline", b"polygon"]
                        .contains(&name.as_ref()),
                    "{name:?}"
                );
                texts += usize::from(name.as_ref() == b"text");
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert!(texts > 15, "{texts}");
}
