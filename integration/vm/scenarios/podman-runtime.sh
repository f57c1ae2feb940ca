# podman --runtime oomshim-runc, in front of crun: score, oom.group, and a greedy container that podman reports.
. /opt/oomshim/guest/lib.sh

runtime=/usr/bin/crun
write_policy </dev/null
podman="immune podman --runtime /opt/oomshim/bin/oomshim-runc"

id=$($podman run --detach --network none --rootfs /opt/rootfs sh -c 'sleep 1000 & sleep 1000')
init=$(podman inspect --format '{{.State.Pid}}' "$id")
expect "the container's score" "$(score "$init")" 500
expect "its memory.oom.group" "$(cat "$cgroups$(sed 's/^0:://' "/proc/$init/cgroup")/memory.oom.group")" 1
expect "a later exec's score" "$($podman exec "$id" cat /proc/self/oom_score_adj)" 500

status=0
$podman run --network none --rootfs /opt/rootfs hog 0 || status=$?
expect "podman's exit status" "$status" 137
expect "group kills" "$(group_kills)" 1
kernel_log | grep -q 'Killed process .*(hog).*oom_score_adj:500' || fail "the kernel killed something else: $(show_kills)"
alive "$init" || fail "the container beside it died"
pass
