use super::*;
use crate::engines::launch::tests::engine;
use crate::engines::remedy::tests::follow;

const FILE: &str = "/etc/containerd/config.toml";
const SHIM: &str = "/usr/bin/oomshim-runc";
const PLUGINS: [&str; 3] = ["cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"];
const K3S: &str = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml";

fn of(line: &str, files: &[(&str, &str)]) -> Route {
    let (_root, launch) = engine(line, files);
    routes(&launch, Path::new(SHIM)).unwrap().remove(0)
}

fn error(files: &[(&str, &str)]) -> String {
    let (_root, launch) = engine("containerd", files);
    routes(&launch, Path::new(SHIM)).unwrap_err().to_string()
}

/// A file with these lines of the plugin of that version.
fn file(version: i64, lines: &str) -> String {
    let plugin = plugin_of(version).unwrap();
    format!("version = {version}\n{}", lines.replace("CRI", &format!("plugins.'{plugin}'.containerd")))
}

#[test]
fn the_default_runtime_of_each_version_is_found() {
    for version in 1..=4 {
        let named = file(
            version,
            "[CRI]\ndefault_runtime_name = \"x\"\n[CRI.runtimes.x.options]\nBinaryName = \"/usr/bin/linked\"\n",
        );
        let route = of("containerd -c /c.toml", &[("/c.toml", &named)]);
        assert!(route.is_oomshim() && route.workloads == "containers of Kubernetes", "{route:?}");
    }
    let stock = of("containerd", &[]);
    assert_eq!((stock.starter.clone(), stock.leaks_immunity()), (Starter::Other("/usr/bin/runc".into()), false));
    assert!(error(&[(FILE, "version = 5\n")]).contains("nothing is known here of `version = 5`"));
}

#[test]
fn only_the_plugin_of_the_files_own_version_counts() {
    for (version, expected) in (1..).zip(PLUGINS) {
        for plugin in PLUGINS {
            let text = format!(
                "version = {version}\n[plugins.'{plugin}'.containerd.runtimes.runc.options]\nBinaryName = \"oomshim-runc\"\n"
            );
            assert_eq!(of("containerd", &[(FILE, &text)]).is_oomshim(), plugin == expected, "{text}");
        }
    }
}

#[test]
fn a_handler_of_oomshim_is_enough() {
    let text = file(2, "[CRI.runtimes.mine.options]\nBinaryName = \"oomshim-runc\"\n");
    let route = of("containerd", &[(FILE, &text)]);
    assert!(route.is_oomshim() && route.workloads == "pods of the handler mine", "{route:?}");
}

#[test]
fn settings_without_a_version_cannot_be_judged() {
    let text = |plugin: &str| {
        format!("[plugins.'{plugin}'.containerd.runtimes.runc.options]\nBinaryName = \"oomshim-runc\"\n")
    };
    for plugin in &PLUGINS[1..] {
        let error = error(&[(FILE, &text(plugin))]);
        assert!(error.contains(FILE) && error.contains("write `version = 2` first"), "{error}");
    }
    assert!(of("containerd", &[(FILE, &text("cri"))]).is_oomshim());
    let new = ("/usr/bin/runc", "knows io.containerd.cri.v1.runtime");
    for (files, version) in
        [(&[][..], 2), (&[(FILE, "oom_score = -999\n")], 2), (&[(FILE, "[plugins.cri]\n")], 1), (&[(FILE, ""), new], 3)]
    {
        let remedy = of("/usr/bin/runc", files).remedy.to_string();
        let plugin = plugin_of(version).unwrap();
        let begins =
            format!("set in {FILE}:\n    version = {version}\n    [plugins.'{plugin}'.containerd.runtimes.oomshim]\n");
        assert!(remedy.starts_with(&begins), "{remedy}");
    }
}

#[test]
fn a_plugin_that_is_off_starts_nothing() {
    for text in ["disabled_plugins = [\"cri\"]\n", "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"]
    {
        let (_root, launch) = engine("containerd", &[(FILE, text)]);
        assert_eq!(routes(&launch, Path::new(SHIM)), Ok(Vec::new()), "{text}");
    }
}

#[test]
fn imported_files_count_more() {
    let v3 = file(3, "[CRI.runtimes.runc.options]\nBinaryName = \"oomshim-runc\"\n");
    let drop_in = ("/etc/containerd/conf.d/oom.toml", v3.as_str());
    let files =
        [(FILE, "version = 3\nimports = [\"conf.d/*.toml\"]\n"), drop_in, ("/etc/containerd/conf.d/other.conf", "[")];
    assert_eq!(of("containerd", &files).source, Source::File(drop_in.0.into()));
}

#[test]
fn a_drop_in_replaces_the_plugin_of_containerd_1() {
    let main = file(2, "[CRI.runtimes.mine.options]\nBinaryName = \"oomshim-runc\"\n");
    let main = main.replacen('\n', "\nimports = [\"/d.toml\"]\n", 1);
    let drop_in = file(2, "[CRI.runtimes.nvidia.options]\nBinaryName = \"/usr/bin/runc\"\n");
    let files = [(FILE, main.as_str()), ("/d.toml", &drop_in), ("/usr/bin/new", "io.containerd.cri.v1.runtime")];
    assert!(!of("/usr/bin/runc", &files).is_oomshim());
    let (root, launch) = engine("/usr/bin/new", &files);
    let program = root.path().join("usr/bin/new");
    std::fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(routes(&launch, Path::new(SHIM)).unwrap()[0].is_oomshim(), "containerd 2 merges them");
}

#[test]
fn files_of_two_versions_cannot_be_judged() {
    let main = file(3, "imports = [\"/d.toml\"]\n[CRI.runtimes.runc]\nsnapshotter = \"x\"\n");
    let drop_in = file(2, "[CRI.runtimes.mine.options]\nBinaryName = \"oomshim-runc\"\n");
    let files = [(FILE, main.as_str()), ("/d.toml", &drop_in)];
    assert!(error(&files).starts_with("/d.toml is malformed: it is of another `version`"), "{}", error(&files));
    let new = ("/usr/bin/runc", "io.containerd.cri.v1.runtime io.containerd.server.v1");
    assert!(of("/usr/bin/runc", &[files[0], files[1], new]).is_oomshim(), "2.3 migrates each file by itself");
}

#[test]
fn the_handler_is_the_default_one_with_another_program() {
    let text = file(
        2,
        "[CRI]\ndefault_runtime_name = \"x\"\n[CRI.runtimes.x]\nruntime_type = \"io.containerd.runc.v2\"\npod_annotations = [\"a.*\"]\n\
         snapshotter = \"z\"\n[CRI.runtimes.x.options]\nBinaryName = \"/usr/bin/crun\"\nSystemdCgroup = true\n",
    );
    let remedy = of("containerd", &[(FILE, &text)]).remedy.to_string();
    assert_eq!(
        remedy,
        "run `ln -s oomshim-runc /usr/bin/oomshim-crun`, and set in /etc/containerd/config.toml:\n    \
         [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.oomshim]\n    \
         container_annotations = [\"oomshim.class\"]\n    \
         pod_annotations = [\"a.*\", \"oomshim.class\"]\n    \
         runtime_type = \"io.containerd.runc.v2\"\n    \
         snapshotter = \"z\"\n    \
         [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.oomshim.options]\n    \
         BinaryName = \"/usr/bin/oomshim-crun\"\n    \
         SystemdCgroup = true\n\
         then restart containerd; pods that run go on, with the handler that they were made with. Pods choose this one by a \
         RuntimeClass with the handler `oomshim`; keep it as long as one of them lives"
    );
}

/// The file on the command line, the files, and the one that the remedy names.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn the_remedy_makes_oomshim_a_handler() {
    let stock = |version| file(version, "[CRI.runtimes.runc.options]\nSystemdCgroup = true\n");
    let importing = stock(3).replacen('\n', "\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n", 1);
    let old = stock(2).replacen('\n', "\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n", 1);
    let (v2, v3) = (stock(2), stock(3));
    let k3s = stock(3).replacen(
        '\n',
        "\nimports = [\"/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/*.toml\"]\n",
        1,
    );
    let nvidia = ("/etc/containerd/conf.d/99-nvidia.toml", v2.as_str());
    let microk8s = "/var/snap/microk8s/current/args/containerd.toml";
    let cases: [Case<'_>; 10] = [
        (FILE, &[], FILE),
        (FILE, &[(FILE, "oom_score = -1\n")], FILE),
        (FILE, &[(FILE, &v2)], FILE),
        (FILE, &[(FILE, &importing)], "/etc/containerd/conf.d/50-oomshim.toml"),
        (FILE, &[(FILE, &old), nvidia], nvidia.0),
        (K3S, &[(K3S, &v2)], "/var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl"),
        (K3S, &[(K3S, &v3)], "/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.tmpl"),
        (
            K3S,
            &[
                (K3S, &v3),
                ("/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.tmpl", "{{ template \"base\" . }}\n"),
            ],
            "/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.tmpl",
        ),
        (K3S, &[(K3S, &k3s)], "/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/50-oomshim.toml"),
        (
            microk8s,
            &[(microk8s, &v2), ("/var/snap/microk8s/current/args/containerd-template.toml", "")],
            "/var/snap/microk8s/current/args/containerd-template.toml",
        ),
    ];
    for (main, files, named) in cases {
        let (root, launch) = engine(&format!("containerd -c {main}"), files);
        let before = routes(&launch, Path::new(SHIM)).unwrap().remove(0);
        assert!(before.remedy.to_string().contains(&format!(" {named}:\n")), "{named}: {}", before.remedy);
        follow(&before.remedy, root.path(), Path::new(main));
        let after = routes(&launch, Path::new(SHIM)).unwrap().remove(0);
        assert!(after.is_oomshim() && after.workloads == "pods of the handler oomshim", "{named}: {after:?}");
    }
}
