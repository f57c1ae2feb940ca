//! A doctor's findings, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Finding, Outcome, Verdict};
use crate::text::escape;

/// The findings for people; those that pass take a line each.
#[must_use]
pub fn text(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        for finding in &outcome.findings {
            _ = writeln!(
                text,
                "{:<12}  {}: {}",
                finding.verdict.word(),
                outcome.check.id,
                escape::text(&finding.message)
            );
            if let Some(mend) = &finding.mend {
                _ = writeln!(text, "{:<12}  -> {}", "", escape::text(mend));
            }
        }
    }
    let count = |verdict| outcomes.iter().flat_map(|it| &it.findings).filter(|it| it.verdict == verdict).count();
    _ = writeln!(
        text,
        "\n{} passed, {} failed, {} to be looked at, {} that could not be judged",
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Warn),
        count(Verdict::Skipped)
    );
    text
}

/// The findings for programs. Version 1: fields are added, never changed or taken away.
#[must_use]
pub fn json(outcomes: &[Outcome]) -> String {
    let finding = |it: &Finding| {
        let verdict = it.verdict.word().replace(' ', "-");
        json!({"verdict": verdict, "message": escape::text(&it.message), "mend": it.mend.as_deref().map(escape::text)})
    };
    let check = |it: &Outcome| -> Value {
        let findings: Vec<Value> = it.findings.iter().map(finding).collect();
        json!({"id": it.check.id, "question": it.check.question, "findings": findings})
    };
    let worst = super::worst(outcomes).word().replace(' ', "-");
    format!("{}\n", json!({"version": 1, "worst": worst, "checks": outcomes.iter().map(check).collect::<Vec<_>>()}))
}
