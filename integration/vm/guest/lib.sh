# What scenarios are written with: verdicts, evidence from the kernel, engines. Source it first.
#
# Everything a scenario claims is read from the kernel: /proc/PID/oom_score_adj, memory.events, the kernel log.

work=/run/oomshim
policy=/etc/oomshim/policy.toml
cgroups=/sys/fs/cgroup

# --- verdicts

note() {
    echo "[$(cut -d ' ' -f 1 /proc/uptime)] # $*"
    echo "NOTE $SCENARIO $*" >/dev/ttyS1
}

table() {
    echo "| $*"
    echo "TABLE $SCENARIO $*" >/dev/ttyS1
}

# give_file NAME PATH: the file comes out of the VM, as target/vm/files/SCENARIO/NAME
give_file() {
    # In lines that a terminal would take, each with what it belongs to.
    gzip -c "$2" | base64 -w 3000 | sed "s|^|FILE $SCENARIO $1 |" >/dev/ttyS1
    echo "FILE $SCENARIO $1" >/dev/ttyS1
}

# Ends the scenario from anywhere: $$ is the scenario's shell in a subshell too.
fail() {
    [ -e $work/verdict ] || echo "FAIL $*" >$work/verdict
    echo "FAILED: $*"
    kill -TERM $$
    exit 1
}

pass() {
    [ -e $work/verdict ] || echo "PASS $*" >$work/verdict
    exit 0
}

# expect WHAT ACTUAL WANTED
expect() {
    [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
    note "$1 is $2"
}

# expect_text WHAT FILE REGEX
expect_text() {
    grep -qE "$3" "$2" || fail "$1 does not say '$3': $(tail -n 3 "$2" | tr '\n' ' ' | cut -c 1-300)"
    note "$1 says: $(grep -oE "$3" "$2" | head -n 1)"
}

# From here on a kernel panic whose message matches is what the scenario is about.
expect_panic() { echo "PANIC $SCENARIO $1" >/dev/ttyS1; }

# wait_for SECONDS COMMAND...
wait_for() {
    local tries=$(($1 * 5))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.2
    done
}

# --- the kernel's evidence

score() { cat "/proc/$1/oom_score_adj"; }

alive() { [ -n "$1" ] && [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status"; }

# The kernel's log since the scenario began: the runner clears it before.
kernel_log() { dmesg; }

# kills: how many processes the kernel's OOM killer killed in this scenario, whatever the limit was; not the runner's spare one.
kills() { kernel_log | grep 'Killed process' | grep -vc '(spare)' || true; }

group_kills() { kernel_log | grep -c 'are going to be killed due to memory.oom.group set' || true; }

# killed NAME: whether the kernel killed a process of that name
killed() { kernel_log | grep -q "Killed process [0-9]* ($1)"; }

# event CGROUP KEY: a counter of memory.events. It is hierarchical, so a parent still tells of a child that is gone.
event() { awk -v key="$2" '$1 == key { print $2 }' "$cgroups/$1/memory.events"; }

show_kills() { kernel_log | grep -E 'Out of memory|oom-kill:|Memory cgroup out of memory|memory.oom.group' | cut -c 1-300; }

# --- policies

# The policy that most scenarios use: stdin adds to it.
write_policy() {
    mkdir -p "${policy%/*}"
    {
        echo "[runtime]"
        echo "path = \"${runtime:-/opt/tools/bin/runc}\""
        echo "[log]"
        echo "to = \"$work/oomshim.log\""
        cat
    } >$policy
}

# immune COMMAND...: the command with -1000, as a unit's OOMScoreAdjust does it.
immune() { with_score -1000 "$@"; }

with_score() { sh -c 'echo "$0" >/proc/self/oom_score_adj; exec "$@"' "$@"; }

. /opt/oomshim/guest/buildkit.sh
. /opt/oomshim/guest/engines.sh
. /opt/oomshim/guest/cri.sh
. /opt/oomshim/guest/doctor.sh
. /opt/oomshim/guest/guard.sh
