//! The registry's records.

use std::path::Path;

use oomshim::registry;

/// What is read as a record reads the same when it is written again.
pub fn record(data: &[u8]) {
    let Some(container) = registry::decode(data) else { return };
    let again = registry::decode(&registry::encode(&container));
    assert_eq!(again, Some(container.clone()));
    let _ = container.owns(Path::new("/system.slice/docker-abc.scope"));
    assert!(!container.owns(Path::new("/")), "{container:?}");
}
