//! Which rules judge: by their names, by the names of their groups, or `all`.

use thiserror::Error;

use super::rule::{Group, Meta};
use super::rules;
use super::schema::nearest;
use crate::text::escape;

/// A word that names neither a rule nor a group of rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no rule or group `{}`{}", escape::text(.word), .near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownName {
    /// The word.
    pub word: String,
    /// What was probably meant.
    pub near: Option<&'static str>,
}

/// A choice of rules; the default is all of them.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    select: Vec<String>,
    ignore: Vec<String>,
}

impl Selection {
    /// The rules that `select` names, all where it names none, without those that `ignore` names.
    ///
    /// # Errors
    /// [`UnknownName`] of the first word that names neither a rule nor a group.
    pub fn new(select: &[String], ignore: &[String]) -> Result<Self, UnknownName> {
        for word in select.iter().chain(ignore) {
            if !is_known(word) {
                return Err(UnknownName { word: word.clone(), near: nearest(word, names()) });
            }
        }
        Ok(Selection { select: select.to_vec(), ignore: ignore.to_vec() })
    }

    /// Whether the rule is chosen.
    #[must_use]
    pub fn contains(&self, meta: &Meta) -> bool {
        let named =
            |words: &[String]| words.iter().any(|word| word == meta.name || word == meta.group.word() || word == "all");
        (self.select.is_empty() || named(&self.select)) && !named(&self.ignore)
    }
}

/// Whether the word names a rule, a group or all of them.
#[must_use]
pub fn is_known(word: &str) -> bool {
    names().any(|name| name == word)
}

fn names() -> impl Iterator<Item = &'static str> {
    let rules = rules::ALL.iter().map(|rule| rule.meta().name);
    rules.chain(Group::ALL.iter().map(|(_, word)| *word)).chain(["all"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_groups_and_all() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let unset = rules::ALL.iter().map(|rule| rule.meta()).find(|meta| meta.name == "oom-score-adj-unset").unwrap();
        let has =
            |select: &[&str], ignore: &[&str]| Selection::new(&words(select), &words(ignore)).unwrap().contains(unset);
        assert!(
            has(&[], &[])
                && has(&["oom-score-adj"], &[])
                && has(&["all"], &["killing"])
                && has(&["oom-score-adj-unset"], &[])
        );
        assert!(!has(&["killing"], &[]) && !has(&[], &["oom-score-adj"]) && !has(&["oom-score-adj-unset"], &["all"]));
        let error = Selection::new(&[], &words(&["oom-score-adj-unste"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no rule or group `oom-score-adj-unste`; did you mean `oom-score-adj-unset`?"
        );
    }
}
