//! Turns the project's documents, which are Markdown, into the body of a man page.
//!
//! Headings become sections, tables become lists of tagged paragraphs, and links keep their text: what they lead to is a file
//! of the documentation, or stands beside the page.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Appends `text`, whose first heading is left out: the page has a title.
pub(super) fn append(page: &mut Roff, text: &str) {
    let mut writer = Writer { page, line: Vec::new(), style: Style::Roman, cells: 0, skip: false, after_heading: true };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        writer.take(event);
    }
}

/// Appends `text` as it is, line by line.
pub(super) fn append_literal(page: &mut Roff, text: &str) {
    page.control("nf", []);
    for line in text.trim_end().lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

#[derive(Clone, Copy)]
enum Style {
    Roman,
    Bold,
    Italic,
}

struct Writer<'a> {
    page: &'a mut Roff,
    line: Vec<Inline>,
    style: Style,
    /// Cells of the table's row so far.
    cells: usize,
    /// In what a page does not have: the document's title, pictures, a table's head.
    skip: bool,
    /// A heading begins a paragraph by itself.
    after_heading: bool,
}

impl Writer<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            _ if self.skip => {}
            Event::Text(text) => self.line.push(match self.style {
                Style::Roman => roman(text.as_ref()),
                Style::Bold => bold(text.as_ref()),
                Style::Italic => italic(text.as_ref()),
            }),
            Event::Code(code) => self.line.push(bold(code.as_ref())),
            Event::SoftBreak => self.line.push(roman(" ")),
            Event::HardBreak => self.flush(),
            // Rules, footnotes and HTML are not in the documents; a test over all of them would show it.
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level: HeadingLevel::H1, .. } | Tag::Image { .. } | Tag::TableHead => self.skip = true,
            Tag::Paragraph if self.line.is_empty() && !self.after_heading => {
                self.page.control("PP", []);
            }
            Tag::Item => {
                self.page.control("IP", ["\\(bu", "2"]);
                // The paragraph inside of it must not begin a new one.
                self.line.push(roman(""));
            }
            Tag::CodeBlock(_) => {
                if !self.after_heading {
                    self.page.control("PP", []);
                }
                self.page.control("RS", ["4"]);
                self.page.control("nf", []);
            }
            Tag::TableRow => {
                self.cells = 0;
                self.page.control("TP", []);
            }
            Tag::Strong => self.style = Style::Bold,
            Tag::Emphasis => self.style = Style::Italic,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(HeadingLevel::H1) | TagEnd::Image | TagEnd::TableHead => self.skip = false,
            TagEnd::Heading(level) => {
                let macro_name = if level == HeadingLevel::H2 { "SH" } else { "SS" };
                self.page.control(macro_name, []);
                self.flush();
                self.after_heading = true;
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::TableRow => self.flush(),
            TagEnd::CodeBlock => {
                self.flush_literal();
                self.page.control("fi", []);
                self.page.control("RE", []);
            }
            TagEnd::TableCell if !self.skip => {
                self.cells += 1;
                // The first cell is the tag of the paragraph, the others are its text.
                if self.cells == 1 { self.flush() } else { self.line.push(roman(" ")) }
            }
            TagEnd::Strong | TagEnd::Emphasis => self.style = Style::Roman,
            _ => {}
        }
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.after_heading = false;
            self.page.text(line);
        }
    }

    /// In code every line break counts.
    fn flush_literal(&mut self) {
        for inline in std::mem::take(&mut self.line) {
            let (Inline::Roman(text) | Inline::Bold(text) | Inline::Italic(text)) = inline else { continue };
            for line in text.trim_end().lines() {
                self.page.text([roman(line)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> String {
        let mut page = Roff::new();
        append(&mut page, text);
        page.to_roff()
    }

    #[test]
    fn headings_become_sections() {
        assert_eq!(page("# Title\n\n## One\n\n### Two\n"), ".SH\nOne\n.SS\nTwo\n");
    }

    #[test]
    fn paragraphs_keep_code_and_links() {
        assert_eq!(
            page("## A\n\nSee `runc`,\nand [the *rules*](rules.md).\n"),
            ".SH\nA\nSee \\fBrunc\\fR, and the \\fIrules\\fR.\n"
        );
    }

    #[test]
    fn code_is_literal() {
        assert_eq!(page("x\n```toml\na = 1\n\n.b\n```\n"), "x\n.PP\n.RS 4\n.nf\na = 1\n\n\\&.b\n.fi\n.RE\n");
    }

    #[test]
    fn rows_are_tagged_paragraphs() {
        assert_eq!(page("| a | b |\n| --- | --- |\n| `x` | y z |\n"), ".TP\n\\fBx\\fR\ny z \n");
    }

    #[test]
    fn items_have_bullets() {
        assert_eq!(page("- one\n- two\n"), ".IP \\(bu 2\none\n.IP \\(bu 2\ntwo\n");
    }

    #[test]
    fn documents_need_no_more_than_this() {
        for (name, _, _, text) in super::super::DOCUMENTS {
            for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
                let comment = matches!(&event, Event::Html(text) if text.starts_with("<!--"));
                let strange =
                    matches!(event, Event::Html(_) | Event::InlineHtml(_) | Event::Rule | Event::FootnoteReference(_));
                assert!(comment || !strange, "{name}: {event:?} has no form on a man page");
            }
        }
    }
}
