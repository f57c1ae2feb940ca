# oomshim guard for scenarios, with jobs that are plain cgroups below /jobs. Sourced by lib.sh.

# start_guard ARGUMENT...: the guard in a cgroup of its own, and waits until it answers.
start_guard() {
    mkdir -p $cgroups/guard $cgroups/jobs
    echo +memory >$cgroups/jobs/cgroup.subtree_control
    sh -c 'echo 0 >/sys/fs/cgroup/guard/cgroup.procs; exec env MALLOC_ARENA_MAX=1 oomshim guard "$@"' guard "$@" >>$work/guard.log 2>&1 &
    guard=$!
    wait_for 30 oomshim guard status || fail "the guard does not answer: $(tail -n 3 $work/guard.log)"
    note "guard ($(awk '/^Locked/ { print $2 }' /proc/$guard/smaps_rollup) of $(awk '/VmLck/ { print $2 }' /proc/$guard/status) kB locked) runs with $(score $guard)"
}

# in_job NAME COMMAND: a shell command in a new cgroup below /jobs, in the background; its process is $job.
in_job() {
    mkdir -p $cgroups/jobs/$1
    sh -c 'echo 0 >/sys/fs/cgroup/jobs/$0/cgroup.procs; echo 500 >/proc/self/oom_score_adj; eval "$1"' "$1" "$2" &
    job=$!
}

# Takes 20 MiB more every 0.4 s.
growing='while :; do hog 20 & sleep 0.4; done'

# expect_engine_kill TEXT: the newest record is of a job of a container that was killed for the machine's memory; TEXT goes into its row.
expect_engine_kill() {
    [ -s $work/guard.records ] && [ "$(record deed)" = killed ] || wait_for 20 has_record killed || fail "there is no record of the kill: $(tail -n 3 $work/guard.log)"
    kernel_log | grep -q 'constraint=CONSTRAINT_NONE' && fail "the kernel killed first: $(show_kills)"
    expect "the victim's class" "$(record class)" build-step
    table "$1; $(steps)"
}

# counted YES NO: the pattern YES where the kernel counted a kill before cgroup.kill; otherwise it may have counted one later, or none.
counted() { [ "$(record oom_counted_ms)" = null ] && echo "($1|$2)" || echo "$1"; }

# steps: how long the steps of the newest kill took.
steps() {
    echo "sample read in $(record sampled_us) us, order after $(record decided_us) us; from the order: log $(record told_ms), kernel counted $(record oom_counted_ms), cgroup.kill $(record killed_ms), empty $(record empty_ms), settled $(record settled_ms) ms"
}

populated() { grep -q 'populated 1' $cgroups/jobs/$1/cgroup.events; }
dead() { ! populated "$1"; }

# record KEY: a number of the newest record
record() { tail -n 1 $work/guard.records | grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d : -f 2 | tr -d '"'; }

# has_record DEED: whether the guard has written one; the newest is then what `record` reads.
has_record() {
    local file newest=
    for file in /run/oomshim/guard/kills/*.json; do
        [ -e "$file" ] && { [ -z "$newest" ] || [ "$file" -nt "$newest" ]; } && newest=$file
    done
    [ -n "$newest" ] && grep -q "\"deed\":\"$1\"" "$newest" || return 1
    # The guard writes a record once more when the seconds after the kill are over.
    if grep -qsF "$(grep -o '"monotonic_us":[0-9]*' "$newest" | head -n 1)," $work/guard.records; then
        rm -f "$newest"
        return 1
    fi
    { cat "$newest" && echo; } >>$work/guard.records
    # Each record is looked at once.
    rm -f /run/oomshim/guard/kills/*.json
}

# expect_guard_kill NAME CAUSE...: the guard killed that whole job for one of these causes, and the kernel nobody on its own.
expect_guard_kill() {
    local name=$1 cause
    shift
    # It has only just been started, and may be dead already.
    wait_for 5 populated "$name" || true
    wait_for 60 dead "$name" || fail "$name lives on: $(oomshim guard status | tr '\n' ' ')"
    wait_for 20 has_record killed || fail "there is no record of the kill: $(tail -n 3 $work/guard.log)"
    cause=$(record cause)
    case " $* " in
    *" $cause "*) note "$name was killed: $(record message)" ;;
    *) fail "$name was killed because of $cause, not $*" ;;
    esac
    expect "the victim" "$(record cgroup)" /jobs/$name
    # The guard's own kill looks like the kernel's on purpose; a kill for the whole machine would not be ours.
    kernel_log | grep -q 'constraint=CONSTRAINT_NONE' && fail "the kernel killed first: $(show_kills)"
    table "$name: $cause, MemAvailable $(($(record memory_available) >> 20)) MiB; $(steps)"
}
