//! `[[rule]]`, and references to classes.

use std::collections::BTreeMap;

use super::table::{Parsed, Table, Value, boolean, problem, string, suggestion};
use crate::policy::Policy;
use crate::policy::class::Class;
use crate::policy::rule::{ClassRef, Condition, Field, Pattern, Rule};
use crate::system::oom_score_adj::OomScoreAdj;

/// The classes of a policy by name: a policy of thousands of rules must not be searched for each.
pub(super) struct Classes<'p>(BTreeMap<&'p str, &'p Class>);

impl<'p> Classes<'p> {
    pub(super) fn of(policy: &'p Policy) -> Self {
        Classes(policy.classes.iter().map(|class| (class.name.as_str(), class)).collect())
    }

    /// The class that a value names.
    pub(super) fn reference(&self, value: Value<'_, '_>) -> Parsed<ClassRef> {
        let name = string(value, "a class's name")?;
        if name == "keep" {
            return Ok(ClassRef::Keep);
        }
        if self.0.contains_key(name) {
            return Ok(ClassRef::Named(name.to_owned()));
        }
        let known: Vec<&str> = self.0.keys().copied().chain(["keep"]).collect();
        problem(value.span(), format!("there is no class `{name}`{}", suggestion(name, &known)))
    }

    /// The `oom_score_adj` that a reference leads to; 0 for `keep`.
    pub(super) fn score(&self, class: &ClassRef) -> OomScoreAdj {
        self.0.get(class.name()).map_or(OomScoreAdj::ZERO, |class| class.oom_score_adj)
    }
}

/// The rules of a file; the built-in ones stand behind them, unless the file says them itself.
pub(super) fn rules(text: &str, value: Value<'_, '_>, policy: &Policy) -> Parsed<Vec<Rule>> {
    let Some(tables) = value.get_ref().as_array() else {
        return problem(value.span(), "rules are written as [[rule]], with two brackets");
    };
    let classes = Classes::of(policy);
    let line_ends: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    let line = |at: usize| 1 + line_ends.partition_point(|end| *end < at);
    let own = tables.iter().map(|value| rule(value, line(value.span().start), &classes));
    let mut own = own.collect::<Parsed<Vec<Rule>>>()?;
    let built_in = policy.rules.iter().filter(|rule| !own.iter().any(|other| same(rule, other)));
    let built_in: Vec<Rule> = built_in.cloned().collect();
    own.extend(built_in);
    Ok(own)
}

/// Whether two rules say the same.
fn same(one: &Rule, other: &Rule) -> bool {
    let says = |condition: &Condition| other.conditions.contains(condition);
    one.class == other.class && one.conditions.len() == other.conditions.len() && one.conditions.iter().all(says)
}

fn rule(value: Value<'_, '_>, line: usize, classes: &Classes<'_>) -> Parsed<Rule> {
    let table = Table::of(value, "[[rule]]")?;
    table.allow(&["class", "match", "trust_workload"])?;
    let named = table.required("class", "a class's name")?;
    let class = classes.reference(named)?;
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
    let trust_workload = table.get("trust_workload").map(boolean).transpose()?.unwrap_or(false);
    let rule = Rule { class, conditions, trust_workload, line: Some(line) };
    let score = classes.score(&rule.class);
    if score < OomScoreAdj::ZERO && !trust_workload && !rule.is_engine_controlled() {
        let message = format!(
            "this rule gives oom_score_adj {score} to whoever asks for it: a workload chooses these conditions itself; \
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
