//! `[class.NAME]`

use std::ops::Range;

use toml::de::DeValue;

use super::guard;
use super::table::{Parsed, Table, Value, boolean, one_of, problem};
use crate::policy::class::{Adjust, Class, OomGroup, Size};
use crate::system::oom_score_adj::OomScoreAdj;

const ADJUSTS: [(&str, Adjust); 3] = [("raise", Adjust::Raise), ("set", Adjust::Set), ("fill", Adjust::Fill)];

pub(super) fn class(name: &str, span: Range<usize>, value: Value<'_, '_>) -> Parsed<Class> {
    if name == "keep" {
        return problem(span, "the class `keep` is built in and cannot be changed; choose another name");
    }
    let table = Table::of(value, "class")?;
    table.allow(&[
        "oom_score_adj",
        "adjust",
        "above_engine",
        "oom_group",
        "memory_max",
        "memory_high",
        "swap_max",
        "guard",
        "guard_reserve",
    ])?;
    let oom_score_adj = score(table.required("oom_score_adj", "a number from -1000 to 1000")?)?;
    let above_engine = table.get("above_engine").map(above_engine).transpose()?;
    if let (Some((_, span)), true) = (&above_engine, oom_score_adj < OomScoreAdj::ZERO) {
        let message = "a class below 0 is not meant to be above its engine: take above_engine away";
        return problem(span.clone(), message);
    }
    let limit = |key: &str, zero: Zero| table.get(key).map(|value| size(value, zero)).transpose();
    let group = table.get("oom_group").map(boolean).transpose()?;
    Ok(Class {
        name: name.to_owned(),
        oom_score_adj,
        adjust: table.get("adjust").map(|value| one_of(value, &ADJUSTS)).transpose()?.unwrap_or(Adjust::Raise),
        above_engine: above_engine.map(|(above, _)| above),
        oom_group: group.map_or(OomGroup::Leave, |set| if set { OomGroup::Set } else { OomGroup::Clear }),
        memory_max: limit("memory_max", Zero::Kills)?,
        memory_high: limit("memory_high", Zero::Kills)?,
        swap_max: limit("swap_max", Zero::IsALimit)?,
        guard: guard::of_class(&table, oom_score_adj)?,
    })
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

/// `above_engine`, and where it is.
fn above_engine(value: Value<'_, '_>) -> Parsed<(u16, Range<usize>)> {
    let number = value.get_ref().as_integer().filter(|number| number.radix() == 10);
    let number = number.and_then(|number| number.as_str().parse().ok()).filter(|number| (1..=1000).contains(number));
    match number {
        Some(number) => Ok((number, value.span())),
        None => {
            problem(value.span(), "above_engine is a number from 1 to 1000, the least distance to the engine's own")
        }
    }
}

/// What 0 means as a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// Whatever has this limit is killed at once.
    Kills,
    /// A limit like another.
    IsALimit,
}

/// A size, in quotes or as a number of bytes.
pub(super) fn size(value: Value<'_, '_>, zero: Zero) -> Parsed<Size> {
    const RIGHT: &str =
        "write bytes, a number with K, M, G or T (or KiB and so on), or a share of the RAM such as \"40%\"";
    let size = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok().map(Size::Bytes),
        DeValue::String(text) => Size::parse(text),
        _ => None,
    };
    match size {
        Some(Size::Bytes(0)) if zero == Zero::Kills => {
            problem(value.span(), "a limit of 0 kills the container at its first page")
        }
        Some(size) => Ok(size),
        None => {
            let got = value.get_ref().as_str().map_or(String::new(), |text| format!("{text:?} is not a size: "));
            problem(value.span(), format!("{got}{RIGHT}"))
        }
    }
}
