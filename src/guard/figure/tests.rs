use std::path::{Path, PathBuf};

use super::super::replay::replay;
use super::super::settings::Settings;
use super::*;
use crate::picture::svg;
use crate::picture::terminal::{self, Letters};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn recorded(file: &str) -> Picture {
    let text = std::fs::read_to_string(root().join("testdata/series").join(file)).unwrap();
    let series = Series::parse(&text).unwrap();
    let settings = Settings::of_host(series.samples[0].host.memory_total);
    let (acts, _) = replay(&series, settings);
    of_series(&series, &acts, settings.floor).unwrap()
}

/// After a change of the drawing look at the difference, and take it over with `OOMSHIM_BLESS=1`.
fn compare(path: &str, got: &str) {
    let path = root().join(path);
    if std::env::var_os("OOMSHIM_BLESS").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(got == wanted, "{} is not what is drawn now:\n{got}", path.display());
}

#[test]
fn recorded_series_are_drawn_as_before() {
    for (file, name) in [
        ("6.1-noswap-50.tsv", "noswap"),
        ("6.1-swap-readers-50.tsv", "swap"),
        ("6.1-neg-cache-thrash.tsv", "calm"),
        ("6.1-own-limit-livelock.tsv", "own-limit"),
    ] {
        let picture = recorded(file);
        let drawn = format!(
            "{}\n{}",
            terminal::draw(&picture, Letters::Unicode, 100),
            terminal::draw(&picture, Letters::Ascii, 60)
        );
        compare(&format!("testdata/pictures/{name}.txt"), &drawn);
    }
    compare("docs/images/guard-replay.svg", &svg::draw(&recorded("held-out/1024-grow-two.jsonl")).unwrap());
    compare("testdata/pictures/swap.svg", &svg::draw(&recorded("6.1-swap-readers-50.tsv")).unwrap());
}

#[test]
fn the_largest_jobs_are_told_apart() {
    let moment = |at_us: u64, held: &[(u64, u64)]| {
        let mut moment = Moment { at_us, memory_total: 1000, memory_available: 500, ..Moment::default() };
        for (place, (id, frees)) in moment.jobs.iter_mut().zip(held) {
            *place = Some((JobId(*id), *frees));
        }
        moment
    };
    let moments =
        [moment(1_000_000, &[(1, 5), (2, 50), (3, 7), (4, 9)]), moment(2_500_000, &[(5, 100), (1, 40), (2, 1)])];
    let name = |id: JobId| format!("/{}", id.0);
    let picture = Picture { memory_total: 1000, ..Picture::default() };
    let picture = fill(picture, &moments, 2_500_000, Some((JobId(1), "killed")), &name).unwrap();
    let names: Vec<&str> = picture.bands.iter().map(|band| band.name.as_str()).collect();
    assert_eq!(names, ["/5", "/2", "/4", "/1 (killed)"]);
    assert_eq!(picture.points[0].held, [0, 50, 9, 5]);
    assert_eq!((picture.points[0].at, picture.points[1].at, picture.points[1].stall), (-1500, 0, None));
    assert_eq!(fill(Picture::default(), &[], 0, None, &name), None);
}

#[test]
fn stall_is_a_share_of_the_last_second() {
    let moment = |at_us, full_stall_us| Moment { at_us, full_stall_us, memory_total: 9, ..Moment::default() };
    let moments: Vec<Moment> = (0..20_u64).map(|it| moment(it * 100_000, 1 + it * 50_000)).collect();
    let picture = fill(Picture::default(), &moments, 0, None, &|_| String::new()).unwrap();
    let stalls: Vec<Option<u64>> = picture.points.iter().map(|point| point.stall).collect();
    assert_eq!((stalls[0], stalls[5], stalls[19]), (Some(0), Some(50), Some(50)));
}
