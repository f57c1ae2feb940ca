# oomshim guard beside oomshim run: it kills the job that grows, run says that the guard did it; boxes of a killed run are removed.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/run.sh

write_policy </dev/null
start_guard
oomshim run --name steady -- hog 200 &
steady=$!
wait_for 30 test -d $cgroups/oomshim/oomshim-run-steady || fail "the steady job did not start"

status=0
job --name greedy --report $work/greedy.json -- sh -c "$growing" 2>$work/greedy.err || status=$?
expect "the status" "$status" 137
expect_engine_kill "run says: $(grep -o 'oomshim guard killed this job ([a-z-]*)' $work/greedy.err)"
expect "the victim" "$(record cgroup)" /oomshim/oomshim-run-greedy
expect_text "standard error" $work/greedy.err "out of memory: oomshim guard killed this job \($(record cause)\)"
expect "lines on standard error" "$(wc -l <$work/greedy.err)" 1
expect "the cause in the report" "$(field $work/greedy.json .out_of_memory.cause)" guard
expect "the guard's reason in the report" "$(field $work/greedy.json .out_of_memory.guard_reason)" "$(record cause)"
expect "the exit status in the report" "$(field $work/greedy.json .exit_status)" 137
expect_nothing_left greedy
alive $steady || fail "the steady job died"

# A run that is killed together with its janitor leaves its box and an orphan.
oomshim run --name lost -- sh -c 'setsid sleep 987 & sleep 986' &
lost=$!
box=$cgroups/oomshim/oomshim-run-lost
wait_for 30 test -d $box || fail "the job to be lost did not start"
wait_for 30 sh -c "[ \$(wc -l <$box/cgroup.procs) -ge 2 ]" || fail "the job to be lost has only $(wc -l <$box/cgroup.procs) processes"
for dir in /proc/[0-9]*; do
    [ "$(cat $dir/comm 2>/dev/null)" = oomshim-janitor ] && [ "$(awk '/^PPid/ { print $2 }' $dir/status)" = $lost ] && kill -9 ${dir#/proc/}
done
kill -9 $lost
wait $lost || true
[ -d $box ] || fail "nothing was left behind, so nothing is shown"
# It looks once a minute, and when it reads its policy.
kill -HUP $guard
wait_for 30 sh -c "! test -d $box" || fail "the guard left the box: $(cat $box/cgroup.procs)"
expect "orphans" "$(grep -lsa '^sleep.987' /proc/[0-9]*/cmdline | wc -l)" 0
alive $steady || fail "the guard ended a job that runs"
kill $steady
wait $steady || true
expect_nothing_left steady
pass
