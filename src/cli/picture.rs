//! How a subcommand draws what happened: in the terminal, and as a figure in a file.

use std::path::PathBuf;

use anyhow::Context;

use super::format::columns;
use crate::picture::terminal::{self, Letters};
use crate::picture::{Picture, svg};

/// The options of subcommands that draw.
#[derive(Debug, clap::Args)]
pub(super) struct PictureArgs {
    /// Draw what happened: auto, which is where standard output is a terminal, always or never
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto, hide_possible_values = true)]
    picture: When,
    /// Draw with ASCII letters only, as it does anyway where the locale is not UTF-8
    #[arg(long)]
    ascii: bool,
    /// Write the figure to a file as well
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,
}

/// Whether something is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// How wide a picture is where nothing says how wide the terminal is.
const WIDTH: usize = 80;

impl PictureArgs {
    /// With which letters and how wide pictures are drawn in the terminal; `None` where none is wanted.
    pub(super) fn look(&self) -> Option<(Letters, usize)> {
        let is_wanted = match self.picture {
            When::Auto => columns().is_some(),
            When::Always => true,
            When::Never => false,
        };
        is_wanted.then(|| (letters(self.ascii), columns().unwrap_or(WIDTH)))
    }

    /// The picture in lines of the terminal; empty where none is wanted.
    pub(super) fn draw(&self, picture: &Picture) -> String {
        self.look().map(|(letters, width)| terminal::draw(picture, letters, width)).unwrap_or_default()
    }

    /// Writes the figure where one is wanted.
    pub(super) fn write(&self, picture: &Picture) -> anyhow::Result<()> {
        let Some(path) = &self.svg else { return Ok(()) };
        let figure = svg::draw(picture)?;
        std::fs::write(path, figure).with_context(|| format!("write {}", path.display()))
    }
}

/// The letters that the locale can show, by the variable that setlocale(3) would take.
pub(super) fn letters(is_ascii: bool) -> Letters {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    letters_of(is_ascii, set.as_deref().and_then(std::ffi::OsStr::to_str))
}

fn letters_of(is_ascii: bool, locale: Option<&str>) -> Letters {
    let charset = locale.unwrap_or_default().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_unicode = charset.starts_with("utf-8") || charset.starts_with("utf8");
    if is_unicode && !is_ascii { Letters::Unicode } else { Letters::Ascii }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_follow_the_locale() {
        for (locale, letters) in [
            (Some("en_US.UTF-8"), Letters::Unicode),
            (Some("C.utf8"), Letters::Unicode),
            (Some("de_DE.UTF-8@euro"), Letters::Unicode),
            (Some("C"), Letters::Ascii),
            (Some("de_DE.ISO-8859-1"), Letters::Ascii),
            (None, Letters::Ascii),
        ] {
            assert_eq!(letters_of(false, locale), letters, "{locale:?}");
        }
        assert_eq!(letters_of(true, Some("C.UTF-8")), Letters::Ascii);
    }
}
