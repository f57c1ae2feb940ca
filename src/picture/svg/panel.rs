//! The panels of a figure: axes, areas, lines and the moments with a name.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Colour, FAINT, GRID, INK, LABELS, LEVEL, MARGIN, OTHERS, SMALL, STALL, SvgError, colours, text};
use crate::picture::axis::{self, Unit};
use crate::picture::{Picture, Point};

/// An axis with ticks that we choose. The library's own `WithKeyPoints` has no labels that can be worded.
struct Axis {
    inner: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.inner.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.inner.range()
    }
}

type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

/// How many points a panel shows at most: one a pixel.
const PIXELS: i128 = 860;

/// How high the name of a moment is, in pixels.
const NAME: i32 = 15;

#[allow(clippy::cast_precision_loss)]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[allow(clippy::cast_precision_loss)]
fn in_unit(bytes: u64, unit: Unit) -> f64 {
    bytes as f64 / unit.bytes as f64
}

/// What stands below and beside a panel.
struct Frame<'a> {
    name: &'a str,
    end: f64,
    ticks: Vec<f64>,
    is_last: bool,
    /// What is free above it, in pixels.
    above: u32,
}

/// Axes, grid and labels. Times are written below the last panel only.
fn frame<'a, 'b>(area: &'b Area<'a>, picture: &Picture, frame: Frame<'_>) -> Result<Chart<'a, 'b>, SvgError> {
    let (from, to) = picture.span();
    let times: Vec<f64> = axis::times(from, to, 10).into_iter().map(seconds).collect();
    let mut chart = ChartBuilder::on(area)
        .margin_left(MARGIN)
        .margin_right(24)
        .margin_top(frame.above)
        .set_label_area_size(LabelAreaPosition::Left, LABELS)
        .set_label_area_size(LabelAreaPosition::Bottom, if frame.is_last { 44 } else { 6 })
        .build_cartesian_2d(
            Axis { inner: (seconds(from)..seconds(to)).into(), ticks: times },
            Axis { inner: (0.0..frame.end).into(), ticks: frame.ticks },
        )?;
    let is_last = frame.is_last;
    #[allow(clippy::cast_possible_truncation)]
    let time = move |value: &f64| if is_last { axis::time((value * 1000.0).round() as i64) } else { String::new() };
    let number = |value: &f64| format!("{value:.0}");
    let mut mesh = chart.configure_mesh();
    mesh.x_label_formatter(&time)
        .y_label_formatter(&number)
        .y_desc(frame.name)
        .label_style(text(SMALL, FAINT))
        .axis_desc_style(text(SMALL, FAINT))
        .axis_style(FAINT.light)
        .bold_line_style(GRID.light)
        .light_line_style(TRANSPARENT);
    if is_last {
        mesh.x_desc(picture.clock());
    }
    mesh.draw()?;
    Ok(chart)
}

/// One point for each pixel: the fullest.
fn pixels(picture: &Picture) -> Vec<&Point> {
    let (from, to) = picture.span();
    let mut points: Vec<(i128, &Point)> = Vec::new();
    for point in &picture.points {
        let pixel = i128::from(point.at.saturating_sub(from)) * PIXELS / i128::from(to.saturating_sub(from).max(1));
        match points.last_mut() {
            Some((last, kept)) if *last == pixel => {
                if picture.used(point) >= picture.used(kept) {
                    *kept = point;
                }
            }
            _ => points.push((pixel, point)),
        }
    }
    points.into_iter().map(|(_, point)| point).collect()
}

fn ticks(end: u64, unit: Unit, most: u64) -> Vec<f64> {
    axis::amounts(end, unit, most).into_iter().map(|tick| in_unit(tick, unit)).collect()
}

/// What is in use, by who holds it.
pub(super) fn memory(area: &Area, picture: &Picture, is_last: bool) -> Result<(), SvgError> {
    let capacity = picture.capacity();
    let unit = Unit::of(capacity);
    let name = if picture.swap_total > 0 {
        format!("memory and swap in use, {}", unit.name)
    } else {
        format!("memory in use, {}", unit.name)
    };
    let end = in_unit(capacity, unit);
    let above = if picture.marks.len() > 1 { 24 + NAME.unsigned_abs() } else { 24 };
    let mut chart = frame(area, picture, Frame { name: &name, end, ticks: ticks(capacity, unit, 6), is_last, above })?;
    let points = pixels(picture);
    let edges: Vec<Vec<u64>> = points.iter().map(|point| picture.edges(point)).collect();
    for (band, colour) in colours(picture).into_iter().enumerate() {
        let edge = |number: usize| in_unit(edges[number][band], unit);
        let below = |number: usize| band.checked_sub(1).map_or(0.0, |below| in_unit(edges[number][below], unit));
        let at = |number: usize| seconds(points[number].at);
        let upper = (0..points.len()).map(|number| (at(number), edge(number)));
        let lower = (0..points.len()).rev().map(|number| (at(number), below(number)));
        let area: Vec<(f64, f64)> = upper.chain(lower).collect();
        chart.draw_series(std::iter::once(Polygon::new(area, colour.light.filled())))?;
    }
    let (from, to) = picture.span();
    let span = (seconds(from), seconds(to));
    if picture.swap_total > 0 {
        let total = in_unit(picture.memory_total, unit);
        level(&mut chart, span, total, INK, "end of memory; above it is swap")?;
    } else if let Some(floor) = picture.floor {
        let floor = in_unit(capacity.saturating_sub(floor), unit);
        level(&mut chart, span, floor, LEVEL, "floor")?;
    }
    marks(&mut chart, picture, end)?;
    names(&mut chart, picture, end)
}

/// `MemAvailable` and the floor.
pub(super) fn available(area: &Area, picture: &Picture, is_last: bool) -> Result<(), SvgError> {
    let unit = Unit::of(picture.capacity());
    let name = format!("available, {}", unit.name);
    let (total, end) = (picture.memory_total, in_unit(picture.memory_total, unit));
    let mut chart = frame(area, picture, Frame { name: &name, end, ticks: ticks(total, unit, 3), is_last, above: 10 })?;
    let line = |value: fn(&Point) -> u64| {
        pixels(picture).into_iter().map(move |point| (seconds(point.at), in_unit(value(point), unit)))
    };
    chart.draw_series(AreaSeries::new(line(|point| point.available), 0.0, OTHERS[1].light))?;
    let (from, to) = picture.span();
    if let Some(floor) = picture.floor {
        level(&mut chart, (seconds(from), seconds(to)), in_unit(floor, unit), LEVEL, "floor")?;
    }
    marks(&mut chart, picture, end)
}

/// The share of time in which all tasks stalled.
pub(super) fn stall(area: &Area, picture: &Picture) -> Result<(), SvgError> {
    let ticks = vec![0.0, 50.0, 100.0];
    let mut chart =
        frame(area, picture, Frame { name: "all tasks stalled, %", end: 100.0, ticks, is_last: true, above: 10 })?;
    #[allow(clippy::cast_precision_loss)]
    let share = |point: &Point| point.stall.unwrap_or(0).min(100) as f64;
    let line = pixels(picture).into_iter().map(|point| (seconds(point.at), share(point)));
    chart.draw_series(AreaSeries::new(line, 0.0, STALL.light))?;
    marks(&mut chart, picture, 100.0)
}

/// A dashed line across, with its name above its left end.
fn level(chart: &mut Chart, span: (f64, f64), value: f64, colour: Colour, name: &str) -> Result<(), SvgError> {
    let line = DashedLineSeries::new([(span.0, value), (span.1, value)], 6, 4, colour.light.stroke_width(2));
    chart.draw_series(line)?;
    let name = Text::new(name.to_owned(), (6, -18), text(SMALL, colour));
    chart.draw_series(std::iter::once(EmptyElement::at((span.0, value)) + name))?;
    Ok(())
}

/// Lines at the moments with a name.
fn marks(chart: &mut Chart, picture: &Picture, end: f64) -> Result<(), SvgError> {
    for mark in &picture.marks {
        let at = seconds(mark.at);
        chart.draw_series(std::iter::once(PathElement::new([(at, 0.0), (at, end)], INK.light.stroke_width(2))))?;
    }
    Ok(())
}

/// The names of the moments, above the panel: beside the line, on the side where there is room, and in two rows, so that two
/// close to each other are both read.
fn names(chart: &mut Chart, picture: &Picture, end: f64) -> Result<(), SvgError> {
    let (from, to) = picture.span();
    for (number, mark) in (0..).zip(&picture.marks) {
        let is_late = mark.at > from / 2 + to / 2;
        let (side, gap) = if is_late { (HPos::Right, -4) } else { (HPos::Left, 4) };
        let style = text(SMALL, INK).pos(Pos::new(side, VPos::Top));
        let name = Text::new(mark.what.clone(), (gap, -18 - number % 2 * NAME), style);
        chart.draw_series(std::iter::once(EmptyElement::at((seconds(mark.at), end)) + name))?;
    }
    Ok(())
}
