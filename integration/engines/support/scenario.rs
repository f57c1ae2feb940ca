//! A named test, and the running engine that several of them share.

use std::fmt;
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
pub(crate) struct Shared<T> {
    suite: Arc<Suite>,
    start: fn(&Suite) -> Result<T>,
    cell: Arc<OnceLock<Result<T, String>>>,
}

impl<T: Send + Sync + 'static> Shared<T> {
    /// An engine that `start` starts.
    pub(crate) fn new(suite: &Arc<Suite>, start: fn(&Suite) -> Result<T>) -> Shared<T> {
        Shared { suite: Arc::clone(suite), start, cell: Arc::default() }
    }

    /// A test with that engine.
    pub(crate) fn scenario(&self, name: &'static str, run: fn(&T) -> Result<()>) -> Scenario {
        let (suite, start, cell) = (Arc::clone(&self.suite), self.start, Arc::clone(&self.cell));
        Scenario::new(name, move || {
            let engine = cell.get_or_init(|| start(&suite).map_err(|error| format!("{error:#}")));
            run(engine.as_ref().map_err(|error| anyhow!("the engine did not start: {error}"))?)
        })
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Shared")
    }
}
