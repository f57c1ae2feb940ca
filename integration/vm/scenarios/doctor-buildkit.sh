# doctor on a machine with cgroup v2 and every right: it fails while an immune buildkitd starts its steps itself, says what to do
# about it, and passes once oomshim-runc starts them.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
check() { oomshim doctor "$@" >$work/doctor.txt 2>&1; }

buildkitd_toml /opt/tools/bin/runc
start_buildkitd immune
check && fail "doctor is content with a buildkitd that makes its steps immune: $(cat $work/doctor.txt)"
expect_text "doctor" $work/doctor.txt '^fail .*engines: buildkitd .*/opt/tools/bin/runc starts its build steps .* inherit its immunity'
expect_text "doctor" $work/doctor.txt '^ *-> set in /run/oomshim/buildkitd.toml:$'
expect_text "doctor" $work/doctor.txt '^ *binary = "/opt/oomshim/bin/oomshim-runc"$'
expect_text "doctor" $work/doctor.txt '^pass .*daemons: buildkitd .* has oom_score_adj -1000'
expect_text "doctor" $work/doctor.txt '^pass .*cgroup: cgroup v2'
expect_text "doctor" $work/doctor.txt '^pass .*capability: buildkitd .* has CAP_SYS_RESOURCE'
expect_text "doctor" $work/doctor.txt '^pass .*inherited:'

# A step that runs now is immune, and named. Its name is the shell's or the applet's, so its cgroup tells which it is.
step() { cat $cgroups/buildkit/*/cgroup.procs 2>/dev/null | tail -n 1 | grep .; }
(build long 'sleep 1000') &
wait_for 100 step || fail "the step did not start: $(tail -n 3 $work/long.log)"
expect "the score of a step of stock buildkitd" "$(score "$(step)")" -1000
check --only inherited && fail "doctor does not see the immune step: $(cat $work/doctor.txt)"
expect_text "doctor" $work/doctor.txt '^fail .*inherited: .* runs in a container and has oom_score_adj -1000'
kill -KILL "$(step)"
kill "$buildkitd"
wait_for 30 sh -c '! pidof buildkitd' || kill -KILL "$buildkitd"

buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd oomshim protect --strict --
check || fail "doctor is not content with a protected buildkitd: $(cat $work/doctor.txt)"
expect_text "doctor" $work/doctor.txt '^pass .*engines: buildkitd .*oomshim-runc starts its build steps'
echo 1 >/proc/sys/vm/panic_on_oom
check --only panic && fail "doctor is content with panic_on_oom"
echo 0 >/proc/sys/vm/panic_on_oom
pass
