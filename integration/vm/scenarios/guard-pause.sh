# oomshim guard with on_pressure = ["pause", "kill"] and swap: of three jobs that collide all finish; what a guard that was killed had stopped goes on.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
on_pressure = ["pause", "kill"]
EOF
dd if=/dev/zero of=/swapfile bs=1M count=1100 2>/dev/null
chmod 600 /swapfile
mkswap /swapfile >/dev/null
swapon /swapfile || fail "no swap"
start_guard
frozen() { grep -qs 1 $cgroups/jobs/*/cgroup.freeze; }
# 500 MiB within 7.5 s, held for 3 s.
work_of='for i in $(seq 25); do hog 20 & sleep 0.3; done; sleep 3; for i in $(seq 25); do kill %$i; done; exit 0'
began=$(cut -d . -f 1 /proc/uptime)
pids=
for number in 1 2 3; do
    in_job equal$number "$work_of"
    pids="$pids $job"
    sleep 3
done
wait_for 30 frozen || fail "nobody was paused: $(oomshim guard status | tr '\n' ' ')"
finished=0
for pid in $pids; do wait $pid && finished=$((finished + 1)); done
table "$finished of 3 jobs finished within $(($(cut -d . -f 1 /proc/uptime) - began)) s, $(grep -c 'paused' $work/oomshim.log) pauses"
expect "jobs that finished" "$finished" 3
has_record killed && fail "somebody was killed: $(record message)"
expect "kills of the kernel" "$(kills)" 0
frozen && fail "a job is still stopped"

# Killed while a job is stopped.
in_job first "$work_of"
one=$job
sleep 3
in_job second "$work_of"
two=$job
wait_for 60 frozen || fail "nobody was paused"
kill -KILL $guard
wait $guard || true
start_guard
wait_for 20 grep -q "an earlier guard had paused" $work/oomshim.log || fail "the next guard lets nobody go on"
expect_text "the log" $work/oomshim.log 'an earlier guard had paused /jobs/(first|second): it goes on'
wait $one || note "the first was killed"
wait $two || note "the second was killed"
# Stopped in an orderly way while a job is stopped.
in_job third "$work_of"
sleep 3
in_job fourth "$work_of"
wait_for 60 frozen || fail "nobody was paused"
kill $guard
wait $guard || fail "the guard did not end well"
frozen && fail "the guard left a job stopped"
pass
