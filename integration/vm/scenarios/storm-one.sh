# The storm with oomshim, one build after another: everything modest passes, everything greedy dies, the daemon lives.
# No spare process: it counts who dies beside the greedy ones.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/storm.sh

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
storm "oomshim-runc, buildkitd at -1000" 1 immune
expect_calm
pass
