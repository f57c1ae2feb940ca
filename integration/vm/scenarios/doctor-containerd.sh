# doctor before and after containerd is set up: an unprotected daemon, a handler of its own, and what that does to a pod that runs.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
cri_toml </dev/null
start_containerd with_score 0
worried daemons
says "^fail .*daemons: containerd \\($containerd\\) has oom_score_adj 0, and may be killed instead of a build step"
$(remedy 'daemons: containerd' | quoted 1) >$work/protect.log 2>&1 || fail "doctor's command does not work: $(cat $work/protect.log)"
expect "containerd's score after doctor's command" "$(score "$containerd")" -1000
content
says '^pass .*daemons: containerd .* has oom_score_adj -1000'
says '^warn .*engines: containerd .*: /opt/tools/bin/runc starts its containers of Kubernetes \(the default\): .* no class applies'
says '^pass .*capability: containerd .* has CAP_SYS_RESOURCE'
says '^pass .*inherited:'

# What ctr starts has next to that score, and is found.
ctr run --detach --rootfs --env PATH=/bin --runc-binary /opt/tools/bin/runc /opt/rootfs stock hog 1
stock=$(ctr task ls | awk '$1 == "stock" { print $2 }')
worried inherited
says "^fail .*inherited: hog \\($stock\\) runs in a container and has oom_score_adj -999: it is killed last"
sh -c "$(remedy 'inherited: hog' | quoted 1)"
expect "its score after doctor's command" "$(score "$stock")" 500
content --only inherited
ctr task kill --signal KILL stock

# What doctor says is done to the letter while a pod runs: a handler of its own, and a restart.
pod_image
start_pod before ''
start_container before running 2 sleep 1000
running=$(pid running)
expect "the oom_score_adj of a container in a pod of stock containerd" "$(score "$running")" 2
content --only engines
follow 'engines: containerd'
kill "$containerd"
wait_for 30 sh -c '! pidof containerd' || fail "containerd does not stop"
start_containerd immune
content
says '^pass .*engines: containerd .*: /opt/oomshim/bin/oomshim-runc starts its pods of the handler oomshim \(/run/oomshim/containerd.toml\)'

# A pod shows that containerd reads the file as doctor does.
alive "$running" || fail "the restart cost a running pod its container"
start_pod job oomshim
start_container job silent none sleep 1000
expect "the score of a container in a pod" "$(score "$(pid silent)")" 500
expect "the score of its sandbox" "$(score "$(pid job)")" -998
content
says '^pass .*inherited:'

# The pod of before can still be stopped, and made anew with what it had.
ask StopContainer "{ \"container_id\": \"$(cat $pods/running)\" }" >$work/stop.log 2>&1 || fail "the container of before cannot be stopped: $(cat $work/stop.log)"
alive "$running" && fail "StopContainer left the container of before alive"
start_container before again 2 sleep 1000
expect "the oom_score_adj of a new container in the pod of before" "$(score "$(pid again)")" 2
pass
