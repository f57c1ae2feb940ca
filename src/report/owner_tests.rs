//! Whose cgroups are, as engines, systemd and batch systems name them.

use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const UID: &str = "50fa4f7d-5f8f-ecfb-731c-c262b3b51b33";

fn shown(path: &str) -> String {
    of(Path::new(path)).map_or_else(|| "nobody".to_owned(), |(owner, _)| owner.to_string())
}

#[test]
fn each_name_of_a_cgroup_tells_its_owner() {
    let unit = UID.replace('-', "_");
    let cases = [
        (format!("/docker/{ID}"), format!("container {ID} (docker)")),
        (format!("/system.slice/docker-{ID}.scope"), format!("container {ID} (docker)")),
        (format!("/system.slice/docker-{ID}.scope/init"), format!("container {ID} (docker)")),
        (format!("/kubepods/burstable/pod{UID}/{ID}"), format!("container {ID}")),
        (
            format!(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{unit}.slice/cri-containerd-{ID}.scope"
            ),
            format!("container {ID} (containerd)"),
        ),
        (
            format!("/kubepods.slice/kubepods-pod{unit}.slice/crio-{ID}.scope/container"),
            format!("container {ID} (CRI-O)"),
        ),
        (format!("/kubepods.slice/kubepods-pod{unit}.slice"), format!("pod {UID}")),
        (format!("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{unit}.slice"), format!("pod {UID}")),
        (format!("/machine.slice/libpod-{ID}.scope"), format!("container {ID} (podman)")),
        (
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"),
            format!("container {ID} (podman)"),
        ),
        (
            "/system.slice/docker-y.scope/buildkit/y1k3mjdl2i9z0q8w7e6r5t4y3".to_owned(),
            "build step y1k3mjdl2i9z0q8w7e6r5t4y3 (BuildKit)".to_owned(),
        ),
        ("/lxc.payload.web".to_owned(), "container web (LXC)".to_owned()),
        ("/lxc/web/system.slice/nginx.service".to_owned(), "nginx.service".to_owned()),
        (
            r"/machine.slice/machine-qemu\x2d3\x2ddebian\x2d12.scope/libvirt/emulator".to_owned(),
            "virtual machine debian-12".to_owned(),
        ),
        ("/machine/web.libvirt-qemu".to_owned(), "virtual machine web".to_owned()),
        ("/qemu.slice/100.scope".to_owned(), "virtual machine 100".to_owned()),
        ("/system.slice/azuremonitoragent.service".to_owned(), "azuremonitoragent.service".to_owned()),
        (r"/system.slice/system-getty.slice/getty@tty1.service".to_owned(), "getty@tty1.service".to_owned()),
        ("/user.slice/user-0.slice/session-4.scope".to_owned(), "login session 4 of user 0".to_owned()),
        (
            r"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-google\x2dchrome-5029.scope".to_owned(),
            "app-gnome-google-chrome-5029.scope of user 1000".to_owned(),
        ),
        ("/user.slice/user-1000.slice".to_owned(), "everything that user 1000 runs".to_owned()),
        ("/slurm/uid_1000/job_42/step_0".to_owned(), "Slurm job 42".to_owned()),
        ("/system.slice/slurmstepd.scope/job_7/step_0/user".to_owned(), "Slurm job 7".to_owned()),
        ("/ecs/0123-task".to_owned(), "ECS job 0123-task".to_owned()),
        ("/kubepods.slice".to_owned(), "all pods of the node".to_owned()),
        ("/kubepods/besteffort".to_owned(), "all BestEffort pods of the node".to_owned()),
        ("/".to_owned(), "nobody".to_owned()),
        ("/jobs/x".to_owned(), "nobody".to_owned()),
    ];
    for (path, expected) in cases {
        assert_eq!(shown(&path), expected, "{path}");
    }
}

#[test]
fn a_limit_belongs_to_one_or_to_many() {
    let root = |path: &str| single(Path::new(path)).map(|(_, root)| root);
    let docker = format!("/system.slice/docker-{ID}.scope");
    assert_eq!(root(&format!("{docker}/init")), Some(docker.into()));
    assert_eq!(root("/system.slice/x.service/sub"), Some("/system.slice/x.service".into()));
    assert_eq!(root("/system.slice"), None);
    assert_eq!(root("/kubepods/burstable/pod0123456789abcdef0123"), None);
}

#[test]
fn names_of_strangers_are_escaped() {
    assert_eq!(shown("/system.slice/a\u{1b}[2Jb.service"), "a\\u{1b}[2Jb.service");
}

#[test]
fn a_virtual_machine_is_known_by_its_process() {
    assert_eq!(by_name(b"qemu-system-x86"), Some("a virtual machine"));
    assert_eq!(by_name(b"cc1plus"), None);
}
