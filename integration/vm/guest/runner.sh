# Runs scenarios inside the VM and says on the second serial port how each ended. Sourced by main.
#
# The lines: BEGIN NAME · NOTE NAME TEXT · TABLE NAME TEXT · FILE NAME FILE BASE64 (the last without text) ·
# PANIC NAME REGEX (a panic is what this scenario wants) ·
# PASS NAME SECONDS TEXT · FAIL NAME SECONDS WHY · DONE.

report() { echo "$*" >/dev/ttyS1; }

uptime_ms() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }

run_all() {
    local entry first=yes
    for entry in $(echo "$1" | tr , ' '); do
        [ -n "$first" ] || clean_up
        first=
        run_one "${entry%%:*}" "${entry##*:}"
    done
    report DONE
}

# A scenario speaks through files, because it may be killed at any moment: /run/oomshim/verdict holds its last word.
run_one() {
    local name=$1 limit=$2 began status took verdict spare
    rm -rf /run/oomshim
    mkdir -p /run/oomshim
    report "BEGIN $name"
    dmesg -c >/dev/null
    echo "oomshim-vm: scenario $name" >/dev/kmsg
    spare=$(start_spare "$name")
    began=$(uptime_ms)
    SCENARIO=$name timeout -s KILL "$limit" sh -eu "/opt/oomshim/scenarios/$name.sh" </dev/null
    status=$?
    took=$(awk -v ms=$(($(uptime_ms) - began)) 'BEGIN { printf "%.1f", ms / 1000 }')
    verdict=$(cat /run/oomshim/verdict 2>/dev/null)
    [ -z "$spare" ] || readlink "/proc/$spare/exe" >/dev/null || report "NOTE $name the kernel took one more victim, the spare process"
    # Before the verdict: the host may end the VM as soon as it has the last one.
    [ "${verdict%%[ :]*}" = PASS ] || show_state
    case $verdict in
    PASS*) report "PASS $name $took ${verdict#PASS}" ;;
    FAIL*) report "FAIL $name $took ${verdict#FAIL}" ;;
    *)
        case $status in
        137 | 143)
            if [ "${took%.*}" -ge "$limit" ]; then
                report "FAIL $name $took still running after $limit s"
            else
                report "FAIL $name $took its shell was killed: $(dmesg | grep 'Killed process' | tail -n 1 | cut -c 1-200)"
            fi
            ;;
        *) report "FAIL $name $took the script stopped with status $status, without a verdict" ;;
        esac
        ;;
    esac
}

# The kernel takes one more victim when somebody asks for memory while that of the first is on its way back
# (docs/limitations.md). Without this process it is a neighbour that a scenario looks at, or the scenario's own shell: seen twice in
# podman-hooks on a loaded host. Above the steps' 500, and far too small to come before a greedy one. It is not a child of the
# scenario, and lib.sh does not count it. Scenarios about who is the second victim say that they want none.
start_spare() {
    grep -q '^# No spare process' "/opt/oomshim/scenarios/$1.sh" && return
    ln -sf /usr/bin/hog /run/oomshim/spare
    sh -c 'echo 700 >/proc/self/oom_score_adj; exec /run/oomshim/spare 4' >/dev/null 2>&1 &
    echo $!
}

# What a person wants in the log when a scenario failed.
show_state() {
    echo "--- processes (pid, score, name)"
    for dir in /proc/[0-9]*; do
        [ -e "$dir/exe" ] && echo "${dir#/proc/} $(cat "$dir/oom_score_adj" 2>/dev/null) $(tr '\0' ' ' <"$dir/cmdline" 2>/dev/null)"
    done
    echo "--- memory"
    head -n 5 /proc/meminfo
    for log in /run/oomshim/*.log; do
        [ -e "$log" ] && echo "--- $log" && tail -n 60 "$log"
    done
}

# The next scenario finds the machine as the first did: no process but this one, no swap, no mount, no cgroup, no data.
clean_up() {
    local dir pid mount
    for pass in 1 2 3; do
        for dir in /proc/[0-9]*; do
            pid=${dir#/proc/}
            # Kernel threads have no executable. This is PID 1 in the boots where scenarios share a VM.
            [ "$pid" != 1 ] && readlink "$dir/exe" >/dev/null 2>&1 && kill -9 "$pid" 2>/dev/null
        done
        sleep 0.2
    done
    # A scenario that failed left its swap on, and the one behind it had more memory than it counts on.
    awk 'NR > 1 { print $1 }' /proc/swaps | while read -r swap; do
        swapoff "$swap"
    done
    [ ! -e /sys/block/zram0/reset ] || echo 1 >/sys/block/zram0/reset
    tac /proc/mounts | while read -r _ mount _; do
        case $mount in /run/* | /var/* | /tmp/* | /mnt/* | /etc/*) umount -l "$mount" 2>/dev/null ;; esac
    done
    rm -rf /run/* /tmp/* /etc/oomshim /etc/buildkit /etc/docker /etc/containers/oci /usr/share/containers/oci
    rm -rf /var/lib/buildkit /var/lib/containerd /var/lib/docker /var/lib/containers /root/.docker
    find /sys/fs/cgroup -mindepth 1 -depth -type d -exec rmdir {} \; 2>/dev/null
    echo 3 >/proc/sys/vm/drop_caches
}
