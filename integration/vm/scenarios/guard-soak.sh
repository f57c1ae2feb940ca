# oomshim guard on a busy healthy machine: full cache, short jobs one after another, a disk that is busy; nobody is killed.
. /opt/oomshim/guest/lib.sh

seconds=$(sed -n 's/.*oomshim.soak=\([0-9]*\).*/\1/p' /proc/cmdline)
seconds=${seconds:-60}
write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
start_guard
until=$(($(cut -d . -f 1 /proc/uptime) + seconds))
dd if=/dev/zero of=/cached bs=1M count=600 2>/dev/null
in_job reader 'while :; do cat /cached >/dev/null; done'
in_job writer 'while :; do dd if=/dev/zero of=/written bs=1M count=200 2>/dev/null; sync; rm /written; done'
in_job steady 'hog 150'
jobs=0
while [ "$(cut -d . -f 1 /proc/uptime)" -lt $until ]; do
    jobs=$((jobs + 1))
    in_job short$jobs 'hog 150 & hog 40 & sleep 2; kill %1 %2; wait'
    wait $job || true
    rmdir $cgroups/jobs/short$jobs || fail "short$jobs left a process"
done
for name in reader writer steady; do populated $name || fail "$name died: $(show_kills)"; done
has_record killed && fail "the guard killed: $(record message)"
has_record helpless && fail "the guard was helpless: $(record message)"
expect "kills of the kernel" "$(kills)" 0
share=$(awk '/^full/ { sub("total=", "", $NF); print $NF / 1000000 }' /proc/pressure/memory)
table "$jobs jobs in $seconds s beside a full cache and a busy disk: nobody was killed; all tasks stalled for $share s of it; $(oomshim guard status --format json | grep -o '"longest_lag_ms":[0-9]*')"
pass
