//! From TOML to a policy, or to the one place that is wrong and what would be right there.

mod guard;

use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Policy;
use super::class::{Adjust, Class, Size};
use super::rule::{ClassRef, Condition, Field, Pattern, Rule};
use crate::log::{Level, LogTo};
use crate::runtime::flavor::Flavor;
use crate::system::oom_score_adj::OomScoreAdj;

/// What is wrong, and where in the text (bytes).
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

type Parsed<T> = Result<T, Problem>;
type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

fn problem<T>(span: Range<usize>, message: impl Into<String>) -> Parsed<T> {
    Err(Problem { span, message: message.into() })
}

/// What a file with mistakes in it still says of the runtime: containers that run already are that one's, and calls
/// that stop them must not go to another.
pub(super) fn runtime(text: &str) -> (Option<PathBuf>, Option<Flavor>) {
    let (document, _) = DeTable::parse_recoverable(text);
    let Ok(Some(runtime)) = Table::root(&document).table("runtime") else { return (None, None) };
    let path = runtime.get("path").and_then(|value| absolute(value).ok());
    (path, runtime.get("flavor").and_then(|value| one_of(value, &FLAVORS).ok()))
}

/// A policy as one file says it: what is absent stays as `base` has it.
pub(super) fn policy(text: &str, base: Policy) -> Parsed<Policy> {
    let document = DeTable::parse(text).map_err(|error| Problem {
        span: error.span().unwrap_or(0..0),
        message: error.message().trim_end().replace('\n', ", "),
    })?;
    let mut policy = base;
    let top = Table::root(&document);
    top.allow(&["class", "rule", "default", "runtime", "apply", "log", "guard"])?;
    if let Some(classes) = top.table("class")? {
        for (name, span, value) in classes.entries() {
            let class = class(name, span, value)?;
            policy.classes.retain(|known| known.name != class.name);
            policy.classes.push(class);
        }
    }
    if let Some(rules) = top.get("rule") {
        let mut own = rules_of(text, rules, &policy)?;
        // The built-in rules stand behind the file's, unless it says them itself.
        let built_in = policy.rules.into_iter().filter(|rule| !own.iter().any(|other| same(rule, other)));
        let built_in: Vec<Rule> = built_in.collect();
        own.extend(built_in);
        policy.rules = own;
    }
    if let Some(default) = top.table("default")? {
        default.allow(&["class"])?;
        let value = default.required("class", "a class's name")?;
        policy.default = class_ref(value, &policy)?;
        let score = policy.resolve(&policy.default).map_or(OomScoreAdj::ZERO, |class| class.score);
        if score < OomScoreAdj::ZERO {
            let message = format!(
                "the default class `{}` has the score {score}: everything that no rule speaks of would be protected; \
                 give it through a rule on bundle, cgroup or an io.kubernetes.cri annotation",
                policy.default.name()
            );
            return problem(value.span(), message);
        }
    }
    if let Some(runtime) = top.table("runtime")? {
        runtime.allow(&["path", "flavor"])?;
        policy.runtime = runtime.get("path").map(absolute).transpose()?;
        policy.flavor = runtime.get("flavor").map(|value| one_of(value, &FLAVORS)).transpose()?;
    }
    if let Some(apply) = top.table("apply")? {
        apply.allow(&["strict"])?;
        policy.strict = apply.get("strict").map(boolean).transpose()?.unwrap_or(policy.strict);
    }
    if let Some(log) = top.table("log")? {
        log.allow(&["to", "level"])?;
        if let Some(value) = log.get("to") {
            policy.log.to = log_to(value)?;
        }
        if let Some(value) = log.get("level") {
            policy.log.level = one_of(value, &LEVELS)?;
        }
    }
    if let Some(guard) = top.table("guard")? {
        policy.guard = guard::guard(&guard, policy.guard)?;
    }
    Ok(policy)
}

const FLAVORS: [(&str, Flavor); 4] =
    [("runc", Flavor::Runc), ("crun", Flavor::Crun), ("youki", Flavor::Youki), ("runsc", Flavor::Runsc)];
const LEVELS: [(&str, Level); 4] =
    [("error", Level::Error), ("warn", Level::Warn), ("info", Level::Info), ("debug", Level::Debug)];
const ADJUSTS: [(&str, Adjust); 3] = [("raise", Adjust::Raise), ("set", Adjust::Set), ("fill", Adjust::Fill)];

fn class(name: &str, span: Range<usize>, value: Value<'_, '_>) -> Parsed<Class> {
    if name == "keep" {
        return problem(span, "the class `keep` is built in and cannot be changed; choose another name");
    }
    let table = Table::of(value, "class")?;
    table.allow(&[
        "oom_score_adj",
        "adjust",
        "oom_group",
        "memory_max",
        "memory_high",
        "swap_max",
        "guard",
        "guard_reserve",
    ])?;
    let score = score(table.required("oom_score_adj", "a number from -1000 to 1000")?)?;
    let limit = |key: &str| table.get(key).map(|value| size(value, key != "swap_max")).transpose();
    Ok(Class {
        name: name.to_owned(),
        score,
        adjust: table.get("adjust").map(|value| one_of(value, &ADJUSTS)).transpose()?.unwrap_or(Adjust::Raise),
        oom_group: table.get("oom_group").map(boolean).transpose()?.unwrap_or(false),
        memory_max: limit("memory_max")?,
        memory_high: limit("memory_high")?,
        swap_max: limit("swap_max")?,
        guard: guard::of_class(&table, score < OomScoreAdj::ZERO)?,
    })
}

/// Whether two rules say the same.
fn same(one: &Rule, other: &Rule) -> bool {
    let said = |rule: &Rule| -> Vec<(Field, String)> {
        rule.conditions.iter().map(|it| (it.field.clone(), it.pattern.text().to_owned())).collect()
    };
    one.class == other.class && said(one) == said(other)
}

fn rules_of(text: &str, value: Value<'_, '_>, policy: &Policy) -> Parsed<Vec<Rule>> {
    let Some(rules) = value.get_ref().as_array() else {
        return problem(value.span(), "rules are written as [[rule]], with two brackets");
    };
    rules.iter().map(|value| rule(text, value, policy)).collect()
}

fn rule(text: &str, value: Value<'_, '_>, policy: &Policy) -> Parsed<Rule> {
    let table = Table::of(value, "[[rule]]")?;
    table.allow(&["class", "match", "trust_workload"])?;
    let named = table.required("class", "a class's name")?;
    let class = class_ref(named, policy)?;
    let mut conditions = Vec::new();
    if let Some(fields) = table.table("match")? {
        fields.allow(&["annotation", "bundle", "cgroup", "id", "hostname", "arg0"])?;
        for (key, _, value) in fields.entries() {
            let field = match key {
                "annotation" => {
                    for (key, _, value) in fields.table("annotation")?.iter().flat_map(Table::entries) {
                        conditions.push(condition(Field::Annotation(key.to_owned()), value)?);
                    }
                    continue;
                }
                "bundle" => Field::Bundle,
                "cgroup" => Field::Cgroup,
                "id" => Field::Id,
                "hostname" => Field::Hostname,
                _ => Field::Arg0,
            };
            conditions.push(condition(field, value)?);
        }
    }
    if conditions.is_empty() {
        let message = "the rule has no condition: write match.cgroup = \"…\" or the like, or use [default]";
        return problem(value.span(), message);
    }
    let line = 1 + text[..value.span().start].matches('\n').count();
    let trust_workload = table.get("trust_workload").map(boolean).transpose()?.unwrap_or(false);
    let rule = Rule { class, conditions, trust_workload, line: Some(line) };
    let score = policy.resolve(&rule.class).map_or(OomScoreAdj::ZERO, |class| class.score);
    if score < OomScoreAdj::ZERO && !trust_workload && !rule.is_engine_controlled() {
        let message = format!(
            "this rule gives the score {score} to whoever asks for it: a workload chooses these conditions itself; \
             add one on bundle, cgroup or an io.kubernetes.cri annotation, or say `trust_workload = true`"
        );
        return problem(named.span(), message);
    }
    Ok(rule)
}

fn condition(field: Field, value: Value<'_, '_>) -> Parsed<Condition> {
    let text = string(value, "a glob")?;
    match Pattern::new(text) {
        Ok(pattern) => Ok(Condition { field, pattern }),
        Err(why) => problem(value.span(), format!("{text:?} is not a glob: {why}")),
    }
}

fn class_ref(value: Value<'_, '_>, policy: &Policy) -> Parsed<ClassRef> {
    let name = string(value, "a class's name")?;
    if name == "keep" {
        return Ok(ClassRef::Keep);
    }
    if policy.class(name).is_some() {
        return Ok(ClassRef::Named(name.to_owned()));
    }
    let known: Vec<&str> = policy.classes.iter().map(|class| class.name.as_str()).chain(["keep"]).collect();
    problem(value.span(), format!("there is no class `{name}`{}", suggestion(name, &known)))
}

fn score(value: Value<'_, '_>) -> Parsed<OomScoreAdj> {
    let wrong = |got: &str| problem(value.span(), format!("oom_score_adj is a number from -1000 to 1000, not {got}"));
    match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => {
            let text = number.as_str().trim_start_matches('+');
            text.parse().or_else(|error| problem(value.span(), format!("{error}")))
        }
        DeValue::Integer(_) => wrong("one in another base: write it in decimal"),
        DeValue::String(text) => match text.parse::<OomScoreAdj>() {
            Ok(number) => wrong(&format!("a text: write {number} without quotes")),
            Err(error) => wrong(&format!("a text ({error})")),
        },
        other => wrong(&format!("a {}", other.type_str())),
    }
}

fn size(value: Value<'_, '_>, not_zero: bool) -> Parsed<Size> {
    const RIGHT: &str = "write bytes, a number with KiB, MiB, GiB or TiB, or a percentage of the RAM such as \"40%\"";
    let size = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok().map(Size::Bytes),
        DeValue::String(text) => size_text(text),
        _ => None,
    };
    match size {
        Some(Size::Bytes(0)) if not_zero => problem(value.span(), "a limit of 0 kills the container at its first page"),
        Some(size) => Ok(size),
        None => {
            let got = value.get_ref().as_str().map_or(String::new(), |text| format!("{text:?} is not a size: "));
            problem(value.span(), format!("{got}{RIGHT}"))
        }
    }
}

fn size_text(text: &str) -> Option<Size> {
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let shift = match unit.trim_start() {
        "%" => return u8::try_from(number).ok().filter(|percent| (1..=100).contains(percent)).map(Size::Percent),
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift).map(Size::Bytes)
}

fn log_to(value: Value<'_, '_>) -> Parsed<LogTo> {
    match string(value, "journald, syslog, off or an absolute path")? {
        "journald" => Ok(LogTo::Journald),
        "syslog" => Ok(LogTo::Syslog),
        "off" => Ok(LogTo::Off),
        path if path.starts_with('/') => Ok(LogTo::File(PathBuf::from(path))),
        other => {
            let near = suggestion(other, &["journald", "syslog", "off"]);
            problem(
                value.span(),
                format!("records go to journald, syslog, off or an absolute path, not {other:?}{near}"),
            )
        }
    }
}

fn absolute(value: Value<'_, '_>) -> Parsed<PathBuf> {
    let text = string(value, "an absolute path")?;
    if text.starts_with('/') {
        return Ok(PathBuf::from(text));
    }
    problem(
        value.span(),
        format!("{text:?} is not an absolute path: engines call the shim with any PATH, or with none"),
    )
}

fn one_of<T: Copy>(value: Value<'_, '_>, words: &[(&str, T)]) -> Parsed<T> {
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let text = string(value, &known.join(", "))?;
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, found)) => Ok(*found),
        None => problem(value.span(), format!("{text:?} is none of {}{}", known.join(", "), suggestion(text, &known))),
    }
}

fn boolean(value: Value<'_, '_>) -> Parsed<bool> {
    let got = value.get_ref().type_str();
    value.get_ref().as_bool().map_or_else(|| problem(value.span(), format!("write true or false, not a {got}")), Ok)
}

fn string<'a>(value: Value<'a, '_>, right: &str) -> Parsed<&'a str> {
    let got = value.get_ref().type_str();
    value.get_ref().as_str().map_or_else(|| problem(value.span(), format!("write {right} in quotes, not a {got}")), Ok)
}

/// `; did you mean …?` where one of the known words is near.
fn suggestion(word: &str, known: &[&str]) -> String {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    match known.iter().copied().min_by_key(|candidate| distance(candidate)) {
        Some(near) if distance(&near) <= near.len().div_ceil(3) => format!("; did you mean `{near}`?"),
        _ => String::new(),
    }
}

/// A table with the words to complain about it.
struct Table<'a, 'i> {
    table: &'a DeTable<'i>,
    span: Range<usize>,
}

impl<'a, 'i> Table<'a, 'i> {
    fn root(document: &'a Spanned<DeTable<'i>>) -> Self {
        Table { table: document.get_ref(), span: document.span() }
    }

    fn of(value: Value<'a, 'i>, name: &str) -> Parsed<Self> {
        match value.get_ref().as_table() {
            Some(table) => Ok(Table { table, span: value.span() }),
            None => problem(value.span(), format!("`{name}` is a table, not a {}", value.get_ref().type_str())),
        }
    }

    fn get(&self, key: &str) -> Option<Value<'a, 'i>> {
        self.table.iter().find(|(name, _)| name.as_ref() == key).map(|(_, value)| value)
    }

    fn table(&self, key: &str) -> Parsed<Option<Table<'a, 'i>>> {
        self.get(key).map(|value| Table::of(value, key)).transpose()
    }

    fn required(&self, key: &str, what: &str) -> Parsed<Value<'a, 'i>> {
        let message = || format!("`{key}` is missing: {what}");
        self.get(key).map_or_else(|| problem(self.span.clone(), message()), Ok)
    }

    fn entries(&self) -> impl Iterator<Item = (&'a str, Range<usize>, Value<'a, 'i>)> + use<'a, 'i> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    /// Complains about the first key that is none of those.
    fn allow(&self, known: &[&str]) -> Parsed<()> {
        for (key, span, _) in self.entries() {
            if !known.contains(&key) {
                let near = suggestion(key, known);
                return problem(span, format!("unknown key `{key}`{near} (known: {})", known.join(", ")));
            }
        }
        Ok(())
    }
}
