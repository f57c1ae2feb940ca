# Containers without buildkit for scenarios: a bundle for a runtime, containerd, podman, dockerd. Sourced by lib.sh.

# bundle DIR [SCORE]: a bundle that sleeps, as an engine would write it: SCORE in process.oomScoreAdj, none if not given.
bundle() {
    mkdir -p "$1"
    (cd "$1" && /opt/tools/bin/runc spec)
    sed -i -e 's,"terminal": true,"terminal": false,' -e 's,"path": "rootfs","path": "/opt/rootfs",' -e 's,"sh"$,"sleep"\, "1000",' \
        -e "s,\"linux\": {,\"linux\": { \"cgroupsPath\": \"/bundle/${1##*/}\"," "$1/config.json"
    [ -z "${2-}" ] || sed -i "s,\"process\": {,\"process\": { \"oomScoreAdj\": $2," "$1/config.json"
}
