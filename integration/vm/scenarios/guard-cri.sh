# oomshim guard kills a greedy container of a pod: Kubernetes sees OOMKilled, the sandbox, the containers beside it and containerd live.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
handler oomshim 'BinaryName = "/opt/oomshim/bin/oomshim-runc"' | cri_toml
start_containerd immune
pod_image
start_guard
start_pod job oomshim
start_container job neighbour 0 sleep 1000
neighbours="$(pid job) $(pid neighbour)"
shims=$(pidof containerd-shim-runc-v2)

start_container job greedy 0 sh -c "$growing"
wait_for 90 exited greedy || fail "the greedy container lives on: $(oomshim guard status | tr '\n' ' ')"
expect_engine_kill "CRI says $(seen greedy reason)"
expect "the exit code that Kubernetes sees" "$(seen greedy exit_code)" 137
seen greedy reason >$work/reason
expect_text "the reason that Kubernetes sees" $work/reason "^$(counted OOMKilled Error)$"
expect_text "the container's log" $pods/job.logs/greedy.log 'oomshim guard: killing this job: it holds'
for neighbour in $neighbours; do alive "$neighbour" || fail "$neighbour died with it"; done
expect "containerd's shims" "$(pidof containerd-shim-runc-v2)" "$shims"
alive "$containerd" || fail "containerd died"
start_container job next 0 sleep 1000
expect "the state of the next container" "$(seen next state)" CONTAINER_RUNNING
pass
