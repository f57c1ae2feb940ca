# The guard's kill: the whole job is dead, also a fork bomb, 1000 processes, one at -1000, nested cgroups and one that cannot end; the
# kernel counts a kill; limits are put back.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/kill.sh

start_job plain 'for i in 1 2 3; do hog 60 & done; wait'
wait_for 60 uses plain 170
kill_job plain
expect "processes left" "$(cat $cgroups/jobs/plain/cgroup.procs | wc -l)" 0
[ "$(said oom_counted)" != - ] || fail "the kernel counted no kill: $(cat $work/kill.out)"
[ "$(event jobs/plain oom_kill)" -ge 1 ] || fail "oom_kill of memory.events is $(event jobs/plain oom_kill)"
expect "memory.max afterwards" "$(cat $cgroups/jobs/plain/memory.max)" max
expect "memory.swap.max afterwards" "$(cat $cgroups/jobs/plain/memory.swap.max)" max
[ "$(said after)" -lt $((20 << 20)) ] || fail "$(said after) bytes are still charged"

start_job limited 'hog 60 & wait'
echo 300M >$cgroups/jobs/limited/memory.max
wait_for 60 uses limited 55
kill_job limited
expect "memory.max afterwards" "$(cat $cgroups/jobs/limited/memory.max)" $((300 << 20))

start_job silent 'hog 60 & wait'
wait_for 60 uses silent 55
kill_job silent 0
expect "kills that the kernel counted without a budget" "$(event jobs/silent oom_kill)" 0

start_job bomb 'bomb() { bomb & bomb; }; bomb' 600
wait_for 60 has bomb 500
kill_job bomb

start_job many 'i=0; while [ $i -lt 1000 ]; do sleep 1000 & i=$((i+1)); done; wait' 1200
wait_for 120 has many 1000
kill_job many

start_job immune 'hog 50 & (echo -1000 >/proc/self/oom_score_adj; exec hog 50) & wait'
wait_for 60 uses immune 90
kill_job immune

mkdir $cgroups/jobs/nested
echo +memory >$cgroups/jobs/nested/cgroup.subtree_control
for part in a b c; do
    mkdir $cgroups/jobs/nested/$part
    sh -c "echo 0 >$cgroups/jobs/nested/$part/cgroup.procs; hog 40 & sleep 1000 & wait" &
done
wait_for 60 uses nested 110
kill_job nested

# A process that waits for a frozen file system cannot end; its memory comes back all the same, and it is named.
modprobe loop 2>/dev/null || true
dd if=/dev/zero of=/run/disk bs=1M count=16 2>/dev/null
loop=$(losetup -f)
losetup $loop /run/disk
mkfs.ext2 $loop >/dev/null 2>&1 || mke2fs $loop >/dev/null
mkdir -p /mnt/frozen
mount -t ext4 $loop /mnt/frozen || mount -t ext2 $loop /mnt/frozen
start_job stuck 'hog 100 & exec leave stuck 100 /run/go /mnt/frozen/file'
wait_for 60 uses stuck 190
fsfreeze --freeze /mnt/frozen
echo x >/run/go
wait_for 30 is_stuck || { fsfreeze --unfreeze /mnt/frozen; fail "no process of the job waits for the file system"; }
/opt/oomshim/bin/kill-job $cgroups/jobs/stuck >$work/kill.out 2>&1 || { fsfreeze --unfreeze /mnt/frozen; fail "kill-job: $(cat $work/kill.out)"; }
used=$(cat $cgroups/jobs/stuck/memory.current)
fsfreeze --unfreeze /mnt/frozen
cat $work/kill.out
expect "whether the job is dead" "$(said dead)" false
expect_text "the survivor" $work/kill.out '^survivor [0-9]+ D '
[ "$(said released)" -ge 1 ] || fail "no memory was released: $(cat $work/kill.out)"
[ "$used" -lt $((20 << 20)) ] || fail "a job whose process cannot end still has $used bytes"
wait_for 20 empty stuck || fail "it did not even end when it could"
pass
