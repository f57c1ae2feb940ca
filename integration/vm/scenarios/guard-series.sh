# Records series with the guard's own recorder, for testdata/series: which ones, oomshim.series= on the kernel's command line says (VM_APPEND).
. /opt/oomshim/guest/lib.sh

write_policy <<'END'
[guard]
watch = ["/jobs/*"]
END

# A file of that many MiB that is on the disk and not in memory.
file_of() {
    [ -e /data$1 ] || dd if=/dev/urandom of=/data$1 bs=1M count=$1 2>/dev/null
    sync
    echo 3 >/proc/sys/vm/drop_caches
}

swap_of() {
    dd if=/dev/zero of=/swapfile bs=1M count=$1 2>/dev/null
    chmod 600 /swapfile
    mkswap /swapfile >/dev/null
    swapon /swapfile || fail "no swap"
}

limit() { mkdir -p $cgroups/jobs/$1 && echo $2 >$cgroups/jobs/$1/memory.max; }

# grow MIB SECONDS: so many MiB more every so many seconds
grow() { echo "while :; do hog $1 & sleep $2; done"; }

# A burst of a compiler or a linker that ends well: MIB, for SECONDS.
burst='burst() { hog $1 & local it=$!; sleep $2; kill $it; wait $it 2>/dev/null; }'

# One source file: is read, takes some memory for a while, writes its object.
compile="$burst"'; compile() { burst $1 0.$2; dd if=/data200 of=/tmp/object$3 bs=1M count=3 skip=$3 2>/dev/null; }'

# Each recipe starts its jobs and says how long they are watched at most.
steady() { in_job steady "hog $1"; sleep 4; }
recipe() {
    seconds=60
    case $1 in
    grow-10) steady 350; in_job grower "$(grow 5 0.5)" ;;
    grow-25) steady 300; in_job grower "$(grow 10 0.4)" ;;
    grow-100) steady 250; in_job grower "$(grow 20 0.2)" ;;
    grow-max) steady 200; in_job grower 'hog 0' ;;
    grow-late) in_job late "hog 150 & sleep 15; hog 0" ;;
    grow-two) in_job fast "$(grow 12 0.4)"; in_job slow "$(grow 4 0.4)" ;;
    grow-three) in_job a 'hog 500'; sleep 3; in_job b 'hog 500'; sleep 3; in_job c 'hog 500' ;;
    grow-brood) steady 200; in_job brood 'sleep 3; hog 900 --brood 24' ;;
    grow-stairs) steady 150; in_job stairs 'while :; do hog 90 & sleep 3; done' ;;
    grow-saw) steady 150; in_job saw "$burst; size=100; while :; do burst \$size 1.5; sleep 0.5; size=\$((size + 120)); done" ;;
    calm-tmpfs) steady 250; in_job writer 'number=0; while :; do dd if=/dev/zero of=/dev/shm/$number bs=1M count=10 2>/dev/null; number=$((number + 1)); sleep 0.2; done' ;;
    grow-hot-file) file_of 300; in_job reader 'while :; do cat /data300 >/dev/null; done'; sleep 3; in_job grower "$(grow 20 0.4)" ;;
    grow-build) file_of 200; in_job build "$compile; number=0; while :; do for it in 1 2 3; do compile \$((20 + 7 * it)) 4 \$it & done; wait; done"; in_job leak "$(grow 6 0.4)" ;;
    grow-swap-25) swap_of 512; steady 300; in_job grower "$(grow 10 0.4)" ;;
    grow-swap-max) swap_of 256; steady 300; in_job grower 'hog 0'; seconds=90 ;;
    grow-swap-hot) swap_of 512; file_of 300; in_job reader 'while :; do cat /data300 >/dev/null; done'; in_job grower "$(grow 20 0.4)"; seconds=90 ;;
    calm-own-hot) file_of 200; limit stuck 220M; in_job stuck 'hog 120 & while :; do cat /data200 >/dev/null; done & while :; do cat /data200 >/dev/null; done'; seconds=40 ;;
    calm-own-oom) limit small 200M; in_job small "$(grow 20 0.4)"; seconds=30 ;;
    calm-build) file_of 200; steady 150; in_job build "$compile; for round in 1 2 3 4 5 6 7 8; do for it in 1 2 3 4; do compile \$((20 + 15 * it)) 6 \$it & done; wait; done"; seconds=40 ;;
    calm-link) file_of 200; steady 200; in_job link "$compile; for it in 1 2 3; do compile 60 5 \$it; done; burst 480 4; sleep 2; burst 480 4; sleep 5"; seconds=40 ;;
    calm-saw) in_job saw "$burst; for size in 100 250 400 550 400 550 250; do burst \$size 2; sleep 1; done"; seconds=40 ;;
    calm-cache) file_of 1500; steady 250; in_job reader 'cat /data1500 /data1500 >/dev/null'; seconds=40 ;;
    calm-write) steady 250; in_job writer 'for it in 1 2 3; do dd if=/dev/zero of=/written$it bs=1M count=500 2>/dev/null; sync; done'; seconds=40 ;;
    calm-tight) in_job one 'hog 350'; in_job two 'hog 300'; sleep 3; in_job three "$burst; for it in 1 2 3 4 5 6; do burst 60 2; done"; seconds=30 ;;
    calm-hot-file) file_of 300; steady 300; in_job reader 'for it in 1 2 3 4 5 6 7 8 9 10 11 12; do cat /data300 >/dev/null; done'; seconds=40 ;;
    calm-swap) swap_of 512; in_job idle 'hog 450'; sleep 5; file_of 300; in_job reader 'for it in 1 2 3 4 5 6 7 8; do cat /data300 >/dev/null; done'; in_job busy "$burst; for it in 1 2 3; do burst 400 3; sleep 1; done"; seconds=50 ;;
    calm-own-cache) file_of 300; limit reader 150M; in_job reader 'for it in 1 2 3 4 5 6 7 8 9 10; do cat /data300 >/dev/null; done'; seconds=40 ;;
    calm-own-tight) limit tight 200M; in_job tight "$burst; for it in 1 2 3 4 5 6; do burst 185 2; done"; seconds=30 ;;
    calm-forks) in_job forks 'round=0; while [ $round -lt 12 ]; do for it in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sh -c "hog 8 & sleep 0.3; kill \$!" & done; wait; round=$((round + 1)); done'; seconds=40 ;;
    *) fail "no such series: $1" ;;
    esac
}

# One is over when the kernel killed somebody, when its jobs are gone, or when its time is.
over() { dmesg | grep -q 'Killed process' || { ! populated "$last" && [ "$calm" = yes ]; }; }

series() {
    local name=$1 last calm file=/run/oomshim/$1.jsonl
    case $name in calm-*) calm=yes ;; *) calm= ;; esac
    dmesg -c >/dev/null
    start_guard --dry-run --record $file
    recipe "$name"
    last=$(ls -td $cgroups/jobs/*/ | head -n 1)
    last=$(basename "$last")
    wait_for $seconds over || true
    sleep 2
    for file in $cgroups/jobs/*/cgroup.kill; do echo 1 >$file; done
    sleep 1
    kill $guard
    wait $guard || fail "the guard did not end well"
    sed 1d /proc/swaps | while read -r swap _; do swapoff $swap; done
    rm -f /dev/shm/* /written* /tmp/object*
    find $cgroups/jobs -mindepth 1 -depth -type d -exec rmdir {} \;
    file=/run/oomshim/$name.jsonl
    table "$name: $(dmesg | grep -c 'Killed process') kills by the kernel, $(wc -l <$file) lines"
    give_file "$name.jsonl" $file
}

cmdline=" $(cat /proc/cmdline) "
case $cmdline in *oomshim.series=*) ;; *) fail "say which: VM_APPEND=oomshim.series=grow-10,calm-build" ;; esac
names=${cmdline##*oomshim.series=}
for name in $(echo "${names%% *}" | tr , ' '); do series "$name"; done
pass
