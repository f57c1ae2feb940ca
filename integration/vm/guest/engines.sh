# Containers without buildkit for scenarios: a bundle for a runtime, containerd, podman, dockerd. Sourced by lib.sh.

# bundle DIR [SCORE]: a bundle that sleeps, as an engine would write it: SCORE in process.oomScoreAdj, none if not given.
bundle() {
    mkdir -p "$1"
    (cd "$1" && /opt/tools/bin/runc spec)
    # crun 1.8 refuses a specification newer than itself.
    sed -i -e 's|"ociVersion": "[^"]*"|"ociVersion": "1.0.2"|' -e 's|"terminal": true|"terminal": false|' -e 's|"path": "rootfs"|"path": "/opt/rootfs"|' -e 's|"sh"$|"sleep", "1000"|' \
        -e "s|\"linux\": {|\"linux\": { \"cgroupsPath\": \"/bundle/${1##*/}\",|" "$1/config.json"
    [ -z "${2-}" ] || sed -i "s|\"process\": {|\"process\": { \"oomScoreAdj\": $2,|" "$1/config.json"
}

# state ID: a container's state, from the runtime that really runs it; init ID: its first process.
init() { ${runtime:-/opt/tools/bin/runc} state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'; }

# with_hook BUNDLE COMMAND...: adds a createRuntime hook to a bundle, as containerd's base_runtime_spec does.
with_hook() {
    local bundle=$1 arguments='' argument
    shift
    for argument in "$@"; do arguments="$arguments${arguments:+, }\"$argument\""; done
    sed -i "1s|{|{ \"hooks\": { \"createRuntime\": [ { \"path\": \"/opt/oomshim/bin/oomshim-hook\", \"args\": [ $arguments ] } ] },|" "$bundle/config.json"
}

# containerd_toml: its configuration without CRI, which ctr does not need.
containerd_toml() {
    cat >$work/containerd.toml <<'END'
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
END
}

# start_containerd LAUNCHER...: containerd 2.x, without CRI unless cri_toml was called before.
start_containerd() {
    [ -e $work/containerd.toml ] || containerd_toml
    "$@" /opt/tools/bin/containerd --config $work/containerd.toml >>$work/containerd.log 2>&1 &
    wait_for 60 ctr version || fail "containerd does not answer: $(tail -n 2 $work/containerd.log)"
    containerd=$(pidof containerd)
    note "containerd ($(containerd --version | cut -d ' ' -f 3)) runs with $(score "$containerd")"
}

# hooks_d DIRECTORY STAGE [PROGRAM]: a hook file of podman's for every container.
hooks_d() {
    mkdir -p "$1"
    cat >"$1/oomshim.json" <<END
{
    "version": "1.0.0",
    "hook": { "path": "${3:-/opt/oomshim/bin/oomshim-hook}", "args": ["oomshim-hook", "$2"] },
    "when": { "always": true },
    "stages": ["$2"]
}
END
}

# start_dockerd LAUNCHER...: dockerd without a network, `oomshim` as one of its runtimes, and $docker_path first in its PATH:
# that is where its embedded BuildKit looks for runc.
start_dockerd() {
    PATH=${docker_path:+$docker_path:}/usr/sbin:/usr/bin:/opt/busybox "$@" dockerd --bridge=none --iptables=false --ip-forward=false \
        --storage-driver=vfs --add-runtime oomshim=/opt/oomshim/bin/oomshim-runc >$work/dockerd.log 2>&1 &
    wait_for 120 docker version || fail "dockerd does not answer: $(tail -n 2 $work/dockerd.log)"
    dockerd=$(pidof dockerd)
    note "dockerd ($(docker version --format '{{.Server.Version}}')) runs with $(score "$dockerd")"
}

# A Dockerfile in $work/image for engines that build on their own: its one step is the arguments.
image_context() {
    rm -rf $work/image
    mkdir -p $work/image/bin
    cp -a /opt/context/bin/busybox /opt/context/bin/hog /opt/context/bin/sh /opt/context/bin/cat $work/image/bin/
    printf 'FROM scratch\nCOPY bin /bin\nRUN %s\n' "$*" >$work/image/Dockerfile
}
