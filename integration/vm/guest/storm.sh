# The storm: many builds, a third of them greedy at random, and a count of what became of each. Sourced by the storm scenarios.
#
# A greedy build is one of three kinds, because real ones are:
#   hog     one process takes everything
#   brood   half as much again as the machine has, wanted by 60 processes at once, each of them smaller than the daemon
#   helper  a background process takes everything, and the step does not look at how it ended
# Every greedy program has a name of its own (hog-BUILD), so that each line of the kernel's log is one build's.

storm_builds=$(sed -n 's/.* oomshim.storm=\([0-9]*\).*/\1/p' /proc/cmdline)
storm_dir=$work/storm
storm_patience=300 # seconds after which a build counts as hung

# storm NAME AT-ONCE LAUNCHER...: runs it and prints its row of the table.
storm() {
    storm_name=$1 at_once=$2
    shift 2
    mkdir -p $storm_dir
    echo 0 >/proc/sys/vm/oom_dump_tasks
    echo on >/proc/sys/kernel/printk_devkmsg
    # Programs that the kernel cannot evict: otherwise a short time without memory is a long time of reading them from disk again
    # and, under emulation, of translating them again.
    mkdir -p $work/bin
    mount -t tmpfs bin $work/bin
    cp /opt/tools/bin/runc /opt/tools/bin/buildkitd /opt/tools/bin/buildctl $work/bin
    mount --bind $work/bin /opt/tools/bin
    kinds >$storm_dir/kinds
    start_buildkitd "$@"
    storm_began=$(cut -d ' ' -f 1 /proc/uptime)
    for lane in $(seq "$at_once"); do
        lane "$lane" "$at_once" &
        echo $! >>$storm_dir/lanes
    done
    supervise "$@"
    storm_row
}

# The same kinds on every run: a storm that failed can be had again.
kinds() {
    awk -v builds="$storm_builds" 'BEGIN {
        seed = 29
        for (build = 1; build <= builds; build++) {
            seed = (seed * 1103515245 + 12345) % 2147483648
            dice = int(seed / 65536) % 9
            print build, dice == 0 ? "hog" : dice == 1 ? "brood" : dice == 2 ? "helper" : "modest"
        }
    }'
}

# The builds of one lane, one after another.
lane() {
    while read -r number kind; do
        [ $((number % $2)) -eq $(($1 % $2)) ] || continue
        # A daemon that is being restarted is given time.
        wait_for 60 test -S $work/buildkitd.sock || true
        program="ln -s hog /bin/hog-$number"
        case $kind in
        modest) step="hog 16 & sleep 1; kill %1; echo done: \$BUILD" ;;
        hog) step="$program; hog-$number 0; echo done: \$BUILD" ;;
        brood) step="$program; hog-$number 1400 --brood 60; echo done: \$BUILD" ;;
        helper) step="$program; hog-$number 0 & wait %1; echo done: \$BUILD" ;;
        esac
        build_status=0
        build_began=$(cut -d . -f 1 /proc/uptime)
        build_limit=$storm_patience build_only storm$number "$step" || build_status=$?
        case $build_status in
        0) outcome=passed; grep -q "^#[0-9]* [0-9.]* done: storm$number$" $work/storm$number.log || outcome=wrong ;;
        # KILL, of timeout or of the kernel, which has no better candidate than a client when it asks again before the memory of a
        # dying step is free.
        137) outcome=client; [ $(($(cut -d . -f 1 /proc/uptime) - build_began)) -lt $storm_patience ] || outcome=hung ;;
        *) outcome=failed ;;
        esac
        # The end is written into the kernel's log: its clock and /proc/uptime are seconds apart in an emulated machine.
        echo "storm: build $number ended" >/dev/kmsg
        echo "$number $kind $outcome" >>$storm_dir/outcomes
        note "build $number, $kind: $outcome"
        rm -rf $work/storm$number.log $work/files/storm$number
    done <$storm_dir/kinds
}

# Until every lane has ended: starts the daemon again when it dies, as a unit with Restart=always does, and counts that. It does not
# wait for it to answer: a daemon may be killed again before it does.
supervise() {
    while true; do
        if ! pidof buildkitd >/dev/null; then
            date >>$storm_dir/deaths
            note "buildkitd is dead: starting it again"
            rm -f $work/buildkitd.sock
            launch_buildkitd "$@"
            sleep 1
        fi
        busy=
        for lane in $(cat $storm_dir/lanes); do alive "$lane" && busy=yes; done
        [ -n "$busy" ] || break
        sleep 0.5
    done
}

# count FILE KIND OUTCOME: lines `NUMBER KIND OUTCOME`
count() { awk -v kind="$2" -v outcome="$3" '$2 ~ "^(" kind ")$" && $3 ~ "^(" outcome ")$" { n++ } END { print n + 0 }' "$1"; }

storm_row() {
    kernel_log >$storm_dir/kernel
    # A greedy build that did not pass and in which the kernel killed something died as it should; with the seconds from the first kill
    # in it to buildctl's report, or to the client's own end.
    awk 'function told() { time = $0; sub(/^\[ */, "", time); sub(/\].*/, "", time); return time }
        FNR == NR && /Killed process [0-9]+ \(hog-[0-9]+\)/ {
            name = $0; sub(/.*\(hog-/, "", name); sub(/\).*/, "", name)
            if (!(name in first)) first[name] = told() }
        FNR == NR && match($0, /storm: build [0-9]+ ended$/) { name = $0; sub(/ ended$/, "", name); sub(/.* /, "", name); ended[name] = told() }
        FNR < NR && $3 ~ /^(failed|client)$/ && ($1 in first) { printf "%s %s died %.1f %s\n", $1, $2, ended[$1] - first[$1], $3 }' \
        $storm_dir/kernel $storm_dir/outcomes >$storm_dir/died
    awk '$5 == "failed" { print $4 }' $storm_dir/died | sort -n >$storm_dir/delays
    median=$(awk '{ delay[NR] = $1 } END { if (NR) print delay[int((NR + 1) / 2)]; else print "-" }' $storm_dir/delays)
    longest=$(tail -n 1 $storm_dir/delays)
    greedy='hog|brood|helper'
    should_pass=$(awk '$2 == "modest"' $storm_dir/kinds | wc -l) passed=$(count $storm_dir/outcomes modest passed)
    should_die=$(awk '$2 != "modest"' $storm_dir/kinds | wc -l) died=$(count $storm_dir/died "$greedy" died)
    half_dead=$(count $storm_dir/outcomes "$greedy" 'passed|wrong') hangs=$(count $storm_dir/outcomes '.*' hung)
    clients=$(count $storm_dir/outcomes '.*' client)
    deaths=$(wc -l 2>/dev/null <$storm_dir/deaths || echo 0)
    took=$(awk -v began="$storm_began" '{ printf "%d", $1 - began }' /proc/uptime)
    table "$storm_name | $at_once | $passed of $should_pass | $died of $should_die | $half_dead | $deaths | $clients | $hangs | $(kills) | ${median} s | ${longest:--} s | $took s"
}

# What the storm must show when oomshim is in place.
expect_calm() {
    expect "modest builds that passed" "$passed" "$should_pass"
    expect "greedy builds that died" "$died" "$should_die"
    expect "broken builds that passed" "$half_dead" 0
    expect "daemon deaths" "$deaths" 0
    expect "hangs" "$hangs" 0
    [ "$should_die" -gt 0 ] || fail "no build was greedy: the storm proves nothing"
}
