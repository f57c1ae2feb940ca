# podman with a stock crun and hooks.d: createRuntime writes score and oom.group, precreate edits the specification.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
podman="immune podman --hooks-dir $work/hooks.d"

for stage in createRuntime precreate; do
    hooks_d $work/hooks.d $stage
    id=$($podman run --detach --network none --rootfs /opt/rootfs sleep 1000)
    init=$(podman inspect --format '{{.State.Pid}}' "$id")
    expect "$stage: the container's score" "$(score "$init")" 500
    expect "$stage: its memory.oom.group" "$(cat "$cgroups$(sed 's/^0:://' "/proc/$init/cgroup")/memory.oom.group")" 1
    $podman rm --force "$id" >/dev/null || fail "$stage: the container cannot be removed"
done

status=0
$podman run --network none --rootfs /opt/rootfs hog 0 || status=$?
expect "podman's exit status for a greedy container" "$status" 137
expect "group kills" "$(group_kills)" 1
$podman run --network none --rootfs /opt/rootfs true || fail "the next container does not start"
pass
