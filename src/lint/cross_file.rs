//! What only several files together tell: that they claim one thing for themselves.
//!
//! A file is judged alone and forgotten, however many there are. What stays of it is a [`CrossFile`]: a finding that
//! holds only if another file claims the same, and waits for that.

use std::collections::{HashMap, HashSet};

use super::finding::{Finding, Outcome, Related};
use crate::text::escape;

/// The most others that a finding names. Ten thousand files that claim the same are one mistake.
const NAMED: usize = 3;

/// What a file claims for itself alone.
#[derive(Debug, Clone)]
pub struct CrossFile {
    /// What is claimed. Claims of one rule to the same thing contradict each other.
    pub(super) thing: Box<str>,
    /// Who claims it. Two files may speak of the same one, and then do not contradict each other.
    pub(super) owner: u64,
    /// What is found if another owner claims it too.
    pub(super) finding: Box<Finding>,
    /// Whether the file says that this is to be ignored.
    pub(super) ignored: bool,
}

/// Adds to the outcomes of files that were judged each alone what is found when they are held against each other.
/// Their order is the order in which files are named; claims are used up, so a second call adds nothing.
///
/// ```
/// use oomshim::lint::{self, Options};
/// use std::path::Path;
///
/// let spec = |root| format!(r#"{{"ociVersion":"1.3.0","root":{{"path":"{root}"}},"linux":{{"cgroupsPath":"/b/1"}}}}"#);
/// let judge = |name, root| lint::bytes(Path::new(name), spec(root).as_bytes(), None, &Options::default());
/// let mut outcomes = [judge("a.json", "/roots/a")?, judge("b.json", "/roots/b")?];
/// lint::cross_file::judge(&mut outcomes);
/// assert!(outcomes[0].findings.iter().any(|finding| finding.message == "the cgroup `/b/1` is also that of b.json"));
/// # Ok::<(), lint::LintError>(())
/// ```
pub fn judge(outcomes: &mut [Outcome]) {
    let mut claims = Vec::new();
    for (file, outcome) in outcomes.iter_mut().enumerate() {
        claims.extend(outcome.claims.drain(..).map(|claim| (file, claim)));
    }
    let others = others(&claims);
    let others: Vec<_> = others.into_iter().map(|others| named(&others, &claims, outcomes)).collect();
    for ((file, claim), (names, related)) in claims.into_iter().zip(others) {
        if related.is_empty() {
            continue;
        }
        let CrossFile { mut finding, ignored, .. } = claim;
        finding.message = format!("{} {names}", finding.message);
        finding.related.extend(related);
        let outcome = &mut outcomes[file];
        let findings = if ignored { &mut outcome.ignored } else { &mut outcome.findings };
        let behind = findings.partition_point(|other| other.place.bytes.start <= finding.place.bytes.start);
        findings.insert(behind, *finding);
    }
}

/// For each claim the first claims of other owners to the same thing, as many as are named, and how many other owners
/// there are.
fn others(claims: &[(usize, CrossFile)]) -> Vec<(Vec<usize>, usize)> {
    let key = |claim: &CrossFile| (claim.finding.rule.name, claim.thing.clone());
    // An owner's first claim stands for all of his: that keeps this linear when thousands claim one thing.
    let mut firsts: HashMap<_, (HashSet<u64>, Vec<usize>)> = HashMap::new();
    for (index, (_, claim)) in claims.iter().enumerate() {
        let (owners, first) = firsts.entry(key(claim)).or_default();
        if owners.insert(claim.owner) {
            first.push(index);
        }
    }
    let of = |claim: &CrossFile| {
        let (owners, first) = &firsts[&key(claim)];
        let foreign = first.iter().copied().filter(|index| claims[*index].1.owner != claim.owner);
        (foreign.take(NAMED).collect(), owners.len() - 1)
    };
    claims.iter().map(|(_, claim)| of(claim)).collect()
}

/// The names of the files of those claims, for a message, and their places.
fn named(
    (indices, count): &(Vec<usize>, usize),
    claims: &[(usize, CrossFile)],
    outcomes: &[Outcome],
) -> (String, Vec<Related>) {
    let places = indices.iter().map(|index| {
        let (file, claim) = &claims[*index];
        let (file, place) = (Some(outcomes[*file].name.clone()), claim.finding.place.clone());
        Related { file, place, label: "named here too".to_owned() }
    });
    let names =
        indices.iter().map(|index| escape::bytes(outcomes[claims[*index].0].name.as_os_str().as_encoded_bytes()));
    let mut names: Vec<_> = names.collect();
    if *count > names.len() {
        names.push(format!("{} more", count - names.len()));
    }
    let last = names.pop().unwrap_or_default();
    let names = if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) };
    (names, places.collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::lint::{self, Options};

    /// Outcomes of specs with that root directory and that cgroup, held against each other: name, root, cgroup.
    fn judged(specs: &[(&str, &str, &str)]) -> Vec<Outcome> {
        let one = |(name, root, cgroup): &(&str, &str, &str)| {
            let text =
                format!(r#"{{"ociVersion":"1.3.0","root":{{"path":"{root}"}},"linux":{{"cgroupsPath":"{cgroup}"}}}}"#);
            lint::bytes(Path::new(name), text.as_bytes(), None, &Options::default()).unwrap()
        };
        let mut outcomes: Vec<_> = specs.iter().map(one).collect();
        judge(&mut outcomes);
        outcomes
    }

    fn shared(outcome: &Outcome) -> impl Iterator<Item = &Finding> {
        outcome.findings.iter().filter(|finding| finding.rule.name == "cgroup-shared")
    }

    fn messages(outcomes: &[Outcome]) -> Vec<Vec<&str>> {
        let all = |outcome| shared(outcome).map(|finding| finding.message.as_str()).collect();
        outcomes.iter().map(all).collect()
    }

    #[test]
    fn each_is_told_of_the_others() {
        let outcomes = judged(&[("a/s.json", "r", "/b/1"), ("b/s.json", "r", "/b//1/"), ("c/s.json", "r", "/b/2")]);
        let [a, b] = ["the cgroup `/b/1` is also that of b/s.json", "the cgroup `/b//1/` is also that of a/s.json"];
        assert_eq!(messages(&outcomes), [vec![a], vec![b], vec![]]);
        let related = &shared(&outcomes[0]).next().unwrap().related;
        assert_eq!(related.len(), 1);
        assert_eq!(related[0].file.as_deref(), Some(Path::new("b/s.json")));
    }

    #[test]
    fn a_container_that_is_seen_twice_is_one() {
        let twice = [("a/s.json", "/r", "/b/1"), ("b/s.json", "/r", "/b/1")];
        assert_eq!(messages(&judged(&twice)), [[""; 0], []]);
        let third = [twice[0], twice[1], ("c/s.json", "/other", "/b/1")];
        let other = "the cgroup `/b/1` is also that of c/s.json";
        assert_eq!(messages(&judged(&third)), [[other], [other], ["the cgroup `/b/1` is also that of a/s.json"]]);
    }

    #[test]
    fn thousands_are_named_by_their_number() {
        let names: Vec<String> = (0..5000).map(|number| format!("{number}/s.json")).collect();
        let specs: Vec<_> = names.iter().map(|name| (name.as_str(), "r", "/b/1")).collect();
        let outcomes = judged(&specs);
        let expected = "the cgroup `/b/1` is also that of 0/s.json, 1/s.json, 2/s.json and 4996 more";
        assert_eq!(messages(&outcomes)[4999], [expected]);
    }

    #[test]
    fn a_second_look_finds_nothing_more() {
        let mut outcomes = judged(&[("a/s.json", "r", "/b/1"), ("b/s.json", "r", "/b/1")]);
        let before: Vec<usize> = outcomes.iter().map(|outcome| outcome.findings.len()).collect();
        judge(&mut outcomes);
        assert_eq!(outcomes.iter().map(|outcome| outcome.findings.len()).collect::<Vec<_>>(), before);
    }
}
