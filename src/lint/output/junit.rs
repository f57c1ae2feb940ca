//! `JUnit` XML, which every CI server shows: a suite for each file, a case for each finding, and one that passed for a
//! file in which nothing was found.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{Counts, name};
use crate::lint::finding::{Finding, Outcome};
use crate::lint::input::Problem;
use crate::lint::run::Results;

/// Writes one document.
///
/// # Errors
/// Those of the writer.
pub fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
    let counts = Counts::of(results);
    let failures = counts.errors + counts.warnings + counts.notes;
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let passed = results.outcomes.iter().filter(|outcome| outcome.findings.is_empty()).count();
    let tests = failures + passed + results.problems.len();
    let all = counted("testsuites", "oomshim lint", [tests, failures, results.problems.len()]);
    xml.write_event(Event::Start(all))?;
    for outcome in &results.outcomes {
        suite(outcome, &mut xml)?;
    }
    for problem in &results.problems {
        trouble(problem, &mut xml)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    writeln!(out)
}

fn counted(element: &'static str, name: &str, [tests, failures, errors]: [usize; 3]) -> BytesStart<'static> {
    let mut start = BytesStart::new(element);
    start.push_attribute(("name", name));
    for (key, count) in [("tests", tests), ("failures", failures), ("errors", errors)] {
        start.push_attribute((key, count.to_string().as_str()));
    }
    start
}

fn suite(outcome: &Outcome, xml: &mut Writer<impl Write>) -> io::Result<()> {
    let file = name(&outcome.name);
    let count = outcome.findings.len();
    xml.write_event(Event::Start(counted("testsuite", &file, [count.max(1), count, 0])))?;
    for finding in &outcome.findings {
        case(&file, finding, xml)?;
    }
    if outcome.findings.is_empty() {
        let passed =
            BytesStart::new("testcase").with_attributes([("classname", file.as_str()), ("name", outcome.kind.word())]);
        xml.write_event(Event::Empty(passed))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn case(file: &str, finding: &Finding, xml: &mut Writer<impl Write>) -> io::Result<()> {
    let start = finding.place.start;
    let place = format!("{}:{}:{}", finding.rule.name, start.line, start.column);
    failing(
        file,
        &place,
        "failure",
        finding.severity.word(),
        &finding.message,
        &format!("{file}:{}: {}", start.line, finding.help),
        xml,
    )
}

fn trouble(problem: &Problem, xml: &mut Writer<impl Write>) -> io::Result<()> {
    let file = name(&problem.path);
    let message = crate::text::escape::text(&problem.message);
    xml.write_event(Event::Start(counted("testsuite", &file, [1, 0, 1])))?;
    failing(&file, "read", "error", "error", &message, "", xml)?;
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn failing(
    file: &str,
    place: &str,
    element: &str,
    kind: &str,
    message: &str,
    text: &str,
    xml: &mut Writer<impl Write>,
) -> io::Result<()> {
    let case = BytesStart::new("testcase").with_attributes([("classname", file), ("name", place)]);
    xml.write_event(Event::Start(case))?;
    let failure = BytesStart::new(element).with_attributes([("type", kind), ("message", message)]);
    xml.write_event(Event::Start(failure))?;
    xml.write_event(Event::Text(BytesText::new(text)))?;
    xml.write_event(Event::End(BytesEnd::new(element)))?;
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}
