# oomshim guard with zram: the job that grows dies long before the kernel acts.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
# Its compressor is a module of its own, which nobody loads by itself here.
modprobe lzo-rle 2>/dev/null || true
modprobe zram || fail "this kernel has no zram"
echo 500M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0 || fail "no swap on zram"
start_guard
in_job beside 'hog 100'
in_job greedy "$growing"
expect_guard_kill greedy swap-storm exhaustion thrash
populated beside || fail "the job beside it died"
swapoff /dev/zram0
pass
