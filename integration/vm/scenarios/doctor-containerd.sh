# doctor before and after containerd is set up: an unprotected daemon, a runtime of its own, and the two lines that mend both.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
cri_toml </dev/null
start_containerd with_score 0
worried daemons
says "^fail .*daemons: containerd \\($containerd\\) has the score 0 and may die instead of a build step"
$(mend 'daemons: containerd' | quoted 1) >$work/protect.log 2>&1 || fail "doctor's command does not work: $(cat $work/protect.log)"
expect "containerd's score after doctor's command" "$(score "$containerd")" -1000
content
says '^pass .*daemons: containerd .* has the score -1000'
says '^warn .*engines: containerd .*: /opt/tools/bin/runc starts its containers of Kubernetes \(the default\): .* no class applies'
says '^pass .*capability: containerd .* has CAP_SYS_RESOURCE'
says '^pass .*inherited:'

# What ctr starts has next to that score, and is found.
ctr run --detach --rootfs --env PATH=/bin --runc-binary /opt/tools/bin/runc /opt/rootfs stock hog 1
stock=$(ctr task ls | awk '$1 == "stock" { print $2 }')
worried inherited
says "^fail .*inherited: hog \\($stock\\) runs in a container and has the score -999: it is killed last"
sh -c "$(mend 'inherited: hog' | quoted 1)"
expect "its score after doctor's command" "$(score "$stock")" 500
content --only inherited
ctr task kill --signal KILL stock

# What doctor says is done to the letter: "set `LINE` under [TABLE] in FILE and restart containerd".
content --only engines
advice=$(mend 'engines: containerd')
note "doctor: $advice"
file=$(echo "$advice" | sed 's/.* in \(.*\) and restart containerd/\1/')
printf '%s\n%s\n' "$(echo "$advice" | sed 's/.* under \(\[[^]]*\]\) in .*/\1/')" "$(echo "$advice" | quoted 1)" >>"$file"
kill "$containerd"
wait_for 30 sh -c '! pidof containerd' || fail "containerd does not stop"
start_containerd immune
content
says '^pass .*engines: containerd .*: /opt/oomshim/bin/oomshim-runc starts its containers of Kubernetes \(/run/oomshim/containerd.toml\)'

# A pod shows that containerd reads the file as doctor does.
pod_image
start_pod job ''
start_container job silent none sleep 1000
expect "the score of a container in a pod" "$(score "$(pid silent)")" 500
expect "the score of its sandbox" "$(score "$(pid job)")" -998
content
says '^pass .*inherited:'
pass
