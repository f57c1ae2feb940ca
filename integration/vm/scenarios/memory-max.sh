# memory_max: a step that reaches its own limit dies by it; the machine is not short of memory and the build beside it does not notice.
. /opt/oomshim/guest/lib.sh

write_policy <<'END'
[class.build-step]
oom_score_adj = 500
oom_group = true
memory_max = "96MiB"
[default]
class = "build-step"
END
buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd immune

# The neighbour holds some memory of its own until it is told to go on.
build neighbour "ln -s hog /bin/neighbour; neighbour 16; $modest" &
builder=$!
wait_for 60 pidof neighbour || fail "the neighbour does not run: $(tail -n 3 $work/neighbour.log)"
build limited "cat /sys/fs/cgroup/memory.max" "$greedy" && fail "the greedy build passed"
expect_text "the step's memory.max" $work/limited.log '100663296'
expect_death limited
kernel_log | grep -q 'constraint=CONSTRAINT_MEMCG' || fail "it was not the step's own limit: $(show_kills)"
kernel_log | grep -q 'constraint=CONSTRAINT_NONE' && fail "the whole machine ran out of memory: $(show_kills)"
expect "oom_group_kill of /buildkit" "$(event buildkit oom_group_kill)" 1
kill -TERM "$(pidof neighbour)" || fail "the neighbour did not live through it"
wait $builder || fail "the neighbour failed: $(tail -n 3 $work/neighbour.log)"
expect_build neighbour 500
pass
