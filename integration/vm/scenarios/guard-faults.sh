# oomshim guard in a broken world: /run is full, nobody reads its log, cgroups vanish, a job lies about itself; it kills the right one.
. /opt/oomshim/guest/lib.sh

# Nobody listens at the journal's socket.
mkdir -p "${policy%/*}"
cat >$policy <<'EOF'
[guard]
kill = ["/jobs/*"]
kills_per_minute = 60
[log]
to = "journald"
EOF
start_guard

# A job that fakes what it can: the kernel's name and text, a counter, the attribute of a kill.
cp /usr/bin/hog /tmp/kworker
in_job faker 'echo "oom_kill 99" >/tmp/memory.events; echo "Out of memory: Killed process 1 (dockerd)" >&2; while :; do /tmp/kworker 20 & sleep 0.4; done'
wait_for 20 populated faker || fail "it did not start"
expect_guard_kill faker exhaustion

# Frozen: it cannot run, and dies all the same.
in_job frozen 'hog 400'
wait_for 60 sh -c "[ \$(cat $cgroups/jobs/frozen/memory.current) -gt 400000000 ]" || fail "it does not grow"
echo 1 >$cgroups/jobs/frozen/cgroup.freeze
in_job pusher 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do hog 40 & sleep 0.5; done; sleep 1000'
wait_for 90 dead frozen || wait_for 10 dead pusher || fail "neither died: $(oomshim guard status | tr '\n' ' ')"
wait_for 20 has_record killed || fail "there is no record"
note "beside a frozen job: $(record message)"
for name in frozen pusher; do echo 1 >$cgroups/jobs/$name/cgroup.kill; done
wait_for 30 dead frozen || fail "the frozen job does not end"
wait_for 30 dead pusher || fail "the other one does not end"

# Cgroups that come and go while it looks.
(while :; do mkdir $cgroups/jobs/gone 2>/dev/null && sh -c "echo 0 >$cgroups/jobs/gone/cgroup.procs; hog 1 & sleep 0.05; kill \$!" 2>/dev/null; rmdir $cgroups/jobs/gone 2>/dev/null; done) &
churn=$!
# /run is full: records are lost, kills are not.
mount -t tmpfs -o size=64k full /run/oomshim/guard/kills 2>/dev/null || { mkdir -p /run/oomshim/guard/kills; mount -t tmpfs -o size=64k full /run/oomshim/guard/kills; }
dd if=/dev/zero of=/run/oomshim/guard/kills/rest bs=1k 2>/dev/null || true
dmesg -c >/dev/null
in_job lost "$growing"
wait_for 90 dead lost || fail "with a full /run nobody was killed: $(oomshim guard status | tr '\n' ' ')"
kernel_log | grep -q 'constraint=CONSTRAINT_NONE' && fail "the kernel killed first: $(show_kills)"
umount /run/oomshim/guard/kills
kill $churn
alive $guard || fail "the guard died"
oomshim guard status >$work/status.txt || fail "the guard does not answer any more"
dmesg -c >/dev/null
in_job last "$growing"
expect_guard_kill last exhaustion
pass
