//! What a runtime wrote down about a container, which an exec reads.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::Path;

use oomshim::runtime::flavor::Flavor;
use oomshim::runtime::state as runtime_state;

use crate::proc::Fake;

thread_local! {
    static FAKE: RefCell<Option<(Fake, tempfile::TempDir)>> = const { RefCell::new(None) };
}

/// The last byte chooses the flavor. Whatever is written there, an answer or an error that names the file.
pub fn state(data: &[u8]) {
    let Some((choice, text)) = data.split_last() else { return };
    let flavor = Flavor::ALL[usize::from(*choice) % 3];
    FAKE.with_borrow_mut(|place| {
        let new = || (Fake::new(), tempfile::tempdir().expect("a temporary directory"));
        let (fake, root) = place.get_or_insert_with(new);
        let directory = runtime_state::directory(flavor, root.path(), OsStr::new("c")).expect("a place");
        let file = directory.join(if flavor == Flavor::Crun { "status" } else { "state.json" });
        write(&file, text);
        match runtime_state::init_process(&fake.roots.proc, flavor, &directory) {
            Ok(Some(process)) => drop(process.score().expect("it is ours")),
            Ok(None) => {}
            Err(error) => assert!(error.to_string().contains("state") || error.to_string().contains("process")),
        }
    });
}

fn write(file: &Path, text: &[u8]) {
    std::fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
    std::fs::write(file, text).expect("a file");
}
