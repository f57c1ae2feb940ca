//! What a fix would change, as a unified diff.

use std::io::{self, Write};
use std::time::Duration;

use similar::TextDiff;

use crate::lint::run::Change;
use crate::text::escape;

/// How long the shortest diff is looked for. Two texts that differ in thousands of lines get a longer one: the search
/// is quadratic in the differences.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes the diff of one file, byte for byte as patch(1) needs it, or for a terminal without what one would obey.
///
/// # Errors
/// Those of the writer.
pub fn write(change: &Change, for_terminal: bool, out: &mut impl Write) -> io::Result<()> {
    let (before, after) = &change.texts;
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let name = escape::bytes(change.path.as_os_str().as_encoded_bytes());
    // patch(1) takes a name to end at the first space, unless a tab does it.
    let tab = if name.contains(' ') { "\t" } else { "" };
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before.as_ref(), after.as_ref());
    let text =
        diff.unified_diff().context_radius(3).header(&format!("a/{name}{tab}"), &format!("b/{name}{tab}")).to_string();
    if !for_terminal {
        return out.write_all(text.as_bytes());
    }
    text.lines().try_for_each(|line| writeln!(out, "{}", escape::text(&line.replace('\t', "    "))))
}
