//! Values and tables of a policy, with the words to complain about them.

use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;

pub(super) type Parsed<T> = Result<T, Problem>;
pub(super) type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

pub(super) fn problem<T>(span: Range<usize>, message: impl Into<String>) -> Parsed<T> {
    Err(Problem { span, message: message.into() })
}

/// A table with the words to complain about it.
pub(super) struct Table<'a, 'i> {
    table: &'a DeTable<'i>,
    span: Range<usize>,
}

impl<'a, 'i> Table<'a, 'i> {
    pub(super) fn root(document: &'a Spanned<DeTable<'i>>) -> Self {
        Table { table: document.get_ref(), span: document.span() }
    }

    pub(super) fn of(value: Value<'a, 'i>, name: &str) -> Parsed<Self> {
        match value.get_ref().as_table() {
            Some(table) => Ok(Table { table, span: value.span() }),
            None => problem(value.span(), format!("`{name}` is a table, not a {}", value.get_ref().type_str())),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'a, 'i>> {
        self.table.iter().find(|(name, _)| name.as_ref() == key).map(|(_, value)| value)
    }

    pub(super) fn table(&self, key: &str) -> Parsed<Option<Table<'a, 'i>>> {
        self.get(key).map(|value| Table::of(value, key)).transpose()
    }

    pub(super) fn required(&self, key: &str, what: &str) -> Parsed<Value<'a, 'i>> {
        let message = || format!("`{key}` is missing: {what}");
        self.get(key).map_or_else(|| problem(self.span.clone(), message()), Ok)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Range<usize>, Value<'a, 'i>)> + use<'a, 'i> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    /// Complains about the first key that is none of those.
    pub(super) fn allow(&self, known: &[&str]) -> Parsed<()> {
        for (key, span, _) in self.entries() {
            if !known.contains(&key) {
                let near = suggestion(key, known);
                return problem(span, format!("unknown key `{key}`{near} (known: {})", known.join(", ")));
            }
        }
        Ok(())
    }
}

pub(super) fn absolute(value: Value<'_, '_>) -> Parsed<PathBuf> {
    let text = string(value, "an absolute path")?;
    if text.starts_with('/') {
        return Ok(PathBuf::from(text));
    }
    problem(
        value.span(),
        format!("{text:?} is not an absolute path: engines call the shim with any PATH, or with none"),
    )
}

pub(super) fn one_of<T: Copy>(value: Value<'_, '_>, words: &[(&str, T)]) -> Parsed<T> {
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let text = string(value, &known.join(", "))?;
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, found)) => Ok(*found),
        None => problem(value.span(), format!("{text:?} is none of {}{}", known.join(", "), suggestion(text, &known))),
    }
}

pub(super) fn boolean(value: Value<'_, '_>) -> Parsed<bool> {
    let got = value.get_ref().type_str();
    value.get_ref().as_bool().map_or_else(|| problem(value.span(), format!("write true or false, not a {got}")), Ok)
}

pub(super) fn string<'a>(value: Value<'a, '_>, right: &str) -> Parsed<&'a str> {
    let got = value.get_ref().type_str();
    value.get_ref().as_str().map_or_else(|| problem(value.span(), format!("write {right} in quotes, not a {got}")), Ok)
}

/// `; did you mean …?` where one of the known words is near.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    // Nobody mistypes a longer word, and measuring takes its length squared.
    const LONGEST: usize = 64;
    let known: Vec<&str> = known.iter().copied().filter(|name| name.len().max(word.len()) <= LONGEST).collect();
    let distance = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    match known.into_iter().min_by_key(|candidate| distance(candidate)) {
        Some(near) if distance(&near) <= near.len().div_ceil(3) => format!("; did you mean `{near}`?"),
        _ => String::new(),
    }
}
