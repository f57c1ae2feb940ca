# oomshim guard with 10 and with 1000 idle jobs: how much of a processor it takes.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
ulimit -n 65536
ticks() { awk '{ print $14 + $15 }' /proc/$guard/stat; }
# idle_jobs N: as many, each with one process that sleeps.
idle_jobs() {
    local number
    for number in $(seq $1); do
        mkdir -p $cgroups/jobs/idle$number
        sh -c 'echo 0 >/sys/fs/cgroup/jobs/$0/cgroup.procs; exec sleep 100000' idle$number &
    done
}
measure() {
    local before after
    wait_for 60 sh -c "oomshim guard status --format json | grep -q '\"cgroup\":\"/jobs/idle$1\"'" || fail "the guard does not know $1 jobs"
    sleep 5
    before=$(ticks)
    sleep ${2:-30}
    after=$(ticks)
    # Ticks are hundredths of a second.
    table "$1 idle jobs: $(awk "BEGIN { print ($after - $before) / ${2:-30} }") % of one processor; $(awk '/^Locked/ { print $2 }' /proc/$guard/smaps_rollup) kB locked"
}
start_guard
idle_jobs 10
measure 10
idle_jobs 1000
measure 1000
pass
