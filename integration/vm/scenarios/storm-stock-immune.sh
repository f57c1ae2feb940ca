# The same storm without oomshim on a daemon that was made immune: the first greedy build takes the machine with it.
# No spare process: it counts who dies beside the greedy ones.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/storm.sh

buildkitd_toml /opt/tools/bin/runc
expect_panic 'System is deadlocked on memory'
storm "stock runc, buildkitd at -1000" 1 immune
fail "the machine outlived the storm"
