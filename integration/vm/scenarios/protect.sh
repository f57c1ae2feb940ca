# oomshim protect: starts buildkitd immune when its steps go through oomshim-runc, and says what is missing when they do not.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null

# Strict, in front of a worker that would hand -1000 to its steps: refused, with the line to add.
buildkitd_toml /opt/tools/bin/runc
oomshim protect --strict -- buildkitd --config $work/buildkitd.toml >$work/refused.log 2>&1 && fail "protect --strict started a buildkitd whose steps would be immune"
pidof buildkitd >/dev/null && fail "buildkitd runs though protect refused"
expect_text "the refusal" $work/refused.log 'worker\.oci'
expect_text "the refusal" $work/refused.log 'oomshim-runc'

# Not strict: a warning, and it starts.
oomshim protect -- buildkitd --config $work/buildkitd.toml --version >$work/warned.log 2>&1 ||
    fail "protect did not start the command: $(cat $work/warned.log)"
expect_text "the warning" $work/warned.log 'worker\.oci'
expect_text "buildkitd, started all the same" $work/warned.log '^buildkitd github.com/moby/buildkit'

# With the shim in place.
buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd oomshim protect --strict --
expect "buildkitd's score" "$(score "$buildkitd")" -1000
build modest "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/modest.log)"
expect_build modest 500
build greedy "$greedy" && fail "a greedy build passed"
expect_death greedy
expect "group kills" "$(group_kills)" 1
pass
