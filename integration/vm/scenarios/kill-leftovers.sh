# What a killed job leaves charged is found and named: a file of the host's tmpfs, a memfd and a deleted file that a process outside
# holds, a System V segment; its own tmpfs is gone.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/kill.sh

# leftover KIND: how many MiB of that kind were found
leftover() { awk -v kind="$1" '$1 == "leftover" && $2 == kind { print int($3 / 1048576) }' $work/kill.out | head -n 1; }

mkdir -p /mnt/shared
mount -t tmpfs shared /mnt/shared
start_job host 'head -c 50000000 /dev/zero >/mnt/shared/file; sleep 1000'
wait_for 60 uses host 47
kill_job host
[ "$(said shared)" -ge $((45 << 20)) ] || fail "only $(said shared) bytes stayed"
[ "$(leftover tmpfs)" -ge 45 ] || fail "only $(leftover tmpfs) MiB were found in the host's tmpfs"
rm /mnt/shared/file
umount /mnt/shared

mkdir $cgroups/jobs/memfd
rm -f $work/leave.out
leave memfd 40 $cgroups/jobs/memfd >$work/leave.out &
holder=$!
wait_for 60 grep -q ready $work/leave.out
kill_job memfd
expect "MiB in a memfd" "$(leftover memfd)" 40
expect_text "its holder" $work/kill.out "^leftover memfd [0-9]+ $holder "
kill $holder

mkdir $cgroups/jobs/deleted
rm -f $work/leave.out
leave file 30 $cgroups/jobs/deleted /dev/shm/left >$work/leave.out &
holder=$!
wait_for 60 grep -q ready $work/leave.out
kill_job deleted
expect "MiB in a deleted file" "$(leftover deleted-file)" 30
expect_text "its holder" $work/kill.out "^leftover deleted-file [0-9]+ $holder "
kill $holder

start_job segment 'exec leave sysv 35'
wait_for 60 uses segment 34
kill_job segment
expect "MiB in a segment" "$(leftover sysv-segment)" 35

mkdir -p /mnt/own
start_job own 'exec unshare -m sh -c "mount -t tmpfs own /mnt/own; head -c 50000000 /dev/zero >/mnt/own/file; sleep 1000"'
wait_for 60 uses own 45
kill_job own
[ "$(said shared)" -lt $((2 << 20)) ] || fail "the job's own tmpfs kept $(said shared) bytes"
# The segment of before is still there, and may be anybody's.
expect "leftovers of a job with its own tmpfs" "$(grep '^leftover' $work/kill.out | grep -vc 'sysv-segment' || true)" 0
pass
