//! The hooks: a container's state, and a spec, on standard input.

use std::cell::RefCell;

use oomshim::hook::{create_runtime, precreate};
use oomshim::policy::built_in;
use oomshim::spec::document::Document;

use crate::proc::Fake;

thread_local! {
    static FAKE: RefCell<Option<Fake>> = const { RefCell::new(None) };
}

/// The last byte chooses the stage. No state makes a container's oom_score_adj lower than it was, no spec is broken.
pub fn hook(data: &[u8]) {
    let Some((choice, input)) = data.split_last() else { return };
    let policy = built_in();
    FAKE.with_borrow_mut(|fake| {
        let fake = fake.get_or_insert_with(Fake::new);
        if choice % 2 == 0 {
            let outcome = create_runtime(input, None, &policy, &fake.roots);
            let score = fake.score();
            assert!(score.trim().parse::<i32>().is_ok_and(|score| score >= 0), "{score}: {outcome:?}");
            assert!(outcome.is_ok() || score.trim() == "0", "{score}: {outcome:?}");
            if score.trim() != "0" {
                fake.reset();
            }
        } else if let Ok(after) = precreate(input, None, &policy, &fake.roots) {
            let document = Document::parse(&after).expect("the edit breaks the spec");
            assert!(document.root().is_object() || after == input);
            let again = precreate(&after, None, &policy, &fake.roots).expect("what was edited can be edited");
            assert_eq!(again, after, "twice is not once");
        }
    });
}
