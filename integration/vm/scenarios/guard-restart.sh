# oomshim guard is killed at a bad moment: no job is left with a limit, and the next guard does the work.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
for round in 1 2 3; do
    start_guard
    in_job grower$round "$growing"
    wait_for 60 sh -c "oomshim guard status | grep -q '100 ms'" || fail "it was never armed"
    sleep 0.$((round * 3))
    kill -KILL $guard
    wait $guard || true
    start_guard
    wait_for 60 dead grower$round || fail "grower$round lives on: $(oomshim guard status | tr '\n' ' ')"
    for file in $cgroups/jobs/*/memory.max; do
        # The guard puts the limit back when it has seen the job's end, a moment after it.
        wait_for 10 grep -qx max $file || true
        expect "$file afterwards" "$(cat $file)" max
    done
    kill $guard
    wait $guard || true
done
pass
