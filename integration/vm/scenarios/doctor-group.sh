# A builder in a container: the kubelet flags its cgroup with memory.oom.group, and buildkitd is killed together with a step whose own
# cgroup is flagged as well. doctor sees it; with `oomshim protect --ungroup` the step is killed and buildkitd lives.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
sed -i 's|^\[worker.oci\]|[worker.oci]\n  defaultCgroupParent = "/builders/pod/container"|' $work/buildkitd.toml
container=$cgroups/builders/pod/container

# in_container LAUNCHER...: in a cgroup like the one of a container of a pod, with the kubelet's flag and its limit. buildkitd is in a
# leaf of it (as in its image), so that steps can be beside it.
in_container() {
    mkdir -p $container/daemon
    for parent in $cgroups $cgroups/builders $cgroups/builders/pod $container; do echo +memory >$parent/cgroup.subtree_control; done
    echo 600M >$container/memory.max
    echo 0 >$container/memory.swap.max 2>/dev/null || true
    echo 1 >$container/memory.oom.group
    # This is a shell of its own, in the background.
    sh -c 'echo $PPID >$0/daemon/cgroup.procs' $container
    "$@"
}

# As it comes, also with the lowest oom_score_adj that a pod gets: the whole container is killed.
start_buildkitd in_container with_score -997
worried group
says "^fail .*group: buildkitd \\($buildkitd\\) is below $container/memory.oom.group, which is 1: it is killed together with a step in there"
says "^ *-> now: .oomshim protect --ungroup --score -997 --pid $buildkitd.; for good: .OOMPolicy=continue. under .Service. with .systemctl edit buildkit.service."
build greedy "$greedy" && fail "a greedy build passed"
wait_for 30 sh -c '! pidof buildkitd' || fail "buildkitd survived a step in its flagged cgroup: the scenario shows nothing"
note "without --ungroup buildkitd was killed: $(kernel_log | grep 'Killed process' | grep -c buildkitd) of its processes"
dmesg -c >/dev/null

# With the flag cleared as it starts.
start_buildkitd in_container with_score -997 oomshim protect --ungroup --score -997 --
expect_text "protect" $work/buildkitd.log "^oomshim: cleared $container/memory.oom.group"
expect "the container's flag" "$(cat $container/memory.oom.group)" 0
content --only group
build modest "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/modest.log)"
build greedy "$greedy" && fail "a greedy build passed"
expect_death greedy -997
expect "group kills" "$(group_kills)" 1
build modest "$modest" || fail "no build passes after the kill: $(tail -n 3 $work/modest.log)"

# The same for a daemon that runs: what doctor says is done to the letter.
echo 1 >$container/memory.oom.group
worried group
$(remedy 'group: buildkitd' | quoted 1) >$work/protect.log 2>&1 || fail "doctor's command does not work: $(cat $work/protect.log)"
content --only group
expect "the container's flag" "$(cat $container/memory.oom.group)" 0
pass
