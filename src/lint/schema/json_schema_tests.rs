//! The table beside runtime-spec's own JSON schema (`testdata/runtime-spec`): both as lines, and every difference named.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Object, Shape};
use super::SPEC;

/// The schema's files by name.
fn files() -> BTreeMap<&'static str, Value> {
    macro_rules! file {
        ($name:literal) => {
            ($name, serde_json::from_str(include_str!(concat!("../../../testdata/runtime-spec/", $name))).unwrap())
        };
    }
    [file!("config-schema.json"), file!("config-linux.json"), file!("defs.json"), file!("defs-linux.json")].into()
}

/// A place in the spec, `linux.devices[].path`, and what is there: `text`, `integer 0..=255`, …, and whether it must be.
type Lines = BTreeMap<String, String>;

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn integer(min: i128, max: i128) -> String {
    format!("integer {min}..={max}")
}

fn of_table(path: &str, shape: &Shape, lines: &mut Lines) {
    let text = match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Bool => "boolean".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Integer(min, max) => integer(*min, *max),
        Shape::Number => "number".to_owned(),
        Shape::Either(one, other) => format!("{one} or {other}"),
        Shape::List(inner) => {
            of_table(&format!("{path}[]"), inner, lines);
            "list".to_owned()
        }
        Shape::Map(inner) => {
            of_table(&format!("{path}{{}}"), inner, lines);
            "map".to_owned()
        }
        Shape::Object(object) => {
            of_object(path, object, lines);
            "object".to_owned()
        }
    };
    lines.insert(path.to_owned(), text);
}

fn of_object(path: &str, object: &Object, lines: &mut Lines) {
    for field in object.fields {
        let path = join(path, field.name);
        of_table(&path, &field.shape, lines);
        if field.required {
            lines.entry(path).and_modify(|text| text.push_str(", required"));
        }
    }
}

/// One file's view of the schema: references without a file name stay in it.
#[derive(Clone, Copy)]
struct Schema<'a> {
    files: &'a BTreeMap<&'static str, Value>,
    file: &'a str,
}

impl<'a> Schema<'a> {
    /// The definition that a node stands for; `None` in a file of another system, which is not here.
    fn resolve(self, mut node: &'a Value) -> Option<(Schema<'a>, &'a Value)> {
        let mut schema = self;
        while let Some(reference) = node["$ref"].as_str() {
            let (file, pointer) = reference.split_once('#').unwrap();
            if !file.is_empty() {
                schema.file = file;
            }
            node = schema.files.get(schema.file)?.pointer(pointer).unwrap();
        }
        Some((schema, node))
    }

    /// The objects that a node is put together from.
    fn parts(self, node: &'a Value) -> Vec<(Schema<'a>, &'a Value)> {
        let listed = ["allOf", "anyOf"].iter().filter_map(|key| node[key].as_array()).flatten();
        let inner = listed.filter_map(|part| self.resolve(part)).flat_map(|(schema, part)| schema.parts(part));
        std::iter::once((self, node)).chain(inner).collect()
    }

    fn lines(self, path: &str, node: &'a Value, lines: &mut Lines) {
        let Some((schema, node)) = self.resolve(node) else {
            lines.insert(path.to_owned(), "anything".to_owned());
            return;
        };
        let parts = schema.parts(node);
        let kind = parts.iter().find_map(|(_, part)| part["type"].as_str()).unwrap();
        let text = match kind {
            "string" => "text".to_owned(),
            "boolean" => "boolean".to_owned(),
            "integer" => {
                let bound = |key: &str, or: i64| node[key].as_number().map_or(or.into(), |it| it.as_i128().unwrap());
                integer(bound("minimum", i64::MIN), bound("maximum", i64::MAX))
            }
            "array" => {
                schema.lines(&format!("{path}[]"), &node["items"], lines);
                "list".to_owned()
            }
            "object" => {
                let of_map = node.get("additionalProperties").or_else(|| node["patternProperties"].get(".{1,}"));
                if let Some(inner) = of_map {
                    schema.lines(&format!("{path}{{}}"), inner, lines);
                }
                for (schema, part) in &parts {
                    schema.members(path, part, lines);
                }
                if of_map.is_some() { "map".to_owned() } else { "object".to_owned() }
            }
            other => panic!("{path}: {other}"),
        };
        // `required` may have been said of it before.
        lines.insert(path.to_owned(), text);
    }

    fn members(self, path: &str, part: &'a Value, lines: &mut Lines) {
        for (name, member) in part["properties"].as_object().into_iter().flatten() {
            self.lines(&join(path, name), member, lines);
        }
        for name in part["required"].as_array().into_iter().flatten() {
            let text = lines.get_mut(&join(path, name.as_str().unwrap())).unwrap();
            text.push_str(", required");
        }
    }
}

/// The table has the range of Go's type, into which runc reads the field; what is wrong within it is for rules to say.
const RANGE: &str = "the range of Go's type";
/// `config.md` or `config-linux.md` says REQUIRED on Linux, and the schema leaves it out.
const PROSE: &str = "required by the specification's text";
/// Go, and so runc, takes a missing one for `false` or 0, which is what engines mean that leave it out.
const ZERO: &str = "its absence is read as false or 0";
/// A field of releases before 1.3, which engines may still write.
const OLDER: &str = "of an older release";

/// Where the schema and the table differ, and why.
#[rustfmt::skip]
const DIFFERENCES: &[(&str, &str)] = &[
    ("hooks.createContainer[].timeout: integer 1..=9223372036854775807 there, integer -9223372036854775808..=9223372036854775807 here", RANGE),
    ("hooks.createRuntime[].timeout: integer 1..=9223372036854775807 there, integer -9223372036854775808..=9223372036854775807 here", RANGE),
    ("hooks.poststart[].timeout: integer 1..=9223372036854775807 there, integer -9223372036854775808..=9223372036854775807 here", RANGE),
    ("hooks.poststop[].timeout: integer 1..=9223372036854775807 there, integer -9223372036854775808..=9223372036854775807 here", RANGE),
    ("hooks.prestart[].timeout: integer 1..=9223372036854775807 there, integer -9223372036854775808..=9223372036854775807 here", RANGE),
    ("hooks.startContainer[].timeout: integer 1..=9223372036854775807 there, integer -9223372036854775808..=9223372036854775807 here", RANGE),
    ("linux.devices[].fileMode: integer 0..=511 there, integer 0..=4294967295 here", RANGE),
    ("linux.intelRdt.enableCMT: absent there, boolean here", OLDER),
    ("linux.intelRdt.enableMBM: absent there, boolean here", OLDER),
    ("linux.memoryPolicy.mode: text there, text, required here", PROSE),
    ("linux.personality.domain: text there, text, required here", PROSE),
    ("linux.resources.blockIO.throttleReadBpsDevice[].rate: integer 0..=18446744073709551615 there, integer 0..=18446744073709551615, required here", PROSE),
    ("linux.resources.blockIO.throttleReadIOPSDevice[].rate: integer 0..=18446744073709551615 there, integer 0..=18446744073709551615, required here", PROSE),
    ("linux.resources.blockIO.throttleWriteBpsDevice[].rate: integer 0..=18446744073709551615 there, integer 0..=18446744073709551615, required here", PROSE),
    ("linux.resources.blockIO.throttleWriteIOPSDevice[].rate: integer 0..=18446744073709551615 there, integer 0..=18446744073709551615, required here", PROSE),
    ("linux.resources.devices[].allow: boolean, required there, boolean here", ZERO),
    ("linux.resources.pids.limit: integer -9223372036854775808..=9223372036854775807, required there, integer -9223372036854775808..=9223372036854775807 here", ZERO),
    ("linux.seccomp.defaultErrnoRet: integer 0..=4294967295 there, integer 0..=18446744073709551615 here", RANGE),
    ("linux.seccomp.syscalls[].args[].index: integer 0..=4294967295, required there, integer 0..=18446744073709551615, required here", RANGE),
    ("linux.seccomp.syscalls[].errnoRet: integer 0..=4294967295 there, integer 0..=18446744073709551615 here", RANGE),
    ("process.args: list there, list, required here", PROSE),
    ("process.consoleSize.height: integer 0..=18446744073709551615, required there, integer 0..=18446744073709551615 here", ZERO),
    ("process.consoleSize.width: integer 0..=18446744073709551615, required there, integer 0..=18446744073709551615 here", ZERO),
    ("process.ioPriority.priority: integer -2147483648..=2147483647 there, integer -9223372036854775808..=9223372036854775807 here", RANGE),
    ("root: object there, object, required here", PROSE),
];

#[test]
fn the_json_schema_says_the_same_but_for_what_is_named() {
    let files = files();
    let (mut schema, mut table) = (Lines::new(), Lines::new());
    Schema { files: &files, file: "config-schema.json" }.members("", &files["config-schema.json"], &mut schema);
    of_object("", &SPEC, &mut table);
    assert!(schema.len() > 200 && table.len() > 200, "{} {}", schema.len(), table.len());
    let absent = "absent".to_owned();
    let paths: std::collections::BTreeSet<&String> = schema.keys().chain(table.keys()).collect();
    let differences: Vec<String> = paths
        .into_iter()
        .map(|path| (path, schema.get(path).unwrap_or(&absent), table.get(path).unwrap_or(&absent)))
        .filter(|(_, schema, table)| schema != table)
        .map(|(path, schema, table)| format!("{path}: {schema} there, {table} here"))
        .collect();
    for difference in &differences {
        assert!(DIFFERENCES.iter().any(|(known, _)| known == difference), "not known: {difference}");
    }
    for (known, why) in DIFFERENCES {
        assert!(differences.iter().any(|it| it == known), "no longer: {known} ({why})");
    }
}
