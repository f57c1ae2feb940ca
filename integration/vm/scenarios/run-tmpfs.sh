# oomshim run: what a job writes to /tmp, /dev/shm and System V segments is its own memory, bounded by its limit, and free when it ends.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/run.sh

before=$(shmem)
job --name full --tmpfs /mnt:size=200MiB --report $work/full.json -- sh -c '
    head -c 100000000 /dev/zero >/tmp/a; head -c 50000000 /dev/zero >/dev/shm/b; head -c 50000000 /dev/zero >/mnt/c
    leave sysv 50 & sleep 2' || fail "the job failed: $?"
peak=$(field $work/full.json .memory.peak)
[ "$peak" -ge $((230 << 20)) ] || fail "250 MiB of tmpfs and segments were not charged to the job: $peak"
wait_for 10 shmem_is_back $before || fail "tmpfs of the job is still there: Shmem was $before kB, is $(shmem)"
note "Shmem was $before kB before, is $(shmem) kB after; the job's peak was $((peak >> 20)) MiB"
expect "files in the machine's /tmp" "$(ls /tmp /dev/shm | grep -c '^[abc]$')" 0
expect "segments on the machine" "$(tail -n +2 /proc/sysvipc/shm | wc -l)" 0
expect_nothing_left full

# A file in /tmp runs into the job's limit, not into the machine.
status=0
job --name fill --memory-max 100MiB --tmpfs /tmp:size=400MiB -- \
    sh -c 'head -c 300000000 /dev/zero >/tmp/a' 2>$work/fill.err || status=$?
[ $status -ne 0 ] || fail "300 MB went into a job of 100 MiB"
expect_text "standard error" $work/fill.err 'this job reached its limit of 100M'
wait_for 10 shmem_is_back $before || fail "tmpfs of the killed job is still there: $(shmem)"
expect_nothing_left fill
pass
