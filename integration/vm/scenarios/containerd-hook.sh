# containerd 2.x with a stock runc and the createRuntime hook in the container's specification, as base_runtime_spec puts it there.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
start_containerd immune

bundle $work/hooked
with_hook $work/hooked oomshim-hook createRuntime
ctr run --detach --config $work/hooked/config.json --runc-binary /opt/tools/bin/runc hooked
hooked=$(ctr task ls | awk '$1 == "hooked" { print $2 }')
expect "the container's score" "$(score "$hooked")" 500
expect "its memory.oom.group" "$(cat $cgroups/bundle/hooked/memory.oom.group)" 1

# A hook cannot reach what comes later: runc takes the score of an exec from the saved specification, which knows of none.
note "an exec's score: $(ctr task exec --exec-id later hooked cat /proc/self/oom_score_adj) (the runtime's affair, see docs)"

bundle $work/greedy
sed -i 's|"sleep", "1000"|"hog", "0"|' $work/greedy/config.json
with_hook $work/greedy oomshim-hook createRuntime
status=0
ctr run --config $work/greedy/config.json --runc-binary /opt/tools/bin/runc greedy || status=$?
expect "ctr's exit status" "$status" 137
expect "group kills" "$(group_kills)" 1
kernel_log | grep -q 'Killed process .*(hog).*oom_score_adj:500' || fail "the kernel killed something else: $(show_kills)"
alive "$containerd" || fail "containerd died"
alive "$hooked" || fail "the container beside it died"
pass
