//! The lossless edit, with Go's `encoding/json` as a second judge where `OOMSHIM_JUDGE` names the program (`judge/`).

use oomshim::policy::{self, decide};
use oomshim::spec::document::Document;
use oomshim::spec::edit::{self, Edit, EditError, MemoryFile};
use oomshim::spec::workload::Workload;
use oomshim::system::oom_score_adj::OomScoreAdj;

use crate::judge::{self, Outcome};

/// The last byte chooses the edits, the rest is the spec.
pub fn edit(data: &[u8]) {
    let Some((choice, spec)) = data.split_last() else { return };
    let edits = edits(*choice);
    let document = match Document::parse(spec) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.line > 0 && error.column > 0);
            return judge::ask(spec, &edits, Outcome::Rejected);
        }
    };
    let workload = Workload::of(&document);
    let _ = decide::classify(&policy::built_in(), &workload);
    for file in [MemoryFile::OomGroup, MemoryFile::Max, MemoryFile::SwapMax] {
        let _ = workload.asked.limit(file);
    }
    let splices = match edit::splices(document.root(), &edits) {
        Ok(splices) => splices,
        Err(EditError::NoProcess) => return judge::ask(spec, &edits, Outcome::NoProcess),
        Err(EditError::NoResources) => return judge::ask(spec, &edits, Outcome::NoResources),
    };
    let after = edit::splice(spec, splices.clone());
    let mut ordered = splices;
    ordered.sort_by_key(|splice| splice.range.start);
    let (mut old, mut new) = (0, 0);
    for splice in &ordered {
        let kept = splice.range.start.checked_sub(old).expect("the splices overlap");
        assert_eq!(spec[old..old + kept], after[new..new + kept]);
        old = splice.range.end;
        new += kept + splice.text.len();
    }
    assert_eq!(spec[old..], after[new..]);
    let again = Document::parse(&after).expect("the edit breaks the spec");
    assert_eq!(edit::splices(again.root(), &edits), Ok(Vec::new()), "twice is not once");
    judge::ask(spec, &edits, Outcome::Edited(&after));
}

fn edits(choice: u8) -> Vec<Edit> {
    let mut edits = Vec::new();
    if choice & 1 != 0 {
        let number = [-1000, -7, 0, 500, 1000][usize::from(choice >> 4) % 5];
        edits.extend(OomScoreAdj::new(number).ok().map(Edit::OomScoreAdj));
    }
    if choice & 2 != 0 {
        edits.push(Edit::Memory(MemoryFile::OomGroup, u64::from(choice >> 7)));
    }
    if choice & 4 != 0 {
        edits.push(Edit::Memory(MemoryFile::Max, 1 << 33));
    }
    if choice & 8 != 0 {
        edits.push(Edit::Memory(MemoryFile::SwapMax, 0));
    }
    edits
}
