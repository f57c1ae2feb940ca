//! A named test, and the running engine that several of them share.

use std::sync::{Arc, OnceLock};

use anyhow::{Result, anyhow};
use libtest_mimic::{Failed, Trial};

use super::Suite;

/// A test of one engine.
pub(crate) struct Scenario {
    name: &'static str,
    run: Box<dyn FnOnce() -> Result<()> + Send>,
}

impl Scenario {
    /// A test that shares nothing.
    pub(crate) fn new(name: &'static str, run: impl FnOnce() -> Result<()> + Send + 'static) -> Scenario {
        Scenario { name, run: Box::new(run) }
    }

    /// As the runner of tests takes it.
    pub(crate) fn trial(self, engine: &str) -> Trial {
        Trial::test(format!("{engine}: {}", self.name), move || {
            (self.run)().map_err(|error| Failed::from(format!("{error:#}")))
        })
    }
}

/// An engine that is started by the first scenario that runs, and ended when the last one is done or left out.
pub(crate) struct Shared<T>(Arc<Lazy<T>>);

struct Lazy<T> {
    // Fields are dropped in this order: the engine ends before its directory goes.
    engine: OnceLock<Result<T, String>>,
    suite: Arc<Suite>,
    start: fn(&Suite) -> Result<T>,
}

impl<T: Send + Sync + 'static> Shared<T> {
    /// An engine that `start` starts.
    pub(crate) fn new(suite: &Arc<Suite>, start: fn(&Suite) -> Result<T>) -> Shared<T> {
        Shared(Arc::new(Lazy { engine: OnceLock::new(), suite: Arc::clone(suite), start }))
    }

    /// A test with that engine.
    pub(crate) fn scenario(&self, name: &'static str, run: fn(&T) -> Result<()>) -> Scenario {
        let shared = Arc::clone(&self.0);
        Scenario::new(name, move || {
            let start = || (shared.start)(&shared.suite).map_err(|error| format!("{error:#}"));
            let engine = shared.engine.get_or_init(start).as_ref();
            run(engine.map_err(|error| anyhow!("the engine did not start: {error}"))?)
        })
    }
}
