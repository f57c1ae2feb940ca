# oomshim-guard.service below systemd: it starts, kills, reloads, and is started again when it is killed and when it stands still.
. /opt/oomshim/guest/lib.sh

expect "PID 1" "$(cat /proc/1/comm)" systemd
mkdir -p /usr/local/bin
cp /opt/oomshim/bin/oomshim /usr/local/bin/
# The unit's ExecReload; every distribution has one.
[ -e /bin/kill ] || ln -s busybox /bin/kill
cp /opt/oomshim/guest/oomshim-guard.service /etc/systemd/system/
write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
systemd-analyze verify /etc/systemd/system/oomshim-guard.service >$work/verify.log 2>&1 || true
grep -E 'oomshim-guard.service:[0-9]+:' $work/verify.log && fail "systemd does not accept the unit: $(grep oomshim-guard $work/verify.log | tr '\n' ' ')"
systemctl daemon-reload
main() { systemctl show --property MainPID --value oomshim-guard.service; }
# Returns when the guard has said that it is ready.
systemctl start oomshim-guard.service || fail "it does not start: $(systemctl status oomshim-guard.service | tail -n 5 | tr '\n' ' ')"
guard=$(main)
expect "its state" "$(systemctl is-active oomshim-guard.service)" active
oomshim guard status >$work/status.txt || fail "it does not answer: $(cat $work/status.txt)"
expect "what it cannot do" "$(grep -c '^note:' $work/status.txt || true)" 0
expect "its score" "$(score $guard)" -1000
expect "its nice value" "$(awk '{ print $19 }' /proc/$guard/stat)" -15
expect "its own network" "$([ "$(readlink /proc/$guard/ns/net)" = "$(readlink /proc/1/ns/net)" ] && echo no || echo yes)" yes
note "its mount namespace is $([ "$(readlink /proc/$guard/ns/mnt)" = "$(readlink /proc/1/ns/mnt)" ] && echo the host\'s || echo its own); capabilities $(awk '/^CapEff/ { print $2 }' /proc/$guard/status)"

mkdir -p $cgroups/jobs
echo +memory >$cgroups/jobs/cgroup.subtree_control
in_job greedy "$growing"
expect_guard_kill greedy exhaustion

# Started again: killed, and standing still.
kill -KILL $guard
again() { [ "$(main)" != 0 ] && [ "$(main)" != $guard ] && oomshim guard status; }
wait_for 30 again || fail "it is not started again after SIGKILL: $(systemctl is-active oomshim-guard.service)"
guard=$(main)
kill -STOP $guard
wait_for 60 again || fail "its watchdog does not start it again"
guard=$(main)
note "the watchdog started it again"

echo 'nonsense = 1' >>$policy
systemctl reload oomshim-guard.service || fail "it cannot be reloaded"
sleep 1
expect "its process after a reload with a broken policy" "$(main)" "$guard"
dmesg -c >/dev/null
in_job after "$growing"
expect_guard_kill after exhaustion
systemctl stop oomshim-guard.service
expect "its state" "$(systemctl is-active oomshim-guard.service)" inactive
expect "how it ended" "$(systemctl show --property Result --value oomshim-guard.service)" success
pass
