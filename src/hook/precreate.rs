//! precreate: podman hands over the spec before it is written, and takes it back.

use super::{HookError, decision};
use crate::effective;
use crate::policy::Policy;
use crate::policy::decide;
use crate::runtime::argv::CgroupManager;
use crate::spec::document::Document;
use crate::spec::edit;
use crate::spec::workload::Workload;
use crate::system::host::{Host, Roots};
use crate::system::own_score::OwnScore;

/// precreate: the spec with the edits that the shim would make.
///
/// # Errors
/// [`HookError`]; the spec is then to be handed on as it came.
pub fn precreate(spec: &[u8], class: Option<&str>, policy: &Policy, roots: &Roots) -> Result<Vec<u8>, HookError> {
    let document = Document::parse(spec)?;
    // Neither the id nor the bundle is told. The working directory is the bundle in newer versions of podman, and
    // whatever directory podman's user is in in older ones (seen with 4.3), so it says nothing.
    let workload = Workload::of(&document);
    let decision = decision(class, policy, &workload)?;
    let mut own = OwnScore::read(&roots.proc)?;
    let plan = match &decision.class {
        None => decide::plan_to_keep(policy, &decision, &workload, own.now()),
        Some(class) => {
            let score = effective::score_for(class, &workload, &mut own)?;
            decide::plan(class, &workload, &Host::read(roots), score, CgroupManager::Enabled)
        }
    };
    if let (true, Some(wanted), Some(got)) = (policy.strict, plan.clamped_from, plan.score()) {
        return Err(HookError::Clamped { wanted, got });
    }
    if policy.strict && !plan.has_its_score() {
        return Err(HookError::NoProcess);
    }
    let bytes = edit::splice(document.bytes(), edit::splices(document.root(), &plan.edits)?);
    effective::log(None, None, &workload, &decision, &plan);
    Ok(bytes)
}
