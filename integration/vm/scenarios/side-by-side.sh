# Several builds at once, one of them greedy: it dies, the others finish with the right output.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
buildkitd_toml /opt/oomshim/bin/oomshim-runc
start_buildkitd immune

for number in 1 2 3; do
    # They own some memory when the machine runs out of it, and go on when they are told to.
    build modest$number "mkdir -p /out; ln -s hog /bin/neighbour; neighbour 20; echo output of \$BUILD >/out/result" &
    eval "builder$number=$!"
done
three_neighbours() { [ "$(pidof neighbour | wc -w)" -eq 3 ]; }
wait_for 60 three_neighbours || fail "the modest builds do not run side by side"
build greedy "$greedy" && fail "the greedy build passed"
expect_death greedy
three_neighbours || fail "a modest build lost its process: $(show_kills)"
kill -TERM $(pidof neighbour)
for number in 1 2 3; do
    eval "wait \$builder$number" || fail "modest build $number failed: $(tail -n 3 $work/modest$number.log)"
    expect_build modest$number "output of modest$number"
done
expect "group kills" "$(group_kills)" 1
pass
