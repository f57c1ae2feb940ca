# A step cannot undo its score: not as root, not as another user. With CAP_SYS_RESOURCE it can, and that is documented.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
try='for score in 0 -1000 499; do echo $score >/proc/self/oom_score_adj && echo undone; done 2>/tmp/why; tail -n 1 /tmp/why; cat /proc/self/oom_score_adj'

# attempt NAME SED...: what the script says in a container whose config.json was changed by SED
attempt() {
    local name=$1
    shift
    bundle $work/$name
    sed -i -e 's|"sleep", "1000"|"sh", "/tmp/try"|' -e 's|"readonly": true|"readonly": false|' "$@" $work/$name/config.json
    with_score -1000 oomshim-runc run --bundle $work/$name $name
}
mkdir -p /opt/rootfs/tmp
echo "$try" >/opt/rootfs/tmp/try

attempt as-root >$work/as-root.log
expect "root in the container" "$(tail -n 1 $work/as-root.log)" 500
grep -q undone $work/as-root.log && fail "root undid its score"
expect_text "root's attempt" $work/as-root.log 'Permission denied'
rm -f /opt/rootfs/tmp/why

attempt as-user -e 's|"uid": 0|"uid": 1000|' >$work/as-user.log
expect "another user" "$(tail -n 1 $work/as-user.log)" 500
grep -q undone $work/as-user.log && fail "a user undid his score"
expect_text "the user's attempt" $work/as-user.log 'Permission denied'
rm -f /opt/rootfs/tmp/why

attempt with-capability -e 's|"CAP_KILL"|"CAP_KILL", "CAP_SYS_RESOURCE"|' >$work/with-capability.log
expect "root with CAP_SYS_RESOURCE" "$(tail -n 1 $work/with-capability.log)" 499
rm -f /opt/rootfs/tmp/why /opt/rootfs/tmp/try
pass "documented: a step that keeps CAP_SYS_RESOURCE can undo its score"
