# A builder in a pod, with the kubelet's memory.oom.group on its container: in each quality of service, at the container's limit and
# when the machine is out of memory, the daemon lives and the step is killed as a group.
. /opt/oomshim/guest/lib.sh

container=$cgroups/builders/pod/container
buildkitd_toml /opt/oomshim/bin/oomshim-runc
sed -i 's|^\[worker.oci\]|[worker.oci]\n  defaultCgroupParent = "/builders/pod/container"|' $work/buildkitd.toml

# in_container LIMIT LAUNCHER...: as the kubelet makes the cgroup of a container, with buildkitd in a leaf of it.
in_container() {
    mkdir -p $container/daemon
    for parent in $cgroups $cgroups/builders $cgroups/builders/pod $container; do echo +memory >$parent/cgroup.subtree_control; done
    echo "$1" >$container/memory.max
    echo 0 >$container/memory.swap.max 2>/dev/null || true
    echo 1 >$container/memory.oom.group
    shift
    # This is a shell of its own, in the background.
    sh -c 'echo $PPID >$0/daemon/cgroup.procs' $container
    "$@"
}

table "quality of service | the daemon has | memory is short in | the container's flag | the daemon | the step"
# row QOS LIMIT SCORE FLAG MEMORY_MAX LAUNCHER...: a greedy step below a daemon that ends up with SCORE.
row() {
    local qos=$1 limit=$2 score=$3 flag=$4 most=$5 place
    shift 5
    {
        echo '[class.build-step]'
        echo 'oom_score_adj = 500'
        echo 'oom_group = true'
        echo 'above_engine = 100'
        [ "$most" = - ] || echo "memory_max = \"$most\""
    } | write_policy
    dmesg -c >/dev/null
    start_buildkitd in_container "$limit" "$@"
    expect "$qos, $limit: buildkitd's score" "$(score "$buildkitd")" "$score"
    expect "$qos, $limit: the container's flag" "$(cat $container/memory.oom.group)" "$flag"
    build greedy "$greedy" && fail "$qos, $limit: a greedy build passed"
    expect_death greedy "$score"
    expect "$qos, $limit: group kills" "$(group_kills)" 1
    case $limit in
    max) place="the machine" ;;
    *) place="the container ($limit)" ;;
    esac
    [ "$most" = - ] || place="the step ($most)"
    table "$qos | $score | $place | $flag | lives | killed as a group"
    kill "$buildkitd"
    wait_for 30 sh -c '! pidof buildkitd' || fail "buildkitd does not stop"
}

for limit in 400M max; do
    row Guaranteed $limit -997 0 - with_score -997 oomshim protect --ungroup --score -997 --
    row Burstable $limit 938 0 - with_score 938 oomshim protect --ungroup --score 938 --
    # At 1000 a step cannot stand above its daemon: a privileged pod lowers it.
    row BestEffort $limit 800 0 - with_score 1000 oomshim protect --ungroup --score 800 --
    # The flag stays, and an immune process is left out of a group kill.
    row privileged $limit -1000 1 - with_score 938 oomshim protect --
done
# The step's own limit ends it before the container's is reached.
row Guaranteed 400M -997 1 100M with_score -997
pass
