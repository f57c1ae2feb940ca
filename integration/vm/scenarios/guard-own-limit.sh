# oomshim guard: a job in a livelock at its own limit, which the kernel never kills, is killed; the machine has memory, nobody else dies.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
dd if=/dev/zero of=/hot bs=1M count=120 2>/dev/null
sync
# What is in the cache already is charged to who read it first.
echo 3 >/proc/sys/vm/drop_caches
start_guard
in_job beside 'hog 100'
mkdir -p $cgroups/jobs/stuck
echo 200M >$cgroups/jobs/stuck/memory.max
in_job stuck 'hog 185 & sleep 5; leave hot 120 /hot & leave hot 120 /hot & wait'
wait_for 20 populated stuck || fail "it did not start"
wait_for 120 dead stuck || fail "it lives on: $(cat $cgroups/jobs/stuck/memory.pressure $cgroups/jobs/stuck/memory.events | tr '\n' ' ')"
if ! has_record killed; then
    wait_for 10 has_record killed || fail "it died, and not by the guard: $(show_kills)"
fi
expect "the cause" "$(record cause)" own-limit
expect "the victim" "$(record cgroup)" /jobs/stuck
expect "kills of the kernel before the guard's" "$(kernel_log | grep -c 'invoked oom-killer' || true)" "$(kernel_log | grep -c 'guard-limit invoked oom-killer' || true)"
table "own limit: $(steps)"
populated beside || fail "the job beside it died"
pass
