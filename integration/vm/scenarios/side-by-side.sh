# Several builds at once, one of them greedy: it dies, the others finish with the right output.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd immune

for number in 1 2 3; do
    # They are running, and own some memory, when the machine runs out of it.
    build modest$number "mkdir -p /out; hog 20 & sleep 15; kill %1; echo output of \$BUILD >/out/result" &
    eval "builder$number=$!"
done
wait_for 30 sh -c '[ $(pidof hog | wc -w) -ge 3 ]' || fail "the modest builds do not run side by side"
build greedy "$greedy" && fail "the greedy build passed"
expect_death greedy
for number in 1 2 3; do
    eval "wait \$builder$number" || fail "modest build $number failed: $(tail -n 3 $work/modest$number.log)"
    expect_build modest$number "output of modest$number"
done
expect "group kills" "$(group_kills)" 1
pass
