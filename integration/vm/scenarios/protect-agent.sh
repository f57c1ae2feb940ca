# A build agent that is protected and starts buildkitd itself: buildkitd inherits the immunity, its steps do not.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
cat >$work/agent <<'END'
#!/bin/busybox sh
# An agent: starts the daemon that it was given, and waits for it.
"$@" &
wait
END
chmod +x $work/agent
start_buildkitd oomshim protect -- $work/agent
agent=$(awk '$1 == "PPid:" { print $2 }' "/proc/$buildkitd/status")
expect "the agent's score" "$(score "$agent")" -1000
expect "buildkitd's score" "$(score "$buildkitd")" -1000
build modest "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/modest.log)"
expect_build modest 500
build greedy "$greedy" && fail "a greedy build passed"
expect_death greedy
alive "$agent" || fail "the agent died"
pass
