//! Whether it is installed and works: by the files, by how the engine was started, and by a container that says so.

use anyhow::Context;

use super::super::Exit;
use super::InstallArgs;
use super::set_up;
use super::show::{print, shown};
use crate::install::target::Instance;
use crate::install::{PlanError, Planned, plan, proof};

/// Tells it.
pub(super) fn one(args: &InstallArgs, instance: &Instance) -> anyhow::Result<Exit> {
    let shim = args.shim();
    let oomshim = shim.with_file_name("oomshim");
    let (name, engine) = (&instance.name, instance.target.engine());
    let request = set_up::request(args, instance, &shim, &oomshim);
    let planned = plan::plan(engine, &instance.launch, &request);
    if let Err(PlanError::ByHand(remedy)) = &planned {
        print(&format!("{name}: not everything is set up, and the rest is not done here: {remedy}\n"))?;
        return Ok(Exit::Findings);
    }
    match planned? {
        Planned::StartsNothing => {
            print(&format!("{name}: it starts no containers by itself\n"))?;
            return Ok(Exit::Success);
        }
        Planned::Changes(plan) => {
            let files: Vec<String> = plan.files.iter().map(|change| shown(&change.path)).collect();
            print(&format!("{name}: not set up: {} would change\n", files.join(", ")))?;
            return Ok(Exit::Findings);
        }
        Planned::Nothing => {}
    }
    // What does not run is judged by how it will start.
    let next = plan::next_start(&instance.launch, request.service);
    let launch = if instance.pid.is_some() { &instance.launch } else { &next };
    let routes = engine.routes(launch, &shim)?;
    let old = routes.iter().find(|route| args.scope().has(&route.workloads) && !route.is_oomshim());
    if let Some(route) = old {
        print(&format!(
            "{name}: set up, but it was started before: {} starts its {} until it is restarted\n",
            route.starter, route.workloads
        ))?;
        return Ok(Exit::Findings);
    }
    if !args.is_here() {
        print(&format!("{name}: set up; whether it works cannot be tried below another root\n"))?;
        return Ok(Exit::Success);
    }
    let own = std::env::current_exe().context("find oomshim")?;
    match proof::prove(instance, &own, args.scope()) {
        Ok(seen) => {
            for seen in &seen {
                print(&format!("{name}: {seen}\n"))?;
            }
            print(&format!("{name}: set up\n"))?;
            Ok(Exit::Success)
        }
        Err(error) => {
            print(&format!("{name}: set up, and does not work: {}\n", crate::text::escape::text(&error.to_string())))?;
            Ok(Exit::Findings)
        }
    }
}
