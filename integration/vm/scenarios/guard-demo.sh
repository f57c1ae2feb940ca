# oomshim guard, shown: a job grows beside a steady one, the guard kills it, and report draws what led to it (make demo-guard).
. /opt/oomshim/guest/lib.sh

write_policy <<'END'
[guard]
kill = ["/jobs/*"]
END
start_guard
in_job steady 'hog 250'
sleep 8
in_job grower "$growing"
wait_for 60 dead grower || fail "the grower lives on: $(oomshim guard status | tr '\n' ' ')"
populated steady || fail "the steady job died"
drawn() { LC_ALL=C.UTF-8 oomshim report --picture always --svg $work/spike.svg >$work/report.txt 2>$work/report.err; }
wait_for 20 drawn || fail "report drew nothing: $(cat $work/report.err)"
kernel_log | grep -q 'constraint=CONSTRAINT_NONE' && fail "the kernel killed first: $(show_kills)"
expect_text "the report" $work/report.txt '/jobs/grower \(killed\)'
expect_text "the report" $work/report.txt '▲ killed|killed ▲'
expect_text "the report" $work/report.txt 'the job was dead after [0-9]+ ms; [0-9]+M came back'
expect_text "the figure" $work/spike.svg '/jobs/grower \(killed\)'
oomshim report --format json | grep -q '"guard":{.*"series":\[{' || fail "the numbers are not in the JSON"
oomshim guard status >$work/status.txt
expect_text "the status" $work/status.txt 'next    /jobs/steady'
give_file report.txt $work/report.txt
give_file spike.svg $work/spike.svg
give_file status.txt $work/status.txt
kill $guard
wait $guard || fail "the guard did not end well"
pass
