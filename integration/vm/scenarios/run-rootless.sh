# oomshim run by a user in a delegated cgroup: limits, tmpfs in a user namespace, and the truth about its death; without a delegated
# cgroup it is said what is missing, and --strict refuses.
. /opt/oomshim/guest/lib.sh
. /opt/oomshim/guest/run.sh

mkdir -p $cgroups/delegated/shell $cgroups/outside
echo +memory >$cgroups/delegated/cgroup.subtree_control
chown -R builder $cgroups/delegated
chmod 755 /opt/oomshim /opt/oomshim/bin
# in CGROUP SCRIPT: as the user, from that cgroup
in_cgroup() {
    sh -c 'echo 0 >"$0/cgroup.procs"; exec su builder -c "cd; $1"' "$cgroups/$1" "$2"
}

in_cgroup delegated/shell "oomshim run --name user -- sh -c 'cat /proc/self/cgroup; id -u; stat -fc %T /tmp; touch /tmp/x; ls /tmp'" \
    >$work/user.out 2>$work/user.err || fail "the user's job failed: $(cat $work/user.err)"
expect_text "the job's cgroup" $work/user.out '^0::/delegated/oomshim-run-user$'
expect_text "the user" $work/user.out '^1000$'
expect_text "its /tmp" $work/user.out '^tmpfs$'
expect "standard error" "$(cat $work/user.err)" ""

status=0
in_cgroup delegated/shell "oomshim run --name limit --memory-max 80MiB --swap-max 0 -- hog 300" 2>$work/limit.err || status=$?
expect "the status at the limit" "$status" 137
expect_text "standard error" $work/limit.err 'out of memory: this job reached its limit of 80M'
expect_nothing_left user
expect_nothing_left limit

status=0
in_cgroup outside "oomshim run --name none -- true" 2>$work/none.err || status=$?
expect "the status without a cgroup" "$status" 0
expect_text "standard error" $work/none.err 'no cgroup is delegated to this user'
status=0
in_cgroup outside "oomshim run --strict --name none -- true" 2>$work/none.err || status=$?
expect "the status of --strict without a cgroup" "$status" 125
status=0
in_cgroup outside "oomshim run --parent /outside --name none -- true" 2>$work/none.err || status=$?
expect "the status with somebody else's parent" "$status" 125
expect_text "standard error" $work/none.err 'cgroup /outside is not delegated to this user'
pass
