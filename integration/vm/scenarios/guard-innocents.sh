# oomshim guard: in random mixes of steady, caching, bursting and growing jobs it kills the one that grows, and nobody else.
. /opt/oomshim/guest/lib.sh

mixes=$(sed -n 's/.*oomshim.mixes=\([0-9]*\).*/\1/p' /proc/cmdline)
mixes=${mixes:-5}
seed=$(sed -n 's/.*oomshim.seed=\([0-9]*\).*/\1/p' /proc/cmdline)
seed=${seed:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
note "seed $seed (VM_APPEND=oomshim.seed=$seed repeats it)"
state=$seed
# random N: a number below N, in $random. No subshell, which would forget the state.
random() {
    state=$(((state * 1103515245 + 12345) % 2147483648))
    random=$(((state / 65536) % $1))
}
write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
kills_per_minute = 60
EOF
dd if=/dev/zero of=/file bs=1M count=300 2>/dev/null
start_guard
right=0
for mix in $(seq $mixes); do
    random 3
    innocents=$((random + 2))
    told=
    for number in $(seq $innocents); do
        random 3
        kind=$random
        random 60
        size=$((random + 40))
        case $kind in
        0) told="$told steady-$size" && in_job innocent$number "hog $size" ;;
        1) told="$told caching" && in_job innocent$number 'while :; do cat /file >/dev/null; done' ;;
        2) told="$told bursting-$size" && in_job innocent$number "while :; do hog $size & sleep 2; kill \$!; wait; sleep 1; done" ;;
        esac
    done
    random 4
    sleep $random
    random 4
    pace=$(awk "BEGIN { print 0.1 + $random * 0.1 }")
    in_job grower "while :; do hog 20 & sleep $pace; done"
    wait_for 90 has_record killed || fail "mix $mix ($told): nobody was killed: $(oomshim guard status | tr '\n' ' ')"
    victim=$(record cgroup)
    note "mix $mix:$told, growing 20 MiB each $pace s: $victim died, $(record message)"
    [ "$victim" = /jobs/grower ] && right=$((right + 1))
    for job in $cgroups/jobs/*/; do
        [ "$(cat ${job}cgroup.events | head -n 1)" = 'populated 0' ] && [ "$(basename $job)" != grower ] && [ "/jobs/$(basename $job)" != "$victim" ] &&
            fail "mix $mix: $job died as well: $(show_kills)"
        echo 1 >${job}cgroup.kill
    done
    for job in $cgroups/jobs/*/; do
        wait_for 20 sh -c "grep -q 'populated 0' ${job}cgroup.events" || fail "$job does not end"
        rmdir $job
    done
    has_record killed && fail "mix $mix: somebody else was killed too: $(record message)"
done
kernel_log | grep -q 'constraint=CONSTRAINT_NONE' && fail "the kernel killed: $(show_kills)"
table "$right of $mixes mixes: the one that grows died (seed $seed)"
[ $((right * 100)) -ge $((mixes * 99)) ] || fail "only $right of $mixes"
pass
