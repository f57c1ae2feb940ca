# oomshim guard: a job that grows dies before the kernel kills anybody; the larger steady job beside it lives. Slow, and at full speed.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
start_guard

in_job steady 'hog 350'
steady=$job
wait_for 30 sh -c "[ \$(cat $cgroups/jobs/steady/memory.current) -gt 350000000 ]" || fail "the steady job did not start"

in_job slow "$growing"
expect_guard_kill slow exhaustion
populated steady || fail "the steady job died"

in_job fast 'hog 0'
expect_guard_kill fast exhaustion
populated steady || fail "the steady job died for the fast one"

# An innocent burst: nothing happens.
in_job burst 'hog 150 & sleep 2; kill $!; sleep 1'
wait_for 20 dead burst || fail "the burst does not end"
oomshim guard status | grep -q ' 2 kills$' || fail "somebody died for nothing: $(oomshim guard status | head -n 1)"
note "lag: $(oomshim guard status --format json | grep -o '"longest_lag_ms":[0-9]*')"
kill $guard
wait $guard || fail "the guard did not end well"
pass
