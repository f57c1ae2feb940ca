# oomshim run is killed at random moments: the job and its cgroup go, orphans included, and a job that runs is left alone.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/run.sh

oomshim run --name live -- sleep 1000 &
live=$!
wait_for 20 test -d $cgroups/oomshim/oomshim-run-live || fail "the first job did not start"
for round in $(seq 25); do
    oomshim run --name "k$round" -- sh -c 'setsid sleep 987 & (sleep 987 &); sleep 987' >/dev/null 2>&1 &
    victim=$!
    usleep $((round * 12000))
    kill -9 $victim
    wait $victim || true
done
job --name last -- true 2>$work/last.err || fail "the next job failed: $(cat $work/last.err)"
for round in $(seq 25); do expect_nothing_left "k$round" >/dev/null; done
note "25 were killed; the next one had to remove $(grep -c 'removed the abandoned job' $work/last.err || true) of them"
expect "orphans" "$(grep -lsa '^sleep.987' /proc/[0-9]*/cmdline | wc -l)" 0
alive $live || fail "a live job was ended"
kill $live
wait $live || true
expect_nothing_left live
pass
