# Three equal jobs of 500 MiB on 950 MiB, 3 s apart: how many finish, and when, with the kernel alone, the guard, a pause, and run --wait-for-memory.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/run.sh

# 500 MiB within 7.5 s, held for 3 s.
work_of='for i in $(seq 25); do hog 20 & sleep 0.3; done; sleep 3; for i in $(seq 25); do kill %$i; done; exit 0'
echo "$work_of" >/work.sh

# three HOW: starts them 3 s apart, waits for all, and says how many finished and when.
three() {
    local name=$1 began first= pid finished=0 pids=
    shift
    began=$(cut -d . -f 1 /proc/uptime)
    for number in 1 2 3; do
        "$@" $number &
        pids="$pids $!"
        sleep 3
    done
    for pid in $pids; do
        if wait $pid; then finished=$((finished + 1)) && first="$first $(($(cut -d . -f 1 /proc/uptime) - began))"; fi
    done
    table "$name: $finished of 3 finished, after${first:- none} s; the kernel killed $(kernel_log | grep -c 'constraint=CONSTRAINT_NONE' || true) times; all over after $(($(cut -d . -f 1 /proc/uptime) - began)) s"
    dmesg -c >/dev/null
}
plain() {
    mkdir -p $cgroups/jobs/equal$1
    echo 1 >$cgroups/jobs/equal$1/memory.oom.group
    sh -c 'echo 0 >/sys/fs/cgroup/jobs/equal$0/cgroup.procs; echo 500 >/proc/self/oom_score_adj; exec sh /work.sh' $1 >/dev/null 2>&1
}
waiting() { oomshim run --name equal$1 --wait-for-memory 500MiB -- sh /work.sh >/dev/null 2>$work/waiting$1.log; }
boxed() { oomshim run --name equal$1 -- sh /work.sh >/dev/null 2>&1; }
mkdir -p $cgroups/jobs
echo +memory >$cgroups/jobs/cgroup.subtree_control
write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
swap() {
    dd if=/dev/zero of=/swapfile bs=1M count=1100 2>/dev/null
    chmod 600 /swapfile
    mkswap /swapfile >/dev/null
    swapon /swapfile || fail "no swap"
}
three "the kernel alone, no swap" plain
start_guard
three "the guard, no swap" plain
three "the guard and run, no swap" boxed
three "run --wait-for-memory, no swap" waiting
note "what they said: $(cat $work/waiting?.log | tr '\n' ' ')"
swap
three "the guard, 1.1 GiB of swap" plain
kill $guard
wait $guard || true
three "the kernel alone, 1.1 GiB of swap" plain
write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
on_pressure = ["pause", "kill"]
EOF
start_guard
three "the guard with pause, 1.1 GiB of swap" plain
pass
