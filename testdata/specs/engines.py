"""The engines of `capture`, and for each the command lines whose runtime calls and specs are kept."""
from pathlib import Path

from capture import LIB, RUN, Engine, serve, sh, spec_command

IMAGE = "localhost/busybox"


def first_line(command):
    return sh(command).split("\n")[0]


def runtime(tool):
    """ "runc version 1.1.5" -> "runc 1.1.5" """
    return first_line(f"{tool} --version").replace("version ", "")


def root_tar():
    """A root file system of one static busybox, as a tar; made once."""
    tar, root = RUN / "busybox.tar", RUN / "rootfs"
    if not tar.exists():
        sh(f"mkdir -p {root}/bin {root}/etc {root}/tmp {root}/proc {root}/sys {root}/dev && cp /bin/busybox {root}/bin/"
           f" && for a in sh true sleep echo cat; do ln -s busybox {root}/bin/$a; done"
           f" && echo 'root:x:0:0:root:/:/bin/sh' > {root}/etc/passwd && tar -C {root} -cf {tar} .")
    return tar


def context():
    """A build context: the same image, and a build from scratch that needs no image at all."""
    directory = RUN / "context"
    directory.mkdir(exist_ok=True)
    (directory / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo step\n")
    (directory / "Dockerfile.scratch").write_text("FROM scratch\nADD busybox.tar /\nRUN [\"/bin/echo\", \"step\"]\n")
    sh(f"cp {root_tar()} {directory}/")
    return directory


def containers_conf():
    """Without CAP_SYS_RESOURCE no hard limit can be raised, and podman and buildah ask for 1048576 files unless told otherwise."""
    file = RUN / "containers.conf"
    file.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    return file


def podman_command(name, runtime):
    """podman with its storage under LIB; vfs and cgroupfs work on a machine without overlay and systemd."""
    return (f"CONTAINERS_CONF={containers_conf()} podman --root {LIB}/{name} --runroot {RUN}/{name}-run --storage-driver vfs --cgroup-manager cgroupfs"
            f" --events-backend file --runtime {runtime}")


def podman():
    engine = Engine("podman", f"{runtime('podman')}, {runtime('conmon')}, {runtime('runc')}", "/usr/bin/runc")
    real = podman_command("podman", engine.recorder)
    sh(f"{real} import {root_tar()} {IMAGE}")

    def run(spec, options, command="/bin/true"):
        engine.step(f"podman run --rm {options}{command and f' {IMAGE} {command}'}", spec,
                    f"{real} run --rm {options} {IMAGE} {command}")

    run("podman-default", "--network none")
    run("podman-host-network", "--network host")
    run("podman-memory", "--network none --memory 64m --memory-swap 128m")
    run("podman-oom-score-adj", "--network none --oom-score-adj 300")
    run("podman-oom-score-adj-0", "--network none --oom-score-adj 0")
    run("podman-privileged", "--network none --privileged")
    run("podman-tmpfs", "--network none --tmpfs /scratch:size=1m --read-only")
    run("podman-annotation", "--network none --annotation oomshim.class=build-step --label a=b --hostname buildkitsandbox")
    run("podman-user-env", "--network none --user 65534:65534 --env A=$(printf '\\303\\251\\033') --workdir /tmp --cap-drop all")
    life(engine, "podman", f"{real} run -d --name life --network none {IMAGE} /bin/sleep 60", real)
    engine.step("podman pod create --name p --network none", "podman-pod-infra", f"{real} pod create --name p --network none"
                f" && {real} pod start p")
    engine.step("podman run --rm --pod p", "podman-pod-member", f"{real} run --rm --pod p {IMAGE} /bin/true")
    engine.step("podman pod rm -f p", None, f"{real} pod rm -t 1 -f p")
    engine.step("podman build", "podman-build", f"{real} build --network none {context()}")
    engine.step("podman build --isolation oci --memory 64m", "podman-build-memory",
                f"{real} build --no-cache --isolation oci --memory 64m --network none {context()}")
    return engine.finish()


def life(engine, tool, start, real):
    """One container from create to delete, with everything a person does to it in between."""
    engine.step(f"{tool} run -d --name life --network none {IMAGE} /bin/sleep 60", None, start)
    engine.step(f"{tool} exec life /bin/echo hello", None, f"{real} exec life /bin/echo hello")
    engine.step(f"{tool} kill -s USR1 life", None, f"{real} kill -s USR1 life")
    engine.step(f"{tool} pause life; {tool} unpause life", None, f"{real} pause life && {real} unpause life")
    engine.step(f"{tool} stop -t 1 life", None, f"{real} stop -t 1 life")
    engine.step(f"{tool} start life", None, f"{real} start life")
    engine.step(f"{tool} rm -f life", None, f"{real} rm -f life")


def podman_crun():
    """crun 1.8 refuses hybrid cgroups ("drop all controllers from cgroupv2"), even with the cgroup manager disabled. Hiding the
    unified mount, in the capture's own mount namespace, lets such a machine pass for a cgroup v1 one."""
    engine = Engine("podman-crun", f"{runtime('podman')}, {runtime('conmon')}, {runtime('crun')}", "/usr/bin/crun")
    real = podman_command("podman-crun", engine.recorder)
    sh(f"{real} import {root_tar()} {IMAGE}")
    hybrid = Path("/sys/fs/cgroup/unified").is_mount()
    if hybrid:
        sh("mount -t tmpfs none /sys/fs/cgroup/unified")
    try:
        for spec, options in (("podman-crun-default", ""), ("podman-crun-cgroups-disabled", " --cgroups=disabled"),
                              ("podman-crun-preserve-fds", " --preserve-fds 1")):
            engine.step(f"podman run --rm --network none{options}", spec,
                        f"exec 3</dev/null; {real} run --rm --network none{options} {IMAGE} /bin/true")
        engine.step("podman --log-level debug run --rm --network none", None,
                    f"{real} --log-level debug run --rm --network none {IMAGE} /bin/true")
        life(engine, "podman", f"{real} run -d --name life --network none {IMAGE} /bin/sleep 60", real)
    finally:
        if hybrid:
            sh("umount /sys/fs/cgroup/unified")
    return engine.finish()


def buildah():
    engine = Engine("buildah", f"{runtime('buildah').split(' (')[0]}, {runtime('runc')}", "/usr/bin/runc")
    real = f"CONTAINERS_CONF={containers_conf()} buildah --root {LIB}/buildah --runroot {RUN}/buildah-run --storage-driver vfs"
    run = f"--isolation oci --network none --runtime {engine.recorder}"
    image = sh(f"{real} from --network none scratch")
    sh(f"{real} add {image} {root_tar()} /")
    engine.step("buildah run --isolation oci", "buildah-run", f"{real} run {run} {image} /bin/true")
    engine.step("buildah run --isolation oci --hostname h --cap-add CAP_SYS_ADMIN --user 1000:1000", "buildah-run-options",
                f"{real} run {run} --hostname h --cap-add CAP_SYS_ADMIN --user 1000:1000 {image} /bin/true")
    engine.step("buildah build --isolation oci --memory 64m", "buildah-build-memory",
                f"{real} build {run} --memory 64m -f {context()}/Dockerfile.scratch {context()}")
    engine.step("buildah run with a step that fails", None, f"{real} run {run} {image} /bin/sh -c 'exit 7'", check=False)
    return engine.finish()


def docker():
    version = sh("dockerd --version").replace(",", "").split()
    containerd = sh("containerd --version").split()[2]
    engine = Engine("docker", f"dockerd {version[2]}, containerd {containerd}, {runtime('runc')}", "/usr/bin/runc")
    socket = RUN / "docker.sock"
    real = f"/usr/bin/docker --host unix://{socket}"
    # The embedded BuildKit looks for `runc` in PATH and asks no --add-runtime.
    serve.env = {"PATH": f"{engine.recorder.parent}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    daemon = serve(["/usr/sbin/dockerd", "--host", f"unix://{socket}", "--data-root", f"{LIB}/docker", "--exec-root",
                    f"{RUN}/docker", "--pidfile", f"{RUN}/docker.pid", "--bridge", "none", "--iptables=false",
                    "--ip6tables=false", "--storage-driver", "vfs", "--add-runtime", f"captured={engine.recorder}",
                    "--default-runtime", "captured"], socket)
    try:
        sh(f"{real} import {root_tar()} {IMAGE}")
        for spec, options in (("docker-default", ""), ("docker-memory", "--memory 64m "), ("docker-privileged", "--privileged "),
                              ("docker-oom-score-adj", "--oom-score-adj 300 "), ("docker-init", "--init "),
                              ("docker-oom-kill-disable", "--oom-kill-disable --memory 64m "), ("docker-tty", "--tty "),
                              ("docker-tmpfs", "--tmpfs /scratch:size=1m --read-only --security-opt no-new-privileges ")):
            # Privileged wants every capability there is, which root has not everywhere; the spec is written all the same.
            engine.step(f"docker run --rm --network none {options}{IMAGE} /bin/true", spec,
                        f"{real} run --rm --network none {options} {IMAGE} /bin/true", check=spec != "docker-privileged")
        life(engine, "docker", f"{real} run -d --name life --network none {IMAGE} /bin/sleep 60", real)
        engine.step("docker info", None, f"{real} info")
        engine.step("DOCKER_BUILDKIT=0 docker build", "docker-build-classic",
                    f"DOCKER_BUILDKIT=0 {real} build --network none --no-cache {context()}")
        engine.step("DOCKER_BUILDKIT=1 docker build (embedded BuildKit)", "docker-build-buildkit",
                    f"DOCKER_BUILDKIT=1 {real} build --network none --no-cache -f {context()}/Dockerfile.scratch {context()}")
    finally:
        daemon.terminate()
        daemon.wait()
    return engine.finish()


def containerd():
    version = sh("containerd --version").split()[2]
    engine = Engine("containerd", f"containerd {version} (ctr), {runtime('runc')}", "/usr/bin/runc")
    socket, config = RUN / "containerd.sock", RUN / "containerd.toml"
    config.write_text(f'version = 2\nroot = "{LIB}/containerd"\nstate = "{RUN}/containerd"\n'
                      f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{socket}"\n')
    image = RUN / "image.tar"
    source = podman_command("containerd-image", "/usr/bin/runc")
    sh(f"{source} import {root_tar()} {IMAGE} && {source} save --format docker-archive -o {image} {IMAGE}:latest")
    serve.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    daemon = serve(["/usr/bin/containerd", "--config", str(config)], socket)
    real = f"ctr --address {socket}"
    run = f"run --snapshotter native --runc-binary {engine.recorder}"
    try:
        sh(f"{real} image import --snapshotter native {image}")
        for number, (spec, options) in enumerate((("ctr-default", ""), ("ctr-memory", "--memory-limit 67108864 "),
                                                  ("ctr-privileged", "--privileged "), ("ctr-host-network", "--net-host "),
                                                  ("ctr-cgroup", "--cgroup /builders/one "), ("ctr-label", "--label a=b --annotation c=d "))):
            engine.step(f"ctr run --rm {options}{IMAGE}:latest c{number} /bin/true", spec,
                        f"{real} {run} --rm {options} {IMAGE}:latest c{number} /bin/true", check=spec != "ctr-privileged")
        engine.step("ctr -n buildkit run -d life /bin/sleep 60", None,
                    f"{real} -n buildkit image import --snapshotter native {image} >&2"
                    f" && {real} -n buildkit {run} -d {IMAGE}:latest life /bin/sleep 60")
        for verb in ("exec --exec-id e life /bin/echo hello", "ps life", "pause life", "resume life", "kill -s KILL life", "rm life"):
            engine.step(f"ctr -n buildkit task {verb}", None, f"{real} -n buildkit task {verb}", check=verb != "rm life")
    finally:
        sh(f"{real} -n buildkit task rm --force life", check=False)  # a shim outlives its containerd
        daemon.terminate()
        daemon.wait()
    return engine.finish()


def buildkit():
    version = first_line("buildkitd --version").split()
    engine = Engine("buildkit", f"buildkitd {version[2]} (OCI worker), {runtime('runc')}", "/usr/bin/runc")
    socket = RUN / "buildkitd.sock"
    serve.env = None
    daemon = serve([sh("command -v buildkitd"), "--addr", f"unix://{socket}", "--root", f"{LIB}/buildkit", "--oci-worker", "true",
                    "--containerd-worker", "false", "--oci-worker-snapshotter", "native", "--oci-worker-net", "host",
                    "--oci-worker-binary", str(engine.recorder)], socket)
    real = f"buildctl --addr unix://{socket} build --no-cache --frontend dockerfile.v0 --local context={context()} --local dockerfile={context()}"
    try:
        for spec, options in (("buildkit-default", ""), ("buildkit-hostname", " --opt hostname=mine"),
                              ("buildkit-cgroup-parent", " --opt cgroup-parent=/builders")):
            engine.step(f"buildctl build{options}", spec, f"{real} --opt filename=Dockerfile.scratch{options}")
    finally:
        daemon.terminate()
        daemon.wait()
    return engine.finish()


ENGINES = {
    "runc": lambda: spec_command("runc"), "crun": lambda: spec_command("crun"), "podman": podman, "podman-crun": podman_crun,
    "buildah": buildah, "docker": docker, "containerd": containerd, "buildkit": buildkit,
}
