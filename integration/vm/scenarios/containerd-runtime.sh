# containerd 2.x with oomshim-runc as the runtime's BinaryName, through ctr: a greedy task dies whole, containerd and its shim live.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
start_containerd immune
task="ctr run --rootfs --env PATH=/bin"

# containerd's shim takes containerd's score plus one and hands it on: the stock container is next to immune.
expect "a stock container's score" "$($task --rm --runc-binary /opt/tools/bin/runc /opt/rootfs stock cat /proc/self/oom_score_adj)" -999

$task --detach --runc-binary /opt/oomshim/bin/oomshim-runc /opt/rootfs guarded sh -c 'sleep 1000 & sleep 1000'
guarded=$(ctr task ls | awk '$1 == "guarded" { print $2 }')
expect "the container's score" "$(score "$guarded")" 500
expect "its memory.oom.group" "$(cat $cgroups/default/guarded/memory.oom.group)" 1

# An annotation that anybody can choose makes no sandbox: the bundle has to be one of containerd's CRI plugin.
sandbox="--annotation io.kubernetes.cri.container-type=sandbox"
expect "the score of what calls itself a sandbox" "$($task --rm $sandbox --runc-binary /opt/oomshim/bin/oomshim-runc /opt/rootfs named cat /proc/self/oom_score_adj)" 500

ctr events >$work/events.log 2>&1 &
ctr task exec --exec-id greedy guarded hog 0 && fail "a greedy exec passed"
expect "group kills" "$(group_kills)" 1
killed hog || fail "the kernel killed something else: $(show_kills)"
wait_for 30 sh -c 'ctr task ls | grep -q "guarded .*STOPPED"' || fail "containerd does not report the death: $(ctr task ls | tail -n 1)"
note "containerd reports: $(ctr task ls | grep guarded | tr -s ' ')"
expect_text "containerd's events" $work/events.log '/tasks/oom'
alive "$containerd" || fail "containerd died"
pidof containerd-shim-runc-v2 >/dev/null || fail "the shim died"
ctr task rm guarded >/dev/null

expect "the next container's score" "$($task --rm --runc-binary /opt/oomshim/bin/oomshim-runc /opt/rootfs next cat /proc/self/oom_score_adj)" 500
pass
