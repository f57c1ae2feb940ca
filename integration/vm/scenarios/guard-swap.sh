# oomshim guard with swap, and with a hot file cache: the job that grows dies, long before the kernel acts; the reader lives.
. /opt/oomshim/guest/lib.sh

write_policy <<'EOF'
[guard]
kill = ["/jobs/*"]
EOF
dd if=/dev/zero of=/swapfile bs=1M count=512 2>/dev/null
chmod 600 /swapfile
mkswap /swapfile >/dev/null
swapon /swapfile || fail "no swap"
start_guard
in_job swapping "$growing"
expect_guard_kill swapping swap-storm exhaustion thrash
swapoff /swapfile
dmesg -c >/dev/null

# 400 MiB of file that are read over and over, beside a job that grows.
dd if=/dev/zero of=/hot bs=1M count=400 2>/dev/null
in_job reader 'while :; do cat /hot >/dev/null; done'
in_job cached "$growing"
expect_guard_kill cached thrash exhaustion swap-storm
populated reader || fail "the reader died"
pass
