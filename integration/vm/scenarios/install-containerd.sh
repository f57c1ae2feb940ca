# oomshim install and uninstall for a containerd with pods: a handler, a proof, and the handler that stays while a pod has it.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
{ handler runc; printf '# the last line has no end'; } | cri_toml
cp $work/containerd.toml $work/original.toml
restart_containerd() {
    kill "$containerd"
    wait_for 30 sh -c '! pidof containerd' || fail "containerd does not stop"
    start_containerd immune
}
start_containerd immune
pod_image
start_pod before runc
start_container before old 0 sleep 1000
old=$(pid old)

oomshim install containerd >$work/install.log 2>&1 || fail "install: $(cat $work/install.log)"
expect_text "install" $work/install.log '^containerd-run-oomshim-containerd.toml: wrote /run/oomshim/containerd.toml; then restart containerd'
oomshim install --check containerd >$work/check.log 2>&1 || fail "install --check: $(cat $work/check.log)"
expect_text "--check" $work/check.log 'a container of containerd has oom_score_adj 500 and memory.oom.group 1$'
restart_containerd
start_pod during oomshim
start_container during new 0 sleep 1000
expect "a container of the handler" "$(score "$(pid new)")" 500
expect "the container of before" "$(pid old)" "$old"

oomshim uninstall containerd >$work/uninstall.log 2>&1 && fail "uninstall leaves no handler: $(cat $work/uninstall.log)"
expect_text "uninstall" $work/uninstall.log 'containers need the name: '
restart_containerd
# containerd keeps a pod's program with the pod, whatever its handler means by now.
start_container during later 0 sleep 1000
expect "a later container in the old pod" "$(score "$(pid later)")" 500
start_pod plain oomshim
start_container plain raw 0 sleep 1000
expect "a container of a new pod with the handler" "$(score "$(pid raw)")" 0
alive "$(pid new)" || fail "the container of the handler is gone"
for pod in during plain before; do
    ask StopPodSandbox "{ \"pod_sandbox_id\": \"$(cat $pods/$pod)\" }" >/dev/null || fail "pod $pod cannot be stopped"
    ask RemovePodSandbox "{ \"pod_sandbox_id\": \"$(cat $pods/$pod)\" }" >/dev/null || fail "pod $pod cannot be removed"
done
oomshim uninstall containerd >$work/uninstall.log 2>&1 || fail "uninstall: $(cat $work/uninstall.log)"
cmp $work/containerd.toml $work/original.toml || fail "uninstall left another file: $(diff $work/original.toml $work/containerd.toml)"
[ ! -e /var/lib/oomshim/install/containerd-run-oomshim-containerd.toml ] || fail "the journal is left"
pass
