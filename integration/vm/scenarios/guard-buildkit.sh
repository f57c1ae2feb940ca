# oomshim guard kills a greedy step of buildkitd: the user reads why in the step's log, buildctl says out of memory, the daemon builds on.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd immune
start_guard
build modest "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/modest.log)"

build greedy "$growing" && fail "a greedy build passed"
wait_for 20 has_record killed || fail "the guard killed nobody: $(tail -n 5 $work/greedy.log | tr '\n' ' ')"
expect_text "the step's log" $work/greedy.log 'oomshim guard: killing this job: it holds'
expect_text "buildctl" $work/greedy.log "$(counted 'cannot allocate memory' 'exit code: 137')"
alive "$buildkitd" || fail "buildkitd died with the step"
expect_engine_kill "buildctl says $(grep -oE 'ResourceExhausted|exit code: 137' $work/greedy.log | head -n 1)"
build next "$modest" || fail "buildkitd does not build after the kill: $(tail -n 3 $work/next.log)"
pass
