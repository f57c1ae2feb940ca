use super::*;
use crate::engines::launch::tests::engine;

const FILE: &str = "/etc/buildkit/buildkitd.toml";
const SHIM: &str = "/usr/bin/oomshim-runc";

fn request(name: &str) -> Request<'_> {
    Request { name, shim: Path::new(SHIM), service: None, scope: Scope::All, immune: None }
}

fn of(files: &[(&str, &str)]) -> Result<Planned, String> {
    let (_root, launch) = engine("buildkitd", files);
    let with_remedy = |error: PlanError| {
        let remedy = error.remedy().map(ToString::to_string);
        format!("{error}\n{}", remedy.unwrap_or_default())
    };
    plan(Engine::Buildkitd, &launch, &request("buildkitd")).map_err(with_remedy)
}

fn changes(planned: Result<Planned, PlanError>) -> Plan {
    let Ok(Planned::Changes(plan)) = planned else { panic!("{planned:?}") };
    plan
}

fn text(plan: &Plan, ending: &str) -> String {
    let file = plan.files.iter().find(|change| change.path.ends_with(ending));
    String::from_utf8(file.unwrap_or_else(|| panic!("{plan:?}")).after.clone()).unwrap()
}

#[test]
fn a_plan_has_the_file_before_and_after() {
    let Ok(Planned::Changes(plan)) = of(&[(FILE, "[worker.oci]\n  gc = true\n")]) else { panic!() };
    let after = format!("[worker.oci]\n  gc = true\n  binary = \"{SHIM}\"\n");
    assert_eq!(plan.files.len(), 1);
    assert!(plan.files[0].path.ends_with("etc/buildkit/buildkitd.toml"));
    assert_eq!(String::from_utf8_lossy(&plan.files[0].after), after);
    assert_eq!(of(&[(FILE, &after)]), Ok(Planned::Nothing));
}

#[test]
fn what_a_program_writes_is_not_changed() {
    let error = of(&[(FILE, "# Ansible managed\n")]).unwrap_err();
    assert!(error.contains("# Ansible managed") && error.contains("set in /etc/buildkit/buildkitd.toml:"), "{error}");
    let error = of(&[(FILE, "worker = { oci = { gc = true } }\n")]).unwrap_err();
    assert!(error.contains("add them by hand") && error.contains("binary = "), "{error}");
}

#[test]
fn links_are_followed_below_the_root() {
    let (root, launch) = engine("buildkitd", &[("/srv/real.toml", "debug = true\n")]);
    std::fs::create_dir_all(root.path().join("etc/buildkit")).unwrap();
    let link = root.path().join("etc/buildkit/buildkitd.toml");
    std::os::unix::fs::symlink("/srv/real.toml", &link).unwrap();
    let planned = changes(plan(Engine::Buildkitd, &launch, &request("buildkitd")));
    assert_eq!(planned.files[0].path, root.path().canonicalize().unwrap().join("srv/real.toml"));
    let store = root.path().join("nix/store/x");
    std::fs::create_dir_all(&store).unwrap();
    std::fs::write(store.join("b.toml"), "debug = true\n").unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/nix/store/x/b.toml", &link).unwrap();
    let error = plan(Engine::Buildkitd, &launch, &request("buildkitd")).unwrap_err();
    assert!(matches!(error, PlanError::Managed { .. }), "{error}");
}

#[test]
fn docker_gets_its_file_and_a_drop_in() {
    let (root, launch) = engine("dockerd", &[("/etc/docker/daemon.json", "{\n  \"debug\": true\n}\n")]);
    let with_unit = Request { service: Some("moby.service"), ..request("docker") };
    let planned = changes(plan(Engine::Dockerd, &launch, &with_unit));
    assert_eq!((planned.files.len(), planned.needs, planned.has_unit), (2, Needs::Restart, true));
    let json: serde_json::Value = text(&planned, "daemon.json").parse().unwrap();
    assert_eq!((&json["default-runtime"], &json["debug"]), (&"oomshim".into(), &true.into()));
    assert_eq!(planned.files[0].tombstone, ["{\"runtimes\":{\"oomshim\":{\"path\":\"/usr/bin/runc\"}}}"]);
    let drop_in = text(&planned, "etc/systemd/system/moby.service.d/50-oomshim.conf");
    assert!(drop_in.contains("[Service]\nEnvironment="), "{drop_in}");
    // With the drop-in written the next start is what counts.
    for change in &planned.files {
        std::fs::create_dir_all(change.path.parent().unwrap()).unwrap();
        std::fs::write(&change.path, &change.after).unwrap();
    }
    for (link, target) in &planned.links {
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, link).unwrap();
    }
    assert_eq!(plan(Engine::Dockerd, &launch, &with_unit).unwrap(), Planned::Nothing);
    drop(root);
}

#[test]
fn docker_without_systemd_leaves_the_variable_to_a_person() {
    let (_root, launch) = engine("dockerd", &[]);
    let planned = changes(plan(Engine::Dockerd, &launch, &request("docker")));
    assert_eq!((planned.files.len(), planned.by_hand.len(), planned.needs), (1, 1, Needs::Reload));
    let builds = Request { scope: Scope::Builds, ..request("docker") };
    assert!(matches!(plan(Engine::Dockerd, &launch, &builds), Err(PlanError::ByHand(_))));
    let containers = Request { scope: Scope::Containers, ..request("docker") };
    assert_eq!(changes(plan(Engine::Dockerd, &launch, &containers)).by_hand, []);
}

#[test]
fn nobody_becomes_immune_before_its_steps_are_raised() {
    let (_root, launch) = engine("dockerd", &[]);
    let immune = Request {
        service: Some("docker.service"),
        scope: Scope::Containers,
        immune: Some(Path::new("/usr/bin/oomshim")),
        ..request("docker")
    };
    assert!(matches!(plan(Engine::Dockerd, &launch, &immune), Err(PlanError::WouldLeak(_))));
    let planned = changes(plan(Engine::Dockerd, &launch, &Request { scope: Scope::All, ..immune }));
    let drop_in = text(&planned, "docker.service.d/60-oomshim-immune.conf");
    assert!(drop_in.contains("\nOOMScoreAdjust=-1000\n") && !drop_in.contains("ExecStart="), "{drop_in}");
    assert!(drop_in.contains("ExecStartPre=-/usr/bin/oomshim protect --check-unit %n"), "{drop_in}");
    let nowhere = Request { service: None, scope: Scope::All, ..immune };
    assert!(matches!(plan(Engine::Dockerd, &launch, &nowhere), Err(PlanError::WouldLeak(_))));
}

#[test]
fn k3s_gets_a_template_once() {
    let main = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml";
    let rendered = "# File generated by k3s. DO NOT EDIT.\nversion = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\nruntime_type = 'io.containerd.runc.v2'\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]\nSystemdCgroup = true\n";
    let (_root, launch) = engine(&format!("containerd -c {main}"), &[(main, rendered)]);
    let planned = changes(plan(Engine::Containerd, &launch, &request("k3s")));
    let template = text(&planned, "agent/etc/containerd/config-v3.toml.tmpl");
    assert!(template.starts_with("{{ template \"base\" . }}\n") && template.contains("SystemdCgroup = true"));
    std::fs::write(&planned.files[0].path, &planned.files[0].after).unwrap();
    assert_eq!(plan(Engine::Containerd, &launch, &request("k3s")).unwrap(), Planned::Nothing);
    // A copy of the whole file is not added to.
    std::fs::write(&planned.files[0].path, rendered).unwrap();
    let error = plan(Engine::Containerd, &launch, &request("k3s")).unwrap_err();
    assert!(matches!(error, PlanError::Managed { .. } | PlanError::Splice { .. }), "{error}");
}

#[test]
fn nvidias_runtime_gets_oomshim_behind_it() {
    let json = r#"{"runtimes":{"nvidia":{"path":"/usr/bin/nvidia-container-runtime"}},"default-runtime":"nvidia"}"#;
    let nvidia = "/etc/nvidia-container-runtime/config.toml";
    let (root, launch) = engine(
        "dockerd",
        &[
            ("/etc/docker/daemon.json", json),
            ("/usr/bin/nvidia-container-runtime", "x"),
            (nvidia, "# own\n[nvidia-container-runtime]\nruntimes = [\"runc\"]\n"),
        ],
    );
    let program = root.path().join("usr/bin/nvidia-container-runtime");
    std::fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let containers = Request { scope: Scope::Containers, ..request("docker") };
    let planned = changes(plan(Engine::Dockerd, &launch, &containers));
    assert_eq!(planned.files.len(), 1);
    assert_eq!(
        text(&planned, &nvidia[1..]),
        format!("# own\n[nvidia-container-runtime]\nruntimes = [\"{SHIM}\", \"runc\"]\n")
    );
    assert!(planned.files[0].tombstone.is_empty(), "no container has a name of oomshim's");
}
