# podman with a stock crun and hooks.d: createRuntime writes score and oom.group, precreate edits the specification.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
podman="immune podman --hooks-dir $work/hooks.d"
mkdir -p $work/hooks.d

# hooks_d STAGE ARGUMENT: one hook for every container
hooks_d() {
    cat >$work/hooks.d/oomshim.json <<END
{
    "version": "1.0.0",
    "hook": { "path": "/opt/oomshim/bin/oomshim-hook", "args": ["oomshim-hook", "$2"] },
    "when": { "always": true },
    "stages": ["$1"]
}
END
}

for stage in createRuntime precreate; do
    hooks_d $stage $stage
    id=$($podman run --detach --network none --rootfs /opt/rootfs sleep 1000)
    init=$(podman inspect --format '{{.State.Pid}}' "$id")
    expect "$stage: the container's score" "$(score "$init")" 500
    expect "$stage: its memory.oom.group" "$(cat "$cgroups$(sed 's/^0:://' "/proc/$init/cgroup")/memory.oom.group")" 1
done

status=0
$podman run --network none --rootfs /opt/rootfs hog 0 || status=$?
expect "podman's exit status for a greedy container" "$status" 137
expect "group kills" "$(group_kills)" 1
alive "$init" || fail "the container beside it died"
pass
