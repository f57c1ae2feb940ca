# Kubernetes' way to containerd, stock runc: base_runtime_spec with the createRuntime hook gives each container of a pod its class.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
start_containerd immune
mkdir -p $work/base
ctr oci spec >$work/base/config.json
with_hook $work/base oomshim-hook createRuntime
kill "$containerd"
wait_for 30 sh -c '! pidof containerd' || fail "containerd does not stop"

base_runtime_spec=$work/base/config.json handler hooked | cri_toml
start_containerd immune
pod_image

start_pod job hooked
start_container job guaranteed -997 sleep 1000
start_container job silent none sleep 1000
expect "the sandbox's score" "$(score "$(pid job)")" -998
expect "its memory.oom.group" "$(cat "$cgroups$(group job)/memory.oom.group")" 0
expect "the score where the kubelet names -997" "$(score "$(pid guaranteed)")" 500
expect "the score where the kubelet names none" "$(score "$(pid silent)")" 500
expect "its memory.oom.group" "$(cat "$cgroups$(group silent)/memory.oom.group")" 1

# A hook cannot reach what comes later: an exec has what the specification says, and there that is the kubelet's word.
expect "an exec's score" "$(exec_in guaranteed cat /proc/self/oom_score_adj)" -997

neighbours="$(pid job) $(pid guaranteed) $(pid silent)"
greedy_dies job $neighbours
pidof containerd-shim-runc-v2 >/dev/null || fail "the shim died"
pass
