//! The checks' findings, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{CheckReport, Finding, Status};
use crate::text::escape;

/// The findings for people; those that pass take a line each.
#[must_use]
pub fn text(reports: &[CheckReport]) -> String {
    let mut text = String::new();
    for report in reports {
        for finding in &report.findings {
            let (word, id) = (finding.status.word(), report.check.id);
            _ = writeln!(text, "{word:<12}  {id}: {}", escape::text(&finding.message));
            for (index, line) in finding.remedy.iter().flat_map(|remedy| remedy.lines()).enumerate() {
                let arrow = if index == 0 { "->" } else { "" };
                _ = writeln!(text, "{:<12}  {arrow:<2} {}", "", escape::text(line));
            }
        }
    }
    let count = |status| reports.iter().flat_map(|it| &it.findings).filter(|it| it.status == status).count();
    _ = writeln!(
        text,
        "\n{} passed, {} failed, {} warnings, {} skipped",
        count(Status::Pass),
        count(Status::Fail),
        count(Status::Warn),
        count(Status::Skipped)
    );
    text
}

/// The findings for programs. Version 2: fields are added, never changed or taken away.
#[must_use]
pub fn json(reports: &[CheckReport]) -> String {
    let remedy = |text: &str| text.lines().map(escape::text).collect::<Vec<_>>().join("\n");
    let finding = |it: &Finding| {
        json!({
            "status": it.status.word(),
            "message": escape::text(&it.message),
            "remedy": it.remedy.as_deref().map(remedy),
        })
    };
    let check = |it: &CheckReport| -> Value {
        let findings: Vec<Value> = it.findings.iter().map(finding).collect();
        json!({"id": it.check.id, "question": it.check.question, "findings": findings})
    };
    let checks: Vec<Value> = reports.iter().map(check).collect();
    format!("{}\n", json!({"version": 2, "worst": super::worst(reports).word(), "checks": checks}))
}

#[cfg(test)]
mod tests {
    use super::super::CHECKS;
    use super::*;

    #[test]
    fn a_remedys_lines_stay_lines_and_nothing_else_does() {
        let findings = vec![Finding::warn("a\u{1b}[2J\nb", "set in /x:\n    y = 1\u{1b}\nthen z")];
        let reports = [CheckReport { check: CHECKS[0], findings }];
        let id = CHECKS[0].id;
        assert_eq!(
            text(&reports),
            format!(
                "warn          {id}: a\\u{{1b}}[2J\\nb\n              -> set in /x:\n                     y = 1\\u{{1b}}\n                 then z\n\n\
                 0 passed, 0 failed, 1 warnings, 0 skipped\n"
            )
        );
        let value: Value = serde_json::from_str(&json(&reports)).unwrap();
        assert_eq!(value["checks"][0]["findings"][0]["remedy"], "set in /x:\n    y = 1\\u{1b}\nthen z");
    }
}
