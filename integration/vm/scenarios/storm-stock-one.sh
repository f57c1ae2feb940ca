# The same storm without oomshim, one build after another, the daemon as most people run it: what oomshim is measured against.
# No spare process: it counts who dies beside the greedy ones.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/storm.sh

buildkitd_toml /opt/tools/bin/runc
storm "stock runc, buildkitd at 0" 1 env
[ $((half_dead + deaths + hangs + should_pass - passed)) -gt 0 ] || fail "nothing went wrong without oomshim: the storm is too mild to compare with"
pass
