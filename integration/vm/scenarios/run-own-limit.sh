# oomshim run: a job at its own limit is killed as a group, its status is passed on, and the line and the report say why.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/run.sh

status=0
job --name own --memory-max 100MiB --swap-max 0 --report $work/own.json -- \
    sh -c 'cat /proc/self/cgroup; hog 300; echo survived' >$work/own.out 2>$work/own.err || status=$?
expect "the status" "$status" 137
expect_text "the job's cgroup" $work/own.out '^0::/oomshim/oomshim-run-own$'
grep -q survived $work/own.out && fail "the neighbour of the greedy process lived on"
expect_text "standard error" $work/own.err \
    'out of memory: this job reached its limit of 100M, and the kernel killed it as a group; peak (99|100)M; largest process hog \(PID [0-9]+\) with [0-9]+M'
expect "lines on standard error" "$(wc -l <$work/own.err)" 1
expect "the cause in the report" "$(field $work/own.json .out_of_memory.cause)" own-limit
expect "killed_as_a_group in the report" "$(field $work/own.json .out_of_memory.killed_as_a_group)" true
expect_nothing_left own

# What was born outside and moved would have been charged elsewhere: all of it is in the job's peak.
job --name well --report $work/well.json -- hog 64 --brood 2 || fail "a job that ends well failed"
peak=$(field $work/well.json .memory.peak)
[ "$peak" -ge $((60 << 20)) ] || fail "the peak of a job of 64 MiB is $peak"
expect "out_of_memory of a job that ended well" "$(field $work/well.json .out_of_memory)" null
expect_nothing_left well

# A parent that reaches its limit is told apart from the job's own.
mkdir $cgroups/ci
echo 120M >$cgroups/ci/memory.max
echo 0 >$cgroups/ci/memory.swap.max
status=0
job --parent /ci --name shared --report $work/shared.json -- hog 300 2>$work/shared.err || status=$?
expect "the status below a shared limit" "$status" 137
expect_text "standard error" $work/shared.err 'cgroup /ci reached its limit of 120M, which this job shares with others'
expect "the cause below a shared limit" "$(field $work/shared.json .out_of_memory.cause)" shared-limit
expect_nothing_left shared
pass
