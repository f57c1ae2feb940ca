//! Engines that start steps by another runtime than oomshim, so that the steps inherit what the engine has.

use super::super::{Finding, Snapshot};
use crate::doctor::snapshot::RunningEngine;
use crate::engines::{Engine, EngineError, Inherits, Launch, Route, Starter, podman};
use crate::policy::file;
use crate::runtime::flavor::Flavor;
use crate::text::escape;

/// Looks at the command lines and the configuration of the engines that run, and at podman's where it is installed.
#[must_use]
pub fn run(machine: &Snapshot) -> Vec<Finding> {
    let mut all = Vec::new();
    for running in &machine.engines {
        if let Some(main) = running.is_beside(&machine.tasks) {
            all.push(left_over(running, main));
        }
        match &running.launch {
            Err(error) => all.push(Finding::skipped(format!("{}: {error}", running.name()))),
            Ok(launch) => {
                let routes = running.engine.routes(launch, &machine.shim);
                all.extend(findings(routes, running.engine, &running.name(), running.score.get() < 0));
            }
        }
    }
    let podman = Launch::by_root("podman", machine.files());
    if podman.find_program("podman".as_ref()).is_some() {
        all.extend(of_podman(machine, &podman));
        all.extend(misnamed(machine, &podman));
    }
    if all.is_empty() {
        all.push(Finding::skipped("no engine runs that is known here, and podman is not installed"));
    }
    all
}

/// An engine that is in a unit's cgroup and was not started by the unit's main process: it was left over from an earlier
/// start, or somebody put it there.
fn left_over(running: &RunningEngine, main: u32) -> Finding {
    let (name, unit, pid) = (running.name(), running.unit(), running.pid);
    Finding::warn(
        format!(
            "{name} is in {unit} and was not started by its main process ({main}): no setting of the unit reaches it"
        ),
        format!("see what it is (`systemctl status {unit}`), and end it if it was left over (`kill {pid}`)"),
    )
}

/// Names of runtimes that lead to the shim of another family. A file that cannot be read is told with the routes.
fn misnamed(machine: &Snapshot, podman: &Launch) -> Vec<Finding> {
    let all = podman::misnamed(podman, &machine.shim).unwrap_or_default();
    // A policy that names the runtime makes the shim that one, by whatever name it is called.
    let is_running = machine.root == std::path::Path::new("/");
    let policy = file::load(machine.policy.as_deref()).ok().filter(|_| is_running).map(|loaded| loaded.policy);
    let becomes = policy.and_then(|policy| policy.flavor.or_else(|| policy.runtime.as_deref().map(Flavor::of_path)));
    let all = all.into_iter().filter(|it| becomes != Some(Flavor::of_runtime(it.name.as_ref())));
    let finding = |it: podman::Misnamed| {
        let shown = |path: &std::path::Path| escape::bytes(path.as_os_str().as_encoded_bytes());
        let (name, path, file) = (escape::text(&it.name).into_owned(), shown(&it.path), shown(&it.file));
        Finding::fail(
            format!(
                "podman: the runtime {name} leads to {path} ({file}), which becomes another runtime: it cannot stop containers \
                 that {name} made, and `podman rm --force` would leave their processes alive"
            ),
            it.remedy.to_string(),
        )
    };
    all.map(finding).collect()
}

/// What podman starts. A hook may stand in for the runtime, for the steps of its builds as well.
fn of_podman(machine: &Snapshot, podman: &Launch) -> Vec<Finding> {
    let routes = Engine::Podman.routes(podman, &machine.shim);
    match super::hooks::for_every_container(machine) {
        Some(file) if matches!(&routes, Ok(routes) if !routes.iter().all(Route::is_oomshim)) => {
            vec![Finding::pass(format!(
                "podman: a hook gives its containers and build steps their class ({})",
                escape::bytes(file.as_os_str().as_encoded_bytes())
            ))]
        }
        _ => findings(routes, Engine::Podman, "podman", false),
    }
}

fn findings(routes: Result<Vec<Route>, EngineError>, engine: Engine, name: &str, is_protected: bool) -> Vec<Finding> {
    match routes {
        Err(error) => vec![Finding::skipped(format!("{name}: {error}"))],
        Ok(routes) if routes.is_empty() && engine == Engine::Containerd => vec![Finding::pass(format!(
            "{name}: its CRI plugin is off, and everything else it starts by the runtime that its clients name"
        ))],
        Ok(routes) if routes.is_empty() => {
            vec![Finding::warn(
                format!("{name} has no worker that starts anything"),
                "turn one on in its configuration",
            )]
        }
        Ok(routes) => routes.iter().map(|route| judge(engine, name, route, is_protected)).collect(),
    }
}

fn judge(engine: Engine, name: &str, route: &Route, is_protected: bool) -> Finding {
    let Route { workloads, starter, source, inherits, remedy } = route;
    let starts = format!("{name}: {starter} starts its {workloads} ({source})");
    let remedy = remedy.to_string();
    match (starter, inherits) {
        (Starter::Oomshim(_), _) => Finding::pass(starts),
        (Starter::Missing(_), _) => Finding::fail(
            format!("{name}: {starter} should start its {workloads} ({source}) and does not exist"),
            remedy,
        ),
        (_, Inherits::Engine) if is_protected => {
            Finding::fail(format!("{starts}, and they inherit its immunity"), remedy)
        }
        (_, Inherits::Engine) if engine == Engine::Podman => Finding::warn(
            format!(
                "{starts}: they have the oom_score_adj of whoever calls podman, or 0, and are not killed as a group"
            ),
            remedy,
        ),
        (_, Inherits::Engine) => {
            Finding::warn(format!("{starts}: they are as likely to be killed as it is, and not as a group"), remedy)
        }
        (_, Inherits::Containerd) => Finding::warn(
            format!("{starts}: they inherit the oom_score_adj of containerd, and are not killed as a group"),
            remedy,
        ),
        (_, Inherits::Nobody) => Finding::warn(
            format!("{starts}: they keep the oom_score_adj that it gives them, and no class applies"),
            remedy,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::super::snapshot::tests::{process, with};
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn statuss(score: i64, files: &[(&str, &str)]) -> Vec<Status> {
        let programs = [("usr/bin/runc", "r"), ("usr/bin/oomshim-runc", "o")];
        let files: Vec<(&str, &str)> = programs.iter().chain(files).copied().collect();
        let (root, machine) = with(&[process(7, 1, "buildkitd", score)], &files);
        for (name, _) in programs {
            std::fs::set_permissions(root.path().join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        run(&machine).iter().map(|finding| finding.status).collect()
    }

    #[test]
    fn an_immune_daemon_that_starts_steps_itself_fails() {
        let shim = [("etc/buildkit/buildkitd.toml", "[worker.oci]\nbinary = \"/usr/bin/oomshim-runc\"\n")];
        let gone = [("etc/buildkit/buildkitd.toml", "[worker.oci]\nbinary = \"/usr/bin/absent\"\n")];
        let broken = [("etc/buildkit/buildkitd.toml", "[worker")];
        assert_eq!(statuss(-1000, &[]), [Status::Fail]);
        assert_eq!(statuss(0, &[]), [Status::Warn]);
        assert_eq!(statuss(-1000, &shim), [Status::Pass]);
        assert_eq!(statuss(-1000, &gone), [Status::Fail]);
        assert_eq!(statuss(-1000, &broken), [Status::Skipped]);
    }

    #[test]
    fn an_engine_beside_its_units_main_process_is_told() {
        let cgroup = ("proc/9/cgroup", "0::/system.slice/buildkit.service\n");
        let of = |main: &str| {
            let (root, machine) =
                with(&[process(1, 0, "systemd", 0), process(7, 1, "sh", 0), process(9, 7, "buildkitd", 0)], &[cgroup]);
            for directory in ["run/systemd/system", "usr/bin"] {
                std::fs::create_dir_all(root.path().join(directory)).unwrap();
            }
            let program = root.path().join("usr/bin/systemctl");
            std::fs::write(&program, format!("#!/bin/sh\necho {main}\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let machine = Snapshot::read(machine.roots, machine.root, machine.shim, None);
            run(&machine).into_iter().map(|finding| finding.message).find(|message| message.contains("main process"))
        };
        for not_beside in ["9", "7", "0", ""] {
            assert_eq!(of(not_beside), None, "{not_beside}");
        }
        let message = of("8").unwrap();
        assert!(message.starts_with("buildkitd (9) is in buildkit.service and was not started by"), "{message}");
    }

    #[test]
    fn a_containerd_without_its_cri_plugin_starts_nothing_by_itself() {
        let of = |config: &str| {
            let file = ("etc/containerd/config.toml", config);
            let (_root, machine) = with(&[process(7, 1, "containerd", -999)], &[file, ("usr/bin/runc", "r")]);
            run(&machine).iter().map(|finding| finding.status).collect::<Vec<_>>()
        };
        let versionless = "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\nBinaryName = 'x'\n";
        assert_eq!(of("disabled_plugins = [\"cri\"]\n"), [Status::Pass]);
        assert_eq!(of(versionless), [Status::Skipped]);
        assert_eq!(of(&format!("version = 2\n{versionless}")), [Status::Fail]);
    }

    #[test]
    fn advice_of_old_is_taken_back() {
        let conf = "[engine]\nruntime = \"crun\"\n[engine.runtimes]\ncrun = [\"/usr/bin/oomshim-runc\"]\n";
        let programs = ["usr/bin/podman", "usr/bin/crun", "usr/bin/oomshim-runc"];
        let mut files: Vec<(&str, &str)> = programs.iter().map(|name| (*name, "x")).collect();
        files.push(("etc/containers/containers.conf", conf));
        let (root, machine) = with(&[], &files);
        for name in programs {
            std::fs::set_permissions(root.path().join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let findings = run(&machine);
        let wrong = findings.iter().find(|finding| finding.status == Status::Fail).unwrap();
        assert!(wrong.message.contains("the runtime crun leads to /usr/bin/oomshim-runc"), "{wrong:?}");
        assert!(wrong.remedy.as_ref().unwrap().contains("    crun = [\"/usr/bin/oomshim-crun\"]\n"), "{wrong:?}");
    }

    #[test]
    fn a_hook_for_every_container_of_podmans_is_as_good_as_a_runtime() {
        let of = |hook: &str| {
            let programs = ["usr/bin/podman", "usr/bin/crun", "usr/bin/oomshim-hook"];
            let mut files: Vec<(&str, &str)> = programs.iter().map(|name| (*name, "x")).collect();
            files.push(("usr/share/containers/oci/hooks.d/oomshim.json", hook));
            let (root, machine) = with(&[], &files);
            for name in programs {
                std::fs::set_permissions(root.path().join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
            }
            let [finding] = <[Finding; 1]>::try_from(run(&machine)).unwrap();
            finding
        };
        let hook = |path: &str, stage: &str, when: &str| {
            format!(r#"{{"version":"1.0.0","hook":{{"path":"{path}"}},"when":{when},"stages":["{stage}"]}}"#)
        };
        let always = r#"{"always":true}"#;
        let finding = of(&hook("/usr/bin/oomshim-hook", "createRuntime", always));
        assert!(finding.status == Status::Pass && finding.message.contains("hooks.d/oomshim.json"), "{finding:?}");
        for other in [
            hook("/usr/bin/gone", "createRuntime", always),
            hook("/usr/bin/crun", "createRuntime", always),
            hook("/usr/bin/oomshim-hook", "poststop", always),
            hook("/usr/bin/oomshim-hook", "precreate", always),
            hook("/usr/bin/oomshim-hook", "createRuntime", r#"{"annotations":{"a":"b"}}"#),
            "{".to_owned(),
        ] {
            let finding = of(&other);
            assert!(finding.status == Status::Warn && finding.message.contains("crun starts"), "{other}: {finding:?}");
        }
    }
}
