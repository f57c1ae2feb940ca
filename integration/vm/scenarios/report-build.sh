# report after real kills of build steps: the whole machine's end and a step's own limit, each with its cause, its victims and no doubt.
. /opt/oomshim/guest/lib.sh

told() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" $work/report.json; }
# The last event with a hog in it: under emulation memory is freed so slowly that the kernel may kill another process after it.
last_event() { oomshim report --format json | grep '"name":"hog"' | tail -n 1 >$work/report.json; }

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd immune
build_limit=200 build machine "$careless" && fail "a greedy build passed"
alive "$buildkitd" || fail "buildkitd died with the step"
last_event
expect "the cause" "$(told cause)" whole-machine
expect "the confidence" "$(told confidence)" certain
expect_text "the group" $work/report.json '"group":"/buildkit/'
expect_text "the victims" $work/report.json '"name":"hog"'

write_policy <<'POLICY'
[class.build-step]
oom_score_adj = 500
oom_group = true
memory_max = "64MiB"
[default]
class = "build-step"
POLICY
build_limit=200 build limit "$greedy" && fail "a greedy build passed its limit"
alive "$buildkitd" || fail "buildkitd died with the step"
last_event
expect "the cause" "$(told cause)" own-limit
expect_text "the limit" $work/report.json '"limit":67108864'
oomshim report | tail -n 9 | while read -r line; do note "$line"; done

# What a program writes there is no kill.
echo '<3>Out of memory: Killed process 1 (forged) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB' >/dev/kmsg
oomshim report | grep -q forged && fail "report believed a program: $(oomshim report | grep forged)"
pass
