# What scenarios of the guard's kill share. Sourced after lib.sh.

mkdir -p $cgroups/jobs
echo "+memory +pids" >$cgroups/jobs/cgroup.subtree_control

# start_job NAME SCRIPT [PIDS]: a shell in a cgroup of its own, killed as a group by the kernel, with at most that many processes.
start_job() {
    mkdir $cgroups/jobs/$1
    echo 1 >$cgroups/jobs/$1/memory.oom.group
    [ -z "${3-}" ] || echo "$3" >$cgroups/jobs/$1/pids.max
    sh -c 'echo 0 >"$0/cgroup.procs"; eval "$1"' $cgroups/jobs/$1 "$2" >/dev/null 2>&1 &
}

# uses NAME MIB: whether it has taken as much.
uses() { [ "$(cat $cgroups/jobs/$1/memory.current)" -ge $(($2 << 20)) ]; }

# has NAME N: whether it has as many processes.
has() { [ "$(cat $cgroups/jobs/$1/pids.current)" -ge $2 ]; }

empty() { grep -q '^populated 0' $cgroups/jobs/$1/cgroup.events; }

is_stuck() {
    for pid in $(cat $cgroups/jobs/stuck/cgroup.procs); do
        grep -q '^State:.D' /proc/$pid/status && return 0
    done
    return 1
}

# said KEY: what kill-job said of the last kill.
said() { awk -v key="$1" '$1 == key { print $2 }' $work/kill.out; }

# kill_job NAME [BUDGET]: kills it, and expects it dead, without a failure.
kill_job() {
    /opt/oomshim/bin/kill-job $cgroups/jobs/$1 ${2-} >$work/kill.out 2>&1 || fail "kill-job $1: $(cat $work/kill.out)"
    note "$1: counted $(said oom_counted), killed $(said killed), empty $(said empty) ms"
    expect "whether $1 is dead" "$(said dead)" true
    grep '^failure' $work/kill.out && fail "killing $1: $(grep '^failure' $work/kill.out | tr '\n' ' ')"
    expect "populated of $1" "$(event_of $1 populated)" 0
}

event_of() { awk -v key="$2" '$1 == key { print $2 }' $cgroups/jobs/$1/cgroup.events; }
