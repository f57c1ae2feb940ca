# cgroupsPath as systemd's driver writes it (slice:prefix:id): score and oom.group reach the scope, and the scope dies whole.
. /opt/oomshim/guest/lib.sh

expect "PID 1" "$(cat /proc/1/comm)" systemd

for name in runc:/opt/tools/bin/runc crun:/usr/bin/crun; do
    runtime=${name#*:}
    id=${name%%:*}
    write_policy </dev/null
    bundle $work/$id
    sed -i -e "s|\"cgroupsPath\": \"[^\"]*\"|\"cgroupsPath\": \"system.slice:oomshim:$id\"|" -e 's|"sleep", "1000"|"sh", "-c", "sleep 1000 \& sleep 1000"|' $work/$id/config.json
    immune oomshim-runc --systemd-cgroup run --detach --bundle $work/$id $id
    scope=system.slice/oomshim-$id.scope
    # crun puts the container into a child of the scope, runc into the scope itself.
    group=$(sed 's/^0:://' "/proc/$(init $id)/cgroup")
    expect "$id: the container's cgroup is in the scope" "$(echo "$group" | cut -d / -f 1-3)" "/$scope"
    expect "$id: the container's score" "$(score "$(init $id)")" 500
    expect "$id: its memory.oom.group" "$(cat "$cgroups$group/memory.oom.group")" 1

    kills_before=$(group_kills)
    immune oomshim-runc --systemd-cgroup exec $id hog 0 && fail "a greedy exec passed"
    expect "$id: group kills" $(($(group_kills) - kills_before)) 1
    killed hog || fail "the kernel killed something else: $(show_kills)"
    wait_for 20 sh -c "! grep -q 'populated 1' $cgroups/$scope/cgroup.events" || fail "$id: the scope lives on"
    expect "PID 1 afterwards" "$(cat /proc/1/comm)" systemd
done
pass
