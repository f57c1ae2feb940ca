# oomshim install and uninstall for docker below systemd: reload, restart, immunity, a proof, and the name that a container keeps.
. /opt/oomshim/guest/lib.sh

runtime=/usr/sbin/runc
write_policy </dev/null
changeable /etc
mkdir -p /etc/docker
printf '{\r\n\t"live-restore": true,\r\n\t"storage-driver": "vfs"}' >/etc/docker/daemon.json
cat >/etc/systemd/system/docker.service <<'END'
[Service]
Type=notify
ExecStart=/usr/sbin/dockerd --bridge=none --iptables=false --ip-forward=false
ExecReload=/bin/kill -s HUP $MAINPID
KillMode=process
Delegate=yes
TimeoutStartSec=150
END
# systemd mounts it, docker then wants AppArmor, and the image has no parser for its profile.
umount /sys/kernel/security
systemctl daemon-reload
systemctl start docker || fail "dockerd does not start"
wait_for 60 docker version || fail "dockerd does not answer"
tar -C /opt/context -c . | docker import - steps >/dev/null
run() { docker run --detach --name "$1" --network none steps hog 1 >/dev/null || fail "$1 does not run"; }
pid_of() { docker inspect --format '{{.State.Pid}}' "$1"; }

run before
# dockerd made files of its own there.
cp -a /etc/docker $work/docker-before
cp -a /etc/systemd/system $work/units-before
before=$(pid_of before)
expect "a container before" "$(score "$before")" 0
oomshim install --dry-run docker >$work/diff.log 2>&1 && fail "--dry-run says that nothing would change"
expect_text "the diff" $work/diff.log '^\+Environment=.*oomshim'
diff -r /etc/docker $work/docker-before || fail "--dry-run changed something"

oomshim install --yes --restart --immune docker >$work/install.log 2>&1 || fail "install: $(cat $work/install.log)"
expect_text "install" $work/install.log '^docker: a container of docker has oom_score_adj 500 and memory.oom.group 1$'
expect_text "install" $work/install.log '^docker: a step of docker build has oom_score_adj 500 and memory.oom.group 1$'
expect "dockerd's score" "$(score "$(systemctl show -P MainPID docker)")" -1000
expect "the container of before" "$(pid_of before)" "$before"
oomshim install --check docker >$work/check.log 2>&1 || fail "install --check: $(cat $work/check.log)"
# With the environment that the unit has, as ExecStartPre= gets it.
env PATH=/usr/local/lib/oomshim:/usr/sbin:/usr/bin:/sbin:/bin /opt/oomshim/bin/oomshim protect --check-unit docker.service >$work/unit.log 2>&1 || fail "protect --check-unit: $(cat $work/unit.log)"
run during
expect "a container" "$(score "$(pid_of during)")" 500

oomshim uninstall --restart docker >$work/uninstall.log 2>&1 && fail "uninstall leaves no name: $(cat $work/uninstall.log)"
expect_text "uninstall" $work/uninstall.log 'containers need the name: during\.'
wait_for 60 docker version || fail "dockerd does not answer"
[ "$(score "$(systemctl show -P MainPID docker)")" != -1000 ] || fail "dockerd is still immune"
docker restart --time 0 during >/dev/null || fail "the container cannot be started again"
expect "its score with the plain runtime" "$(score "$(pid_of during)")" 0
run after
expect "a container afterwards" "$(score "$(pid_of after)")" 0
expect "the container of before" "$(pid_of before)" "$before"
docker rm --force during after before >/dev/null
oomshim uninstall docker >$work/uninstall.log 2>&1 || fail "uninstall: $(cat $work/uninstall.log)"
diff -r /etc/docker $work/docker-before || fail "uninstall left another file"
diff -r /etc/systemd/system $work/units-before || fail "uninstall left a drop-in"
[ ! -e /var/lib/oomshim/install/docker ] || fail "the journal is left"
systemctl stop docker
pass
