# Kubernetes' way to containerd: a pod of a runtime handler with BinaryName oomshim-runc; its container dies whole, its sandbox lives.
. /opt/oomshim/guest/lib.sh

write_policy <<'POLICY'
[class.daemon]
oom_score_adj = -900
adjust = "set"
[[rule]]
class = "daemon"
match.annotation."io.kubernetes.cri.sandbox-namespace" = "builders"
match.annotation."io.kubernetes.cri.container-name" = "buildkitd"
POLICY
{ handler runc; handler oomshim 'BinaryName = "/opt/oomshim/bin/oomshim-runc"'; } | cri_toml
start_containerd immune
pod_image

# Stock: the sandbox has Kubernetes' own score, a container what the kubelet says, or what containerd's shim has.
start_pod stock runc
start_container stock guaranteed-stock -997 sleep 1000
start_container stock silent-stock none sleep 1000
expect "stock: the sandbox's score" "$(score "$(pid stock)")" -998
expect "stock: the score where the kubelet names -997" "$(score "$(pid guaranteed-stock)")" -997
expect "stock: the score where the kubelet names none" "$(score "$(pid silent-stock)")" -999

# "raise" never goes below what the kubelet asks for, and -997 is no protection of a build step.
start_pod job oomshim builders
start_container job besteffort 1000 sleep 1000
start_container job guaranteed -997 sleep 1000
start_container job silent none sleep 1000
start_container job buildkitd 0 sleep 1000
expect "the sandbox's score" "$(score "$(pid job)")" -998
expect "its memory.oom.group" "$(cat "$cgroups$(group job)/memory.oom.group")" 0
expect "the score where the kubelet names 1000" "$(score "$(pid besteffort)")" 1000
expect "the score where the kubelet names -997" "$(score "$(pid guaranteed)")" 500
expect "the score where the kubelet names none" "$(score "$(pid silent)")" 500
expect "its memory.oom.group" "$(cat "$cgroups$(group silent)/memory.oom.group")" 1
expect "an exec's score" "$(exec_in guaranteed cat /proc/self/oom_score_adj)" 500

# The policy's rule asks the annotations of the CRI plugin, and all of them: the others are in the same namespace.
expect "the score of buildkitd in the namespace builders" "$(score "$(pid buildkitd)")" -900

# The machine runs out of memory.
neighbours=$(for name in stock guaranteed-stock silent-stock job besteffort guaranteed silent buildkitd; do pid $name; done)
shims=$(pidof containerd-shim-runc-v2)
greedy_dies job $neighbours
expect "containerd's shims" "$(pidof containerd-shim-runc-v2)" "$shims"

ask StopPodSandbox "{ \"pod_sandbox_id\": \"$(cat $pods/job)\" }" >/dev/null
ask RemovePodSandbox "{ \"pod_sandbox_id\": \"$(cat $pods/job)\" }" >/dev/null
expect "tasks of the pod that was removed" "$(ctr -n k8s.io task ls | grep -c "$(cat $pods/job)" || true)" 0
pass
