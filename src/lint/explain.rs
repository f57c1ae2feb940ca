//! What a rule is, for people: on the terminal and as `docs/rules.md`, both from [`Meta`].

use std::fmt::Write;

use super::rule::{Group, Meta};
use super::rules;

/// The rule of that name.
#[must_use]
pub fn rule(name: &str) -> Option<&'static Meta> {
    rules::ALL.iter().map(|rule| rule.meta()).find(|meta| meta.name == name)
}

/// What `--explain` prints.
#[must_use]
pub fn text(meta: &Meta) -> String {
    let kinds = meta.kinds.iter().map(|kind| kind.title()).collect::<Vec<_>>().join(", ");
    let mut out = format!("{}: {}\n\n", meta.name, meta.summary);
    let _ = writeln!(out, "{} · confidence {} · fixed {} · {}\n", meta.severity, meta.confidence, meta.fixable, kinds);
    for (title, words) in [("Why", meta.why), ("What", meta.what), ("Fix", meta.fix)] {
        let _ = writeln!(out, "{title}\n{}\n", wrap(words, 100, "  "));
    }
    let _ = writeln!(out, "{}", meta.url());
    out
}

/// What `--list-rules` prints.
#[must_use]
pub fn list() -> String {
    let width = rules::ALL.iter().map(|rule| rule.meta().name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (group, word) in Group::ALL {
        let _ = writeln!(out, "{word}");
        for meta in rules::ALL.iter().map(|rule| rule.meta()).filter(|meta| meta.group == *group) {
            let _ = writeln!(
                out,
                "  {:width$}  {:7}  {:6}  {}",
                meta.name,
                meta.severity.word(),
                meta.confidence.word(),
                meta.summary
            );
        }
    }
    out
}

/// `docs/rules.md`, whole.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(HEAD);
    out.push_str("\n| rule | finds | severity | confidence | fixed |\n| --- | --- | --- | --- | --- |\n");
    for meta in rules::ALL.iter().map(|rule| rule.meta()) {
        let Meta { name, summary, severity, confidence, fixable, .. } = meta;
        let _ = writeln!(out, "| [`{name}`](#{name}) | {summary} | {severity} | {confidence} | {fixable} |");
    }
    for (group, _) in Group::ALL {
        let _ = write!(out, "\n## {}\n", heading(*group));
        for meta in rules::ALL.iter().map(|rule| rule.meta()).filter(|meta| meta.group == *group) {
            section(&mut out, meta);
        }
    }
    out
}

fn section(out: &mut String, meta: &Meta) {
    let kinds = meta.kinds.iter().map(|kind| kind.title()).collect::<Vec<_>>().join(", ");
    let extension = fixture_extension(meta);
    let name = meta.name;
    let _ = writeln!(
        out,
        "\n### {name}\n\n{} ({}), confidence {}, fixed {}. Files: {kinds}.",
        capital(meta.summary),
        meta.severity,
        meta.confidence,
        meta.fixable
    );
    for (title, words) in [("Why", meta.why), ("What", meta.what), ("Fix", meta.fix)] {
        let _ = writeln!(out, "\n**{title}.** {}", wrap(words, 120, "").trim_start());
    }
    let _ = writeln!(
        out,
        "\nExamples: [fires](../testdata/lint/{name}/fires.{extension}), [clean](../testdata/lint/{name}/clean.{extension})."
    );
}

/// The ending of the rule's fixtures, which are of the first kind that it looks at.
#[must_use]
pub fn fixture_extension(meta: &Meta) -> &'static str {
    meta.kinds.first().map_or("json", |kind| kind.syntax().extension())
}

fn heading(group: Group) -> &'static str {
    match group {
        Group::Score => "oom_score_adj: who is killed first",
        Group::Killing => "Killing: what is killed, and whether anything is",
        Group::Memory => "Memory that outlives the kill",
        Group::Shape => "Shape: whether the file says what its reader reads",
        Group::Deployment => "Deployment: daemons, engines and hooks",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// The words in lines of at most `width` columns.
fn wrap(words: &str, width: usize, indent: &str) -> String {
    let options = textwrap::Options::new(width).initial_indent(indent).subsequent_indent(indent);
    textwrap::fill(words, options.break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation))
}

const HEAD: &str = "# What oomshim lint finds

\
<!-- Made from the rules themselves: `OOMSHIM_BLESS=1 cargo test --test integration documentation`. -->

`oomshim lint` judges OCI runtime specs (`config.json`), oomshim's policy, hooks.d files, `buildkitd.toml`, Docker's
`daemon.json`, containerd's `config.toml` and the templates of k3s and rke2 for it, nvidia-container-runtime's
`config.toml`, `crio.conf`, `containers.conf`, systemd units and their drop-ins, compose files, Kubernetes manifests, the
spec in the output of `crictl inspect`, and the output of `docker inspect` and `podman inspect`. `oomshim lint --explain RULE` prints a section of this page.

**Severity** says how bad it is if it is so: an *error* stops the container, hangs or panics the machine; a *warning*
makes the wrong thing happen under memory pressure; a *note* is worth knowing. **Confidence** says how sure it is, given
that only the file is seen. `--fail-on` chooses the severity that makes the exit status 1 (by default *warning*),
`--min-confidence` what is reported at all.

**Fixes** are made by `--fix` where they are safe on every machine, and by `--unsafe-fixes` where they may change what
somebody wanted. `--diff` shows them and writes nothing; the exit status is then that of the files as they are.

**Ignoring**: `--ignore RULE`; in a spec the annotation `oomshim.lint.ignore` with names of rules and commas between
them; in TOML, YAML and unit files a comment `# oomshim: ignore[RULE]` on the line or above it (in a unit file only above
it), or `# oomshim: ignore-file[RULE]`. Instead of a rule there may be a group (`oom-score-adj`, `killing`, `memory`, `shape`,
`deployment`) or `all`.

**Exit status**: 0 nothing found (or only what is below `--fail-on`), 1 findings, 2 something could not be judged because
a file could not be read or written or is no text, because there was nothing to judge, or because the command line is
wrong. Each gets a line on stderr, and everything else is judged all the same.

**Files of other programs** are skipped: what a file says decides, its name only where that leaves it open, and what
rests on a name alone is never changed. `--list` shows what each file is judged as. Where none of the named files is of a
kind that is judged, that is exit status 2, or 0 with `--allow-none`; `git ls-files | xargs oomshim lint` works.

**In a project**: `.gitignore` and `--exclude` leave files out; `.oomshim-lint.toml` in the directory or above it has
`select`, `ignore`, `exclude`, `fail-on`, `min-confidence` and `baseline`; `--write-baseline FILE` writes what is found
now, and `--baseline FILE` reports only what is new. `.pre-commit-hooks.yaml` is for pre-commit.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_at_words() {
        assert_eq!(wrap("aa bb cc", 5, ""), "aa bb\ncc");
        assert_eq!(wrap("aaaaaaa b", 3, "  "), "  aaaaaaa\n  b");
    }

    #[test]
    fn an_explanation_has_all_its_parts() {
        let text = text(rule("oom-score-adj-unset").unwrap());
        for part in ["oom-score-adj-unset: ", "\nWhy\n  ", "\nWhat\n  ", "\nFix\n  ", "rules.md#oom-score-adj-unset"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(rule("none").is_none());
    }
}
