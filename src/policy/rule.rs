//! A rule: conditions on a workload, all of which must hold, and the class it then gets.

use std::borrow::Cow;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use thiserror::Error;
use wildcard::Wildcard;

use crate::spec::annotation;
use crate::spec::workload::Workload;

/// A class in a rule: one of the policy's, or the built-in one that leaves the container alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassRef {
    /// `keep`: nothing is changed.
    Keep,
    /// A class of the policy, by name.
    Named(String),
}

impl ClassRef {
    /// The name in the policy file.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            ClassRef::Keep => "keep",
            ClassRef::Named(name) => name,
        }
    }
}

/// Conditions on a workload and the class it gets where all of them hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The class.
    pub class: ClassRef,
    /// All of these must hold; there is at least one.
    pub conditions: Vec<Condition>,
    /// Whether the administrator said that what a workload can choose itself may make it immune here.
    pub trust_workload: bool,
    /// The line of the policy file that the rule begins on, from 1; `None` for the built-in rule.
    pub line: Option<usize>,
}

impl Rule {
    /// The first condition that does not hold, with the values that it was held against; `None` when all hold.
    #[must_use]
    pub fn fails_on<'a>(&'a self, workload: &'a Workload<'_>) -> Option<Failed<'a>> {
        self.conditions.iter().find_map(|condition| {
            let values = condition.values(workload);
            // A field with several values: whichever the runtime takes, the condition has to hold for it.
            let holds = !values.is_empty() && values.iter().all(|value| condition.pattern.matches(value));
            (!holds).then_some(Failed { condition, values })
        })
    }

    /// Whether at least one condition asks for something that the engine or the administrator decides.
    #[must_use]
    pub fn is_engine_controlled(&self) -> bool {
        self.conditions.iter().any(Condition::is_engine_controlled)
    }
}

/// A condition that did not hold.
#[derive(Debug, Clone)]
pub struct Failed<'a> {
    /// The condition.
    pub condition: &'a Condition,
    /// The workload's values for it; none where it has no such field.
    pub values: Vec<Cow<'a, [u8]>>,
}

/// A field of the workload and the glob that it must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// The glob.
    pub pattern: Pattern,
}

/// What a condition can ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The annotation of that key.
    Annotation(String),
    /// The bundle's absolute path.
    Bundle,
    /// `linux.cgroupsPath`
    Cgroup,
    /// The container's id.
    Id,
    /// `hostname`
    Hostname,
    /// `process.args[0]`
    Arg0,
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Annotation(key) => write!(out, "annotation.{key:?}"),
            Field::Bundle => out.write_str("bundle"),
            Field::Cgroup => out.write_str("cgroup"),
            Field::Id => out.write_str("id"),
            Field::Hostname => out.write_str("hostname"),
            Field::Arg0 => out.write_str("arg0"),
        }
    }
}

impl Condition {
    fn values<'a>(&self, workload: &'a Workload<'_>) -> Vec<Cow<'a, [u8]>> {
        let text = |value: &'a Cow<'_, str>| Cow::Borrowed(value.as_bytes());
        match &self.field {
            Field::Annotation(key) => {
                let named = workload.annotations.iter().filter(|(name, _)| name == key);
                named.map(|(_, value)| text(value)).collect()
            }
            Field::Bundle => workload.bundle.iter().map(|path| path.as_os_str().as_bytes().into()).collect(),
            Field::Cgroup => workload.cgroups.iter().map(text).collect(),
            Field::Id => workload.id.iter().map(|id| id.as_bytes().into()).collect(),
            Field::Hostname => workload.hostnames.iter().map(text).collect(),
            Field::Arg0 => workload.arg0s.iter().map(text).collect(),
        }
    }

    /// Whether the field is decided by the engine or the administrator, and the glob asks for anything at all.
    fn is_engine_controlled(&self) -> bool {
        let decided = match &self.field {
            Field::Bundle | Field::Cgroup => true,
            Field::Annotation(key) => annotation::ENGINE_PREFIXES.iter().any(|prefix| key.starts_with(prefix)),
            Field::Id | Field::Hostname | Field::Arg0 => false,
        };
        decided && !self.pattern.text.bytes().all(|byte| matches!(byte, b'*' | b'?' | b'/'))
    }
}

/// A glob over a whole value: `*` and `?` match any bytes and any byte, `/` included; `\` takes the next one literally.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    /// The glob in the matcher's syntax, in which brackets and braces are plain.
    glob: Wildcard<'static>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// Why a text is not a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PatternError {
    /// A shell would read a bracket or a brace as a choice; here it would silently never match.
    #[error("only * and ? are special here: write \\{0} for the character, and one rule for each choice")]
    Choice(char),
    /// A backslash stands before a character that needs none, or at the end.
    #[error("a backslash goes before one of * ? \\ [ ] {{ }}")]
    Escape,
}

impl Pattern {
    /// The glob of that text.
    ///
    /// # Errors
    /// [`PatternError`]
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let mut glob = Vec::with_capacity(text.len());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '[' | ']' | '{' | '}' => return Err(PatternError::Choice(letter)),
                '\\' => match letters.next() {
                    Some(plain @ ('[' | ']' | '{' | '}')) => glob.extend(plain.to_string().bytes()),
                    Some(special @ ('*' | '?' | '\\')) => glob.extend(format!("\\{special}").bytes()),
                    _ => return Err(PatternError::Escape),
                },
                other => glob.extend(other.to_string().bytes()),
            }
        }
        let glob = Wildcard::from_owned(glob).map_err(|_| PatternError::Escape)?;
        Ok(Pattern { text: text.to_owned(), glob })
    }

    /// The glob as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the glob matches the whole value.
    #[must_use]
    pub fn matches(&self, value: &[u8]) -> bool {
        self.glob.is_match(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &[u8]) -> bool {
        Pattern::new(pattern).unwrap().matches(value)
    }

    #[test]
    fn globs_match_whole_values_and_any_bytes() {
        assert!(matches("buildkitd", b"buildkitd"));
        assert!(!matches("buildkit", b"buildkitd"));
        assert!(matches("*/buildkit/*", b"/var/lib/buildkit/a/b"));
        assert!(matches("/b/*", b"/b/\xff\xfe"));
        assert!(matches(r"build-?\[\{", b"build-1[{"));
        assert!(matches(r"a\*b", b"a*b") && !matches(r"a\*b", b"axb"));
        assert!(!matches("x*", b""));
        assert!(matches("*", b"line\nbreak"));
        assert_eq!(Pattern::new("a{b,c}").unwrap_err(), PatternError::Choice('{'));
        assert_eq!(Pattern::new(r"a\b").unwrap_err(), PatternError::Escape);
        assert_eq!(Pattern::new("a\\").unwrap_err(), PatternError::Escape);
    }

    fn rule(conditions: &[(Field, &str)]) -> Rule {
        let condition =
            |(field, text): &(Field, &str)| Condition { field: field.clone(), pattern: Pattern::new(text).unwrap() };
        Rule {
            class: ClassRef::Keep,
            conditions: conditions.iter().map(condition).collect(),
            trust_workload: false,
            line: None,
        }
    }

    #[test]
    fn a_condition_holds_for_all_values() {
        let mut workload = Workload { hostnames: vec!["a".into(), "b".into()], ..Workload::default() };
        assert!(rule(&[(Field::Hostname, "a")]).fails_on(&workload).is_some());
        assert!(rule(&[(Field::Hostname, "?")]).fails_on(&workload).is_none());
        workload.hostnames.clear();
        assert!(rule(&[(Field::Hostname, "*")]).fails_on(&workload).is_some(), "an absent field matches nothing");
    }

    #[test]
    fn what_a_workload_chooses_itself_is_told_apart() {
        let key = |key: &str| Field::Annotation(key.into());
        let cases = [
            (rule(&[(Field::Hostname, "h"), (Field::Id, "i"), (Field::Arg0, "a"), (key("x"), "y")]), false),
            (rule(&[(Field::Hostname, "h"), (Field::Cgroup, "/b/*")]), true),
            (rule(&[(Field::Bundle, "*")]), false),
            (rule(&[(Field::Bundle, "/**")]), false),
            (rule(&[(key("io.kubernetes.cri.container-name"), "x")]), true),
            (rule(&[(key("io.kubernetes.cri-o.Image"), "x")]), true),
            (rule(&[(key("io.kubernetes.critical"), "x")]), false),
        ];
        for (rule, expected) in cases {
            assert_eq!(rule.is_engine_controlled(), expected, "{rule:?}");
        }
    }
}
