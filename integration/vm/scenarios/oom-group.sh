# memory.oom.group: a step of several processes dies whole; with oom_group = false the old behaviour is back and a broken build passes.
. /opt/oomshim/guest/lib.sh

buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd immune

write_policy <<'END'
[class.build-step]
oom_score_adj = 500
oom_group = false
[default]
class = "build-step"
END
build alone "$careless" || fail "without oom_group the step should have gone on: $(tail -n 3 $work/alone.log)"
expect_build alone half-dead
expect "processes killed without oom_group" "$(kills)" 1
expect "group kills without oom_group" "$(group_kills)" 0

write_policy </dev/null
build whole "$careless" && fail "with oom_group the build passed, half dead: $(cat $work/whole/result)"
expect_death whole
expect "group kills with oom_group" "$(group_kills)" 1
expect "oom_group_kill of /buildkit" "$(event buildkit oom_group_kill)" 1
# The step's shell, which took nothing. It is the container's init, so that whatever else is in the step goes with it.
killed sh || fail "the greedy process's neighbour in the step was spared: $(show_kills)"
pass
