# oomshim guard --dry-run and jobs that nobody named: it says whom it would kill and kills nobody; after SIGHUP with a policy that names them it does.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
watch = ["/jobs/*"]
EOF
start_guard

oomshim guard --dry-run 2>$work/second.log && fail "a second guard started"
expect_text "the second guard" $work/second.log "another guard runs already: process $guard"

in_job observed "$growing"
wait_for 60 has_record would-kill || fail "nothing was recorded: $(oomshim guard status | tr '\n' ' ')"
note "it says: $(record message)"
wait_for 60 sh -c 'dmesg | grep -q "Killed process"' || fail "the kernel killed nobody: who did?"
echo 1 >$cgroups/jobs/observed/cgroup.kill
wait_for 20 dead observed

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
kill -HUP $guard
dmesg -c >/dev/null
in_job named "$growing"
expect_guard_kill named exhaustion
kill $guard
wait $guard
dmesg -c >/dev/null

start_guard --dry-run
in_job rehearsed "$growing"
wait_for 60 has_record would-kill || fail "nothing was recorded"
expect "the one that would die" "$(record cgroup)" /jobs/rehearsed
pass
