//! A picture as SVG: no script, text as text, colours that a dark page turns round.

mod panel;

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Unit;
use super::terminal::shorten;
use super::{Picture, Role};

/// Why there is no figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SvgError {
    /// There is nothing to be drawn.
    #[error("there are no points to draw")]
    Empty,
    /// The library cannot.
    #[error("cannot draw the figure: {0}")]
    Draw(String),
}

/// A colour on a light page, and the one that stands for it on a dark one.
#[derive(Debug, Clone, Copy)]
struct Colour {
    light: RGBColor,
    dark: &'static str,
}

const PAPER: Colour = Colour { light: RGBColor(0xff, 0xff, 0xff), dark: "#0d1117" };
const INK: Colour = Colour { light: RGBColor(0x1f, 0x23, 0x28), dark: "#f0f6fc" };
const FAINT: Colour = Colour { light: RGBColor(0x59, 0x63, 0x6e), dark: "#9198a1" };
const GRID: Colour = Colour { light: RGBColor(0xe4, 0xe8, 0xec), dark: "#262c34" };
const VICTIM: Colour = Colour { light: RGBColor(0xcf, 0x22, 0x2e), dark: "#f0544f" };
const OTHERS: [Colour; 3] = [
    Colour { light: RGBColor(0x21, 0x6d, 0xce), dark: "#4493f8" },
    Colour { light: RGBColor(0x7c, 0xb0, 0xe8), dark: "#274e7d" },
    Colour { light: RGBColor(0x6f, 0x58, 0xc9), dark: "#ab7df8" },
];
const REST: Colour = Colour { light: RGBColor(0xc0, 0xc7, 0xce), dark: "#4a525c" };
const STALL: Colour = Colour { light: RGBColor(0xb3, 0x6b, 0x00), dark: "#d29922" };
const LEVEL: Colour = Colour { light: RGBColor(0x11, 0x63, 0x29), dark: "#56d364" };

const ALL: [Colour; 11] = [PAPER, INK, FAINT, GRID, VICTIM, OTHERS[0], OTHERS[1], OTHERS[2], REST, STALL, LEVEL];

const WIDTH: u32 = 960;
const MEMORY: u32 = 310;
const AVAILABLE: u32 = 120;
const STALLED: u32 = 140;
const TITLE: u32 = 36;
const LINE: u32 = 19;
/// How many letters of a caption or a name go into a line; generous, for no font is asked.
const LETTERS: usize = 125;
const MARGIN: u32 = 14;
const LABELS: u32 = 66;

/// Sizes of text. The library divides them by 1.24, as a font's size is not the height of its letters.
const LARGE: f64 = 21.08;
const NORMAL: f64 = 16.12;
const SMALL: f64 = 14.88;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for SvgError {
    fn from(error: DrawingAreaErrorKind<E>) -> SvgError {
        SvgError::Draw(error.to_string())
    }
}

/// The whole file.
///
/// # Errors
/// [`SvgError::Empty`] for a picture without points.
pub fn draw(picture: &Picture) -> Result<String, SvgError> {
    if picture.points.is_empty() {
        return Err(SvgError::Empty);
    }
    let caption: Vec<String> = textwrap::wrap(&picture.caption, LETTERS).into_iter().map(Into::into).collect();
    let legend = legend(picture);
    let has_stall = picture.points.iter().any(|point| point.stall.is_some());
    let lines = |count: usize| u32::try_from(count).unwrap_or(0) * LINE;
    let head = TITLE + lines(caption.len());
    let available = if picture.swap_total > 0 { AVAILABLE } else { 0 };
    let stalled = if has_stall { STALLED } else { 0 };
    let height = head + MEMORY + available + stalled + lines(legend.len()) + 3 * MARGIN;
    let mut out = String::new();
    {
        let root = SVGBackend::with_string(&mut out, (WIDTH, height)).into_drawing_area();
        root.fill(&PAPER.light)?;
        let (top, rest) = root.split_vertically(head);
        write_head(&top, picture, &caption)?;
        let (memory, rest) = rest.split_vertically(MEMORY);
        panel::memory(&memory, picture, available + stalled == 0)?;
        let (area, rest) = rest.split_vertically(available);
        if available > 0 {
            panel::available(&area, picture, stalled == 0)?;
        }
        let (area, bottom) = rest.split_vertically(stalled);
        if has_stall {
            panel::stall(&area, picture)?;
        }
        write_legend(&bottom, &legend)?;
        root.present()?;
    }
    Ok(finish(&out, picture))
}

/// Title and description for those who cannot see it, and the colours of dark pages.
fn finish(svg: &str, picture: &Picture) -> String {
    let mut style = String::from("@media (prefers-color-scheme:dark){");
    for colour in ALL {
        let RGBColor(red, green, blue) = colour.light;
        let dark = colour.dark;
        for property in ["fill", "stroke"] {
            let _ = write!(style, "[{property}=\"#{red:02X}{green:02X}{blue:02X}\"]{{{property}:{dark}}}");
        }
    }
    style.push('}');
    let (title, caption) = (xml(&picture.title), xml(&picture.caption));
    let head = format!(" role=\"img\">\n<title>{title}</title>\n<desc>{caption}</desc>\n<style>{style}</style>\n");
    svg.replacen(">\n", &head, 1)
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn text(size: f64, colour: Colour) -> TextStyle<'static> {
    TextStyle { color: colour.light.to_backend_color(), ..TextStyle::from(("sans-serif", size)) }
}

fn at(x: u32, y: u32) -> (i32, i32) {
    (i32::try_from(x).unwrap_or(0), i32::try_from(y).unwrap_or(0))
}

fn write_head(area: &Area, picture: &Picture, caption: &[String]) -> Result<(), SvgError> {
    let bold = TextStyle::from(("sans-serif", LARGE, FontStyle::Bold)).color(&INK.light);
    let title = shorten(&picture.title, LETTERS * 3 / 4, "…");
    area.draw_text(&title, &bold, at(MARGIN, MARGIN))?;
    for (number, line) in (0..).zip(caption) {
        area.draw_text(line, &text(NORMAL, FAINT), at(MARGIN, TITLE + 4 + number * LINE))?;
    }
    Ok(())
}

/// The colours of the bands, from the bottom up; the rest comes first.
fn colours(picture: &Picture) -> Vec<Colour> {
    let mut others = OTHERS.into_iter().cycle();
    let band = |role| match role {
        Role::Victim => VICTIM,
        Role::Other => others.next().unwrap_or(REST),
    };
    std::iter::once(REST).chain(picture.bands.iter().map(|it| it.role).map(band)).collect()
}

/// What each colour stands for, from the top down, with what it holds at the moment.
fn legend(picture: &Picture) -> Vec<(Colour, (String, String))> {
    let unit = Unit::of(picture.capacity());
    let point = picture.point_at(picture.moment()).or(picture.points.first());
    let rest = point.and_then(|point| picture.edges(point).first().copied()).unwrap_or(0);
    let held = point.map(|point| point.held.as_slice()).unwrap_or_default();
    let names = picture.bands.iter().zip(held).map(|(band, held)| (unit.amount(*held), band.name.clone()));
    let rest = (unit.amount(rest), "everything else".to_owned());
    let mut lines: Vec<(Colour, (String, String))> =
        colours(picture).into_iter().zip(std::iter::once(rest).chain(names)).collect();
    lines.reverse();
    if let Some(floor) = picture.floor {
        lines.push((LEVEL, (unit.amount(floor), "floor of MemAvailable".to_owned())));
    }
    lines
}

fn write_legend(area: &Area, lines: &[(Colour, (String, String))]) -> Result<(), SvgError> {
    for (number, (colour, line)) in (0..).zip(lines) {
        let top = MARGIN + number * LINE;
        let left = LABELS + MARGIN;
        area.draw(&Rectangle::new([at(left, top), at(left + 12, top + 12)], colour.light.filled()))?;
        let (amount, name) = line;
        let right = text(NORMAL, INK).pos(Pos::new(HPos::Right, VPos::Top));
        area.draw_text(amount, &right, at(left + 100, top + 1))?;
        area.draw_text(&shorten(name, LETTERS - 25, "…"), &text(NORMAL, INK), at(left + 112, top + 1))?;
    }
    Ok(())
}
