//! `oom-score-adj-not-an-integer`: a score that is a fraction, a text, or anything else but an integer.

use crate::lint::change;
use crate::lint::rule::prelude::*;
use crate::system::oom_score_adj::{OomScoreAdj, ScoreError};

pub(super) struct OomScoreAdjNotAnInteger;

impl Rule for OomScoreAdjNotAnInteger {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "oom-score-adj-not-an-integer",
            summary: "process.oomScoreAdj is no integer",
            group: Group::Score,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::Safe,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Runtimes written in Go refuse the whole spec when a number is written as 500.0, 5e2 or "500", even
                /// where its value is right.
            },
            what: prose! {
                /// `process.oomScoreAdj` is a number with a fraction or an exponent, a string, a boolean, an array or
                /// an object. A string with a leading zero is told apart: whoever passes it to the kernel as it is gets
                /// octal, `0500` is 320.
            },
            fix: prose! {
                /// Write plain decimal digits without quotes: `"oomScoreAdj": 500`.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let wrong = |node: &Node<'_>| node.kind() != Kind::Null && node.integer().is_none();
        for node in subject.spec().scores().filter(wrong) {
            let (meant, safety, detail) = meant(node);
            let draft = report.at(&node, format!("oomScoreAdj is {}, not an integer{detail}", article(node)));
            match meant {
                Some(score) => draft
                    .label("this is no integer")
                    .fix(safety, format!("write {score}"), || vec![change::replace(node, score.to_string())])
                    .emit(),
                None => draft.label("this is no integer").emit(),
            }
        }
    }
}

/// The score that was meant, whether that is beyond doubt, and what is special about it.
fn meant(node: Node<'_>) -> (Option<OomScoreAdj>, Safety, &'static str) {
    match (node.kind(), node.text()) {
        (_, Some(text)) => match text.parse() {
            Ok(score) => (Some(score), Safety::Safe, ""),
            Err(ScoreError::LeadingZero(_, plain)) => {
                (plain.parse().ok(), Safety::Unsafe, "; with its leading zero the kernel would read it as octal")
            }
            Err(_) => (None, Safety::Unsafe, ""),
        },
        (Kind::Number, None) => {
            let value = node.raw().parse::<f64>().ok().filter(|value| value.fract() == 0.0 && value.abs() <= 1000.0);
            #[expect(clippy::cast_possible_truncation, reason = "a whole number from -1000 to 1000")]
            let whole = value.map(|value| value as i64);
            (whole.and_then(|whole| OomScoreAdj::new(whole).ok()), Safety::Safe, "")
        }
        _ => (None, Safety::Unsafe, ""),
    }
}

fn article(node: Node<'_>) -> String {
    match node.kind() {
        Kind::String => format!("the string {}", quote(&node.raw())),
        Kind::Number => format!("the number {}", quote(&node.raw())),
        Kind::Bool => format!("the boolean {}", node.raw()),
        Kind::Array => "an array".to_owned(),
        Kind::Object => "an object".to_owned(),
        Kind::Null => "null".to_owned(),
    }
}
