//! The view of a container that rules match on, and what its engine already asked for.
//!
//! A field that exists more than once (duplicate keys, case variants) yields every value, because runtimes differ in which one
//! they take: a rule holds only where it holds for all of them.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::json::Node;
use crate::spec::document::Document;
use crate::spec::field::{self, name};
use crate::system::memory_file::MemoryFile;
use crate::system::memory_size::Limit;
use crate::system::oom_score_adj::OomScoreAdj;

/// How many arguments are kept.
pub(super) const ARGS: usize = 256;

/// A container about to be started, as far as a policy can ask about it.
#[derive(Debug, Clone, Default)]
pub struct Workload<'a> {
    /// The container's id on the runtime's command line or in the hook's state.
    pub id: Option<OsString>,
    /// The bundle's absolute path.
    pub bundle: Option<PathBuf>,
    /// The values of `hostname`.
    pub hostnames: Vec<Cow<'a, str>>,
    /// The values of `process.args[0]`.
    pub arg0s: Vec<Cow<'a, str>>,
    /// The items of the last `process.args`, a few hundred of them at the most; for people, not for rules.
    pub args: Vec<Cow<'a, str>>,
    /// The values of `linux.cgroupsPath`; an empty one means that the engine chose none.
    pub cgroups: Vec<Cow<'a, str>>,
    /// The keys and values of `annotations`.
    pub annotations: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// What the engine asked for.
    pub asked: Requested,
}

/// What the engine asked for in the spec.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requested {
    /// The highest valid `process.oomScoreAdj`; `None` where there is none that a runtime could use.
    pub score: Option<OomScoreAdj>,
    /// Whether there is an object `process` at all.
    pub has_process: bool,
    /// Whether there is an object `linux.resources`.
    pub has_resources: bool,
    /// Whether the engine set `memory.oom.group`, as the kubelet does for every container since 1.28.
    pub oom_group: bool,
    /// The lowest limit that was asked for in each file; absent where there is none.
    pub limits: Vec<(MemoryFile, RequestedLimit)>,
}

/// A limit that the engine asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestedLimit {
    /// A text that the kernel refuses, or whose meaning nobody means.
    Unreadable,
    /// That many bytes.
    Bytes(u64),
}

impl<'a> Workload<'a> {
    /// The view of that spec.
    #[must_use]
    pub fn of(document: &'a Document<'_>) -> Self {
        let texts = |path: &[&str]| document.find(path).into_iter().filter_map(Node::text).collect();
        let all_args = document.find(field::ARGS);
        let pair = |member: Node<'a>| Some((member.key()?, member.text()?));
        Workload {
            id: None,
            bundle: None,
            hostnames: texts(field::HOSTNAME),
            arg0s: all_args.iter().filter_map(|args| args.items().next()?.text()).collect(),
            args: all_args.last().into_iter().flat_map(|args| args.items().take(ARGS).filter_map(Node::text)).collect(),
            cgroups: texts(field::CGROUPS_PATH),
            annotations: document
                .find(field::ANNOTATIONS)
                .into_iter()
                .flat_map(Node::children)
                .filter_map(pair)
                .collect(),
            asked: Requested::of(document),
        }
    }

    /// The same workload with the names that its runtime's caller gave it.
    #[must_use]
    pub fn named(mut self, id: Option<&OsStr>, bundle: PathBuf) -> Self {
        self.id = id.map(OsStr::to_owned);
        self.bundle = Some(bundle);
        self
    }

    /// The values of an annotation; its key keeps its case, it is the key of a map.
    pub fn annotation<'b>(&'b self, key: &'b str) -> impl Iterator<Item = &'b str> {
        self.annotations.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    /// Whether the engine put the container into a cgroup of its own choice.
    #[must_use]
    pub fn has_cgroup(&self) -> bool {
        self.cgroups.iter().any(|path| !path.is_empty())
    }
}

impl Requested {
    fn of(document: &Document<'_>) -> Self {
        let is_object = |node: &Node<'_>| node.is_object();
        let valid = |node: &Node<'_>| OomScoreAdj::new(i64::try_from(node.integer()?).ok()?).ok();
        let scores = document.find(field::OOM_SCORE_ADJ);
        let resources = document.find(field::RESOURCES);
        Requested {
            score: scores.iter().filter_map(valid).max(),
            has_process: document.find(field::PROCESS).iter().any(is_object),
            // To Go a null behind another one takes it away.
            has_resources: !resources.is_empty() && resources.iter().all(is_object),
            oom_group: resources.iter().any(|node| has_oom_group(*node)),
            limits: [MemoryFile::Max, MemoryFile::High, MemoryFile::SwapMax]
                .into_iter()
                .filter_map(|file| Some((file, resources.iter().filter_map(|node| limit(*node, file)).min()?)))
                .collect(),
        }
    }

    /// The limit that the engine asked for in that file.
    #[must_use]
    pub fn limit(&self, file: MemoryFile) -> Option<RequestedLimit> {
        self.limits.iter().find(|(named, _)| *named == file).map(|(_, limit)| *limit)
    }
}

/// The texts that `unified` has for a file.
fn unified(resources: Node<'_>, file: MemoryFile) -> impl Iterator<Item = Cow<'_, str>> {
    let entries = resources.fields(name::UNIFIED).flat_map(move |map| map.entries(file.name()));
    // What is not a text stops every runtime.
    entries.map(|entry| entry.text().unwrap_or_default())
}

/// Whether `unified` sets the group flag. Only `0` clears it: what the kernel refuses is not for us to repair.
fn has_oom_group(resources: Node<'_>) -> bool {
    unified(resources, MemoryFile::OomGroup).any(|text| text.trim() != "0")
}

/// The limit in one `resources` object: `unified` is applied last and overrides `memory` (runc `fs2/memory.go`).
fn limit(resources: Node<'_>, file: MemoryFile) -> Option<RequestedLimit> {
    let mut entries = unified(resources, file).peekable();
    if entries.peek().is_some() {
        let bytes = |text: Cow<'_, str>| match Limit::parse(&text) {
            Some(Limit::Bytes(bytes)) => Some(RequestedLimit::Bytes(bytes)),
            Some(Limit::Unlimited) => None,
            None => Some(RequestedLimit::Unreadable),
        };
        return entries.filter_map(bytes).min();
    }
    let number = |field: &str| {
        let values = resources.find(&[name::MEMORY, field]).into_iter();
        // 0 is ignored by runtimes and -1 means unlimited.
        values.filter_map(|node| u64::try_from(node.integer()?).ok()).filter(|&bytes| bytes > 0).min()
    };
    let bytes = match file {
        MemoryFile::Max => number(name::LIMIT),
        // The spec counts memory and swap together, cgroup v2 swap alone.
        MemoryFile::SwapMax => number(name::SWAP)?.checked_sub(number(name::LIMIT)?),
        MemoryFile::OomGroup | MemoryFile::High => None,
    };
    bytes.map(RequestedLimit::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Requested {
        Requested::of(&Document::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_view_holds_what_rules_ask_for() {
        let text = r#"{"process":{"args":["/bin/sh","-c"]},"hostname":"h","linux":{"cgroupsPath":"/a/b"},
            "annotations":{"k":"v","K":"w","n":7}}"#;
        let document = Document::parse(text.as_bytes()).unwrap();
        let workload = Workload::of(&document);
        assert_eq!((workload.hostnames[0].as_ref(), workload.arg0s[0].as_ref()), ("h", "/bin/sh"));
        assert!(workload.has_cgroup());
        assert_eq!(workload.annotation("k").collect::<Vec<_>>(), ["v"]);
        assert_eq!(workload.annotation("n").count(), 0);
    }

    #[test]
    fn of_several_scores_the_highest_is_what_was_asked() {
        assert_eq!(asked(r#"{"process":{"oomScoreAdj":3,"OomScoreAdj":7}}"#).score, OomScoreAdj::new(7).ok());
        for unusable in ["5000", "1e3", "\"7\"", "null", "7.0"] {
            assert_eq!(asked(&format!("{{\"process\":{{\"oomScoreAdj\":{unusable}}}}}")).score, None, "{unusable}");
        }
    }

    #[test]
    fn the_group_flag_of_the_kubelet_is_seen() {
        let of = |unified: &str| asked(&format!(r#"{{"linux":{{"resources":{{"unified":{unified}}}}}}}"#)).oom_group;
        assert!(of(r#"{"memory.oom.group":"1"}"#) && of(r#"{"memory.oom.group":"0","memory.oom.group":"1"}"#));
        assert!(!of(r#"{"memory.oom.group":"0"}"#) && !of("{}") && !of("null"));
    }

    #[test]
    fn resources_that_null_takes_away_are_none() {
        assert!(asked(r#"{"linux":{"resources":{}}}"#).has_resources);
        assert!(!asked(r#"{"linux":{"resources":{},"resources":null}}"#).has_resources);
        assert!(!asked(r#"{"linux":{}}"#).has_resources);
    }

    #[test]
    fn limits_are_read_as_runtimes_apply_them() {
        let of = |resources: &str| {
            let asked = asked(&format!("{{\"linux\":{{\"resources\":{resources}}}}}"));
            let bytes = |file| match asked.limit(file) {
                Some(RequestedLimit::Bytes(bytes)) => Some(bytes),
                Some(RequestedLimit::Unreadable) => Some(u64::MAX),
                None => None,
            };
            (bytes(MemoryFile::Max), bytes(MemoryFile::SwapMax))
        };
        assert_eq!(of(r#"{"memory":{"limit":100,"swap":150}}"#), (Some(100), Some(50)));
        assert_eq!(of(r#"{"memory":{"limit":100,"swap":-1}}"#), (Some(100), None));
        assert_eq!(of(r#"{"memory":{"limit":0}}"#), (None, None));
        assert_eq!(of(r#"{"memory":{"limit":100},"unified":{"memory.max":"max"}}"#), (None, None));
        assert_eq!(of(r#"{"memory":{"limit":100},"unified":{"memory.max":"70"}}"#), (Some(70), None));
        assert_eq!(
            of(r#"{"unified":{"memory.max":"1G","memory.swap.max":" 0x10K\n"}}"#),
            (Some(1 << 30), Some(16 << 10))
        );
        assert_eq!(of(r#"{"unified":{"memory.max":"1G","memory.max":"1M"}}"#), (Some(1 << 20), None));
        for unreadable in [r#""1GB""#, "7", r#""""#, "null"] {
            let resources = format!(r#"{{"unified":{{"memory.max":{unreadable},"memory.max":"1"}}}}"#);
            assert_eq!(of(&resources), (Some(u64::MAX), None), "{unreadable}");
        }
        assert_eq!(of("{}"), (None, None));
    }
}
