//! Every rule has a fixture that fires, one that is clean, and a section in the documentation; none has more.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use oomshim::lint::finding::Fixes;
use oomshim::lint::rule::{Fixable, Meta};
use oomshim::lint::target_host::TargetHost;
use oomshim::lint::{self, Options, explain, rules};
use oomshim::system::host::Roots;

use super::tool::repository;

fn metas() -> impl Iterator<Item = &'static Meta> {
    rules::ALL.iter().map(|rule| rule.meta())
}

pub(crate) fn directory(meta: &Meta) -> PathBuf {
    repository().join("testdata/lint").join(meta.name)
}

/// How the fixtures of a rule are judged: against the machine in their directory, where there is one.
pub(crate) fn options(meta: &Meta) -> Options {
    let root = directory(meta).join("machine");
    let machine = root.is_dir().then(|| {
        let roots = Roots { proc: root.join("proc"), cgroup: root.join("cgroup") };
        TargetHost::read(&roots, root.clone())
    });
    Options { machine, fixes: Fixes::Changes, ..Options::default() }
}

#[test]
fn every_rule_fires_on_its_fixture_and_not_on_the_clean_one() {
    for meta in metas() {
        for (name, expected) in [("fires", true), ("clean", false)] {
            let path = directory(meta).join(format!("{name}.{}", explain::fixture_extension(meta)));
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let outcome = lint::bytes(&path, &bytes, None, &options(meta))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(meta.kinds.contains(&outcome.kind), "{} is taken for a {}", path.display(), outcome.kind.title());
            let fired: Vec<_> = outcome.findings.iter().map(|finding| finding.rule.name).collect();
            assert_eq!(fired.contains(&meta.name), expected, "{} in {}: {fired:?}", meta.name, path.display());
        }
    }
}

#[test]
fn a_rule_that_says_that_it_can_fix_does() {
    let mut fixing = BTreeSet::new();
    for meta in metas() {
        let files =
            fs::read_dir(directory(meta)).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        for path in files {
            let outcome = lint::bytes(&path, &fs::read(&path).unwrap(), None, &options(meta)).unwrap();
            let own = outcome.findings.iter().filter(|finding| finding.rule.name == meta.name);
            if own.clone().any(|finding| finding.fix.as_ref().is_some_and(|fix| !fix.splices.is_empty())) {
                fixing.insert(meta.name);
            }
        }
    }
    let claimed: BTreeSet<_> = metas().filter(|meta| meta.fixable != Fixable::No).map(|meta| meta.name).collect();
    assert_eq!(fixing, claimed);
}

#[test]
fn one_name_stands_everywhere() {
    let mut names = BTreeSet::new();
    for (rule, meta) in rules::ALL.iter().zip(metas()) {
        assert!(names.insert(meta.name), "{} is there twice", meta.name);
        assert!(
            meta.name
                .split('-')
                .all(|word| !word.is_empty()
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())),
            "{}",
            meta.name
        );
        let source = repository().join("src/lint/rules").join(meta.name.replace('-', "_") + ".rs");
        let text = fs::read_to_string(&source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let camel: String = meta.name.split('-').map(capital).collect();
        assert!(text.starts_with(&format!("//! `{}`: ", meta.name)), "the first line of {}", source.display());
        assert!(text.contains(&format!("struct {camel};")), "{} defines {camel}", source.display());
        for words in [meta.summary, meta.why, meta.what, meta.fix] {
            assert!(
                !words.trim().is_empty() && !words.contains('\n') && words == words.trim(),
                "{}: {words:?}",
                meta.name
            );
        }
        assert!(
            meta.why.ends_with('.')
                && meta.what.ends_with('.')
                && meta.fix.ends_with('.')
                && !meta.summary.ends_with('.'),
            "{}",
            meta.name
        );
        let _ = rule;
    }
    let files = |directory: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(repository().join(directory)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let sources: BTreeSet<String> = files("src/lint/rules").into_iter().filter(|name| name != "mod.rs").collect();
    assert_eq!(sources, names.iter().map(|name| name.replace('-', "_") + ".rs").collect());
    let fixtures: BTreeSet<String> = files("testdata/lint").into_iter().filter(|name| !name.contains('.')).collect();
    assert_eq!(fixtures, names.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn the_documentation_is_what_the_rules_say() {
    let path = repository().join("docs/rules.md");
    let expected = explain::markdown();
    if std::env::var_os("OOMSHIM_BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "docs/rules.md is not what the rules say: run the test once with OOMSHIM_BLESS=1");
    for meta in metas() {
        let section = text.split("\n### ").find(|section| section.starts_with(&format!("{}\n", meta.name))).unwrap();
        for part in ["**Why.** ", "**What.** ", "**Fix.** "] {
            assert!(section.contains(part), "{} has no {part}", meta.name);
        }
        for link in section.split("](../").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            assert!(repository().join(link).is_file(), "{} leads to {link}, which is not there", meta.name);
        }
    }
}
