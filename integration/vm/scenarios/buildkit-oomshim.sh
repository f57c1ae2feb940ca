# After: the same immune buildkitd, with oomshim-runc as the worker's binary. The greedy step dies whole, the daemon reports it and goes on.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd immune

build modest "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/modest.log)"
expect_build modest 500

build greedy "$greedy" && fail "a greedy build passed"
expect_death greedy
killed hog || fail "the kernel killed something else: $(show_kills)"
expect "group kills by the kernel" "$(group_kills)" 1
expect "oom_group_kill of /buildkit" "$(event buildkit oom_group_kill)" 1

build next "$modest" || fail "buildkitd does not build after the kill: $(tail -n 3 $work/next.log)"
pass "the same daemon ($buildkitd) built the next thing"
