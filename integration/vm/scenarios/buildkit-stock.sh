# Before: a stock buildkitd that was made immune hands its immunity to the step, and a greedy step takes the machine down.
. /opt/oomshim/guest/lib.sh

buildkitd_toml /opt/tools/bin/runc
start_buildkitd immune

build inherits "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/inherits.log)"
expect "the step's score" "$(cat $work/inherits/result)" -1000

expect_panic 'System is deadlocked on memory'
build greedy "$greedy" || true
fail "the machine outlived a greedy step that inherited -1000 (kernel kills: $(kills), buildkitd lives: $(alive "$buildkitd" && echo yes || echo no))"
