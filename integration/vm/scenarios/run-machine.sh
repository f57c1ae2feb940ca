# oomshim run: the machine runs out of memory; the job is killed as a group, the daemon beside it lives, and the line says so.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/run.sh

sleep 1000 &
bystander=$!
status=0
job --name machine --no-tmpfs --report $work/machine.json -- sh -c 'sleep 1000 & hog 0' 2>$work/machine.err || status=$?
expect "the status" "$status" 137
expect_text "standard error" $work/machine.err \
    'out of memory: this machine ran out of memory, and the kernel killed it as a group; peak [0-9]+M; largest process hog'
expect "the cause in the report" "$(field $work/machine.json .out_of_memory.cause)" whole-machine
alive $bystander || fail "a process that took nothing was killed: $(show_kills)"
expect_nothing_left machine
pass
