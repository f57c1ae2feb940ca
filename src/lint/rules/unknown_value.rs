//! `unknown-value`: a word where only certain words are understood.

use crate::lint::rule::prelude::*;
use crate::lint::schema::nearest;

pub(super) struct UnknownValue;

impl Rule for UnknownValue {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unknown-value",
            summary: "a word that no runtime knows in that place",
            group: Group::Shape,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Spec],
            why: prose! {
                /// Runtimes refuse the container for a namespace, limit or action that they do not know.
            },
            what: prose! {
                /// The type of a namespace, of a device or of an rlimit, a seccomp action or operator, or
                /// `linux.rootfsPropagation` is none that runtime-spec 1.3 lists; or a type of namespace is listed
                /// twice. Words of a spec newer than 1.3 are not judged. Capabilities that the kernel does not have are
                /// only warned of by runtimes, and are not reported.
            },
            fix: prose! {
                /// Use one of the listed words.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let spec = subject.spec();
        let linux = spec.linux;
        let mut types: Vec<Node<'_>> = Vec::new();
        for node in list(linux, "namespaces", "type") {
            one_of(node, "type of namespace", NAMESPACES, report);
            if let Some(first) = types.iter().find(|first| first.text() == node.text()) {
                let name = node.text().unwrap_or_default();
                report
                    .at(&node, format!("the namespace {} is listed twice", quote(&name)))
                    .label("again")
                    .related(first, "first here")
                    .emit();
            }
            if types.len() < NAMESPACES.len() {
                types.push(node);
            }
        }
        list(linux, "devices", "type").for_each(|node| one_of(node, "type of device", &["c", "b", "u", "p"], report));
        list(spec.process, "rlimits", "type").for_each(|node| one_of(node, "resource limit", RLIMITS, report));
        if let Some(node) = linux.and_then(|linux| linux.field("rootfsPropagation")) {
            one_of(node, "propagation", PROPAGATION, report);
        }
        for node in list(spec.resources, "hugepageLimits", "pageSize") {
            let text = node.text().unwrap_or_default();
            let number = ["KB", "MB", "GB"].iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or_default();
            let is_size = number.starts_with(|digit: char| ('1'..='9').contains(&digit))
                && number.bytes().all(|byte| byte.is_ascii_digit());
            if node.kind() == Kind::String && !is_size {
                report
                    .at(&node, format!("{} is no size of huge pages such as 2MB or 1GB", quote(&text)))
                    .label("unknown")
                    .emit();
            }
        }
        let seccomp = linux.and_then(|linux| linux.field("seccomp"));
        seccomp
            .and_then(|seccomp| seccomp.field("defaultAction"))
            .into_iter()
            .for_each(|node| one_of(node, "seccomp action", ACTIONS, report));
        list(seccomp, "syscalls", "action").for_each(|node| one_of(node, "seccomp action", ACTIONS, report));
    }
}

const NAMESPACES: &[&str] = &["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"];
const PROPAGATION: &[&str] =
    &["", "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"];
const RLIMITS: &[&str] = &[
    "RLIMIT_AS",
    "RLIMIT_CORE",
    "RLIMIT_CPU",
    "RLIMIT_DATA",
    "RLIMIT_FSIZE",
    "RLIMIT_LOCKS",
    "RLIMIT_MEMLOCK",
    "RLIMIT_MSGQUEUE",
    "RLIMIT_NICE",
    "RLIMIT_NOFILE",
    "RLIMIT_NPROC",
    "RLIMIT_RSS",
    "RLIMIT_RTPRIO",
    "RLIMIT_RTTIME",
    "RLIMIT_SIGPENDING",
    "RLIMIT_STACK",
];
const ACTIONS: &[&str] = &[
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
];

/// A member of every item of a list.
fn list<'t>(parent: Option<Node<'t>>, list: &'static str, name: &'static str) -> impl Iterator<Item = Node<'t>> {
    let items = parent.and_then(|parent| parent.field(list)).into_iter().flat_map(Node::items);
    items.filter_map(move |item| item.field(name))
}

fn one_of(node: Node<'_>, what: &str, known: &[&'static str], report: &mut Report<'_>) {
    let Some(text) = node.text().filter(|text| !known.contains(&text.as_ref())) else { return };
    let near =
        nearest(&text, known.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    report.at(&node, format!("no runtime knows the {what} {}{near}", quote(&text))).label("unknown").emit();
}
