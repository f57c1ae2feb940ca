//! Where engines put jobs, and what is an engine's own.

/// Where engines put jobs when nobody says otherwise: buildkitd and dockerd with both cgroup drivers, podman, ctr and
/// nerdctl, and GitLab's slots. Seen with buildkitd 0.33, dockerd 20.10, podman 4.3 and containerd 2.4; the rest is from
/// their sources.
pub(super) const KNOWN: [&str; 10] = [
    "/buildkit/*",
    "/system.slice/docker-*.scope",
    "/docker/*",
    "/docker/buildkit/*",
    "/machine.slice/libpod-*.scope",
    "/user.slice/*/*/user.slice/libpod-*.scope",
    "/libpod_parent/libpod-*",
    "/default/*",
    "/system.slice/nerdctl-*.scope",
    "/gitlab-runner/slot-*",
];

/// Names of cgroups that look like a job's and are an engine's own: the monitors of podman and CRI-O, and directories
/// that only hold others.
pub(super) const NOT_JOBS: [&str; 5] = ["*conmon-*", "/docker/buildkit", "*/init", "*/system.slice", "*.slice"];

/// Programs that hold everybody's jobs. They count where they run in the host's mount namespace: what runs inside of a
/// container may call itself anything.
pub(super) const DAEMONS: [&str; 18] = [
    "buildkitd",
    "containerd",
    "containerd-shim",
    "containerd-shim-runc-v2",
    "dockerd",
    "conmon",
    "conmonrs",
    "crio",
    "podman",
    "kubelet",
    "systemd",
    "gitlab-runner",
    "Runner.Listener",
    "Runner.Worker",
    "buildkite-agent",
    "nix-daemon",
    "dbus-daemon",
    "act_runner",
];
