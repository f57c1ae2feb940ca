# rank against the kernel: random populations (sizes, scores, cgroups, group flags) run out of memory, in a cgroup or on the whole machine.
# The process that rank names first must be the one that the kernel kills first, with all that die with it; and report must tell why.
# No spare process: every process here is one that rank names.
. /opt/oomshim/guest/lib.sh

oomshim=/opt/oomshim/bin/oomshim
rounds=$(sed -n 's/.* oomshim.populations=\([0-9]*\).*/\1/p' /proc/cmdline)
seed=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
note "seed $seed"

# The next random number below $1, in $drawn: a subshell would draw the same one again and again.
draw() {
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    drawn=$((seed / 65536 % $1))
}

# populate FACTOR PLACE: the processes of a population, with their memory in them; the first of them in that place.
populate() {
    local place mib score
    hogs=
    draw 4
    for number in $(seq $((3 + drawn))); do
        draw 3; mib=$(($1 * 16 * (drawn + 1)))
        draw 3; place=$(echo a/c a/d b | cut -d ' ' -f $((drawn + 1)))
        [ "$number" != 1 ] || place=$2
        draw 9; score=$(echo 0 0 0 100 300 500 -200 -600 -1000 | cut -d ' ' -f $((drawn + 1)))
        # One at least may be killed, and is worse than the shells around it.
        [ "$number" != 1 ] || { draw 3; score=$((drawn * 200 + 100)); }
        sh -c 'echo $$ >"$0/cgroup.procs"; echo "$1" >/proc/self/oom_score_adj; exec hog "$2"' "$top/$place" $score $mib &
        hogs="$hogs $!"
        wait_for 30 has_memory $! $mib || fail "a hog of $mib MiB did not get its memory"
    done
}

has_memory() { awk -v want=$(($2 * 1024)) '$1 == "RssAnon:" { found = $2 >= want } END { exit !found }' "/proc/$1/status"; }

# What rank said: the victim, and all that die with it in ascending order.
named() { sed -n 's/.*"victim":{.*"pid":\([0-9]*\)},"warnings".*/\1/p' $work/rank.json; }

named_group() {
    local group
    group=$(sed -n 's/.*"victim":{"group":{[^}]*"dying":\[\([0-9,]*\)\].*/\1/p' $work/rank.json)
    echo "${group:-$(named)}" | tr , '\n' | sort -n | tr '\n' ' '
}

# Whether rank had called that process too close to the victim to tell which is first.
is_close() { case ",$(sed -n 's/.*"close":\[\([0-9,]*\)\].*/\1/p' $work/rank.json)," in *",$1,"*) ;; *) return 1 ;; esac; }

first_killed() { kernel_log | sed -n 's/.*Killed process \([0-9]*\) .*/\1/p' | head -n 1; }

all_killed() { kernel_log | sed -n 's/.*Killed process \([0-9]*\) .*/\1/p' | sort -nu | tr '\n' ' '; }

all_named_are_killed() {
    local pid
    for pid in $(named_group); do
        case " $(all_killed)" in *" $pid "*) ;; *) return 1 ;; esac
    done
}

was_killed() { [ "$(kills)" -gt 0 ]; }

# The last event that report has, a field of it.
told() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" $work/report.json; }

one_round() {
    local scope=$1 flags= trigger used limited
    top=/sys/fs/cgroup/rank
    mkdir -p $top/a/c $top/a/d $top/b $top/t
    for directory in $top $top/a; do echo +memory >$directory/cgroup.subtree_control; done
    for directory in $top $top/a $top/a/c $top/a/d $top/b; do
        draw 3
        [ "$drawn" != 0 ] || { echo 1 >$directory/memory.oom.group; flags="$flags ${directory#"$top"}/"; }
    done
    # The cgroup whose limit is hit: the victim's own, or one above it.
    case $scope in own) limited=b ;; *) limited= ;; esac
    case $scope in machine) populate 2 a/c ;; *) populate 1 b ;; esac
    dmesg -c >/dev/null
    # What asks for more than there is must not be picked itself.
    case $scope in
    machine)
        $oomshim rank --format json >$work/rank.json || fail "rank: $(cat $work/rank.json)"
        trigger=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) + 32 }' /proc/meminfo)
        ;;
    *)
        used=$(cat $top/$limited/memory.current)
        echo $((used + 4194304)) >$top/$limited/memory.max
        $oomshim rank --cgroup "/rank/$limited" --format json >$work/rank.json || fail "rank: $(cat $work/rank.json)"
        trigger=16
        ;;
    esac
    sh -c 'echo -1000 >/proc/self/oom_score_adj; echo $$ >"$0/cgroup.procs"; exec hog "$1"' "$top/${limited:-t}" "$trigger" &
    hogs="$hogs $!"
    wait_for 60 was_killed || fail "round $round ($scope): nothing was killed"
    sleep 0.5
    $oomshim report --format json | tail -n 1 >$work/report.json
    if [ "$(named)" = "$(first_killed)" ]; then first=right
    elif is_close "$(first_killed)"; then
        # The kernel's own counters lag, and rank said that it cannot tell these apart.
        first=close
    else
        first=wrong
        note "round $round, $scope: rank said $(named), the kernel killed $(first_killed); $(show_kills | tail -n 3)"
        note "$(cut -c 1-1500 $work/rank.json)"
    fi
    # How far the whole machine is from its end is not known to the megabyte, so there another may follow.
    group=right
    if [ "$first" != right ]; then group=$first
    elif [ "$scope" = machine ] && all_named_are_killed || [ "$(named_group)" = "$(all_killed)" ]; then :; else
        group=wrong
        note "round $round, $scope, flags$flags: rank said $(named_group), killed were $(all_killed)"
    fi
    echo "$scope $first $group $(told cause)" >>$work/rounds
    [ "$(told cause)" = "$(cause "$scope")" ] ||
        note "round $round, $scope: report said $(told cause), not $(cause "$scope"): $(cut -c 1-600 $work/report.json)"
    for hog in $hogs; do kill -KILL "$hog" 2>/dev/null || true; done
    wait
    for directory in $top/a/c $top/a/d $top/a $top/b $top/t $top; do wait_for 10 rmdir $directory || fail "$directory stays: $(cat $directory/cgroup.procs)"; done
    # Ten summaries in five seconds is what the kernel writes.
    sleep 0.3
}

# What report should say of a kill in that scope.
cause() { case $1 in own) echo own-limit ;; shared) echo shared-limit ;; machine) echo whole-machine ;; esac; }

# count SCOPE FIRST GROUP CAUSE: the rounds that came out so; `.*` for any.
count() { grep -Ecx "$1 $2 $3 $4" $work/rounds || true; }

for round in $(seq "$rounds"); do
    case $((round % 6)) in 0) scope=machine ;; 1 | 4) scope=own ;; *) scope=shared ;; esac
    one_round $scope
done
table "what ran out | populations | rank's first victim: right | too close, and said so | wrong | all that die: right | report: own-limit | shared-limit | whole-machine | another"
any="[a-z-]*"
for scope in own shared machine; do
    all=$(count $scope "$any" "$any" "$any") own=$(count $scope "$any" "$any" own-limit)
    shared=$(count $scope "$any" "$any" shared-limit) machine=$(count $scope "$any" "$any" whole-machine)
    victims="$(count $scope right "$any" "$any") | $(count $scope close "$any" "$any") | $(count $scope wrong "$any" "$any")"
    table "$(cause $scope) | $all | $victims | $(count $scope "$any" right "$any") | $own | $shared | $machine | $((all - own - shared - machine))"
done
expect "rounds" "$(count "$any" "$any" "$any" "$any")" "$rounds"
expect "first victims that rank named wrongly" "$(count "$any" wrong "$any" "$any")" 0
expect "groups that rank named wrongly" "$(count "$any" "$any" wrong "$any")" 0
expect "causes told rightly" "$(($(count own "$any" "$any" own-limit) + $(count shared "$any" "$any" shared-limit) + $(count machine "$any" "$any" whole-machine)))" "$rounds"
pass
