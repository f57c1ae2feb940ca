//! `policy-malformed`: a policy that oomshim refuses.

use crate::lint::rule::prelude::*;
use crate::policy::file::PolicyError;

pub(super) struct PolicyMalformed;

impl Rule for PolicyMalformed {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "policy-malformed",
            summary: "the policy says something that no policy can say",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Policy],
            why: prose! {
                /// A policy with a mistake stops every container that is to be started, because a typo must not
                /// silently unprotect a fleet.
            },
            what: prose! {
                /// What `oomshim policy check` says, in the same words and at the same place: an unknown key, class,
                /// unit or glob, an oom_score_adj out of range, a default class below 0, or a rule that would give an
                /// oom_score_adj below 0 to whoever asks for it (hostname, id, arg0 and free annotations are chosen by
                /// the workload). One mistake is reported at a time, as by oomshim itself.
            },
            fix: prose! {
                /// Write what the message says.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Err(error) = subject.policy() else { return };
        match error {
            PolicyError::Malformed { line, column, message, .. } => {
                let text = subject.text;
                let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
                let inside = text[start..].char_indices().nth(column - 1).map_or(text.len() - start, |(at, _)| at);
                let at = start + inside;
                // The place is where the wrong thing begins; its line's end is the most that it can be.
                let rest = text[at..].split('\n').next().unwrap_or_default();
                let length = rest.find(['=', '#']).map_or(rest.len(), |end| end.max(1));
                report.at(&(at..at + rest[..length].trim_end().len()), message.clone()).emit();
            }
            other => report.at(&(0..0), other.to_string()).emit(),
        }
    }
}
