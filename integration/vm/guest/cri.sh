# containerd's CRI plugin for scenarios, asked as the kubelet asks it: pods with the host's network, which need no CNI. Sourced by
# lib.sh.

cri_socket=unix:///run/containerd/containerd.sock
pods=$work/pods

# cri_toml: containerd's configuration with the CRI plugin; stdin adds to it, runtime handlers for one.
cri_toml() {
    cat >$work/containerd.toml <<'END'
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[plugins.'io.containerd.cri.v1.images']
snapshotter = "native"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "localhost/pod:1"
END
    cat >>$work/containerd.toml
}

# handler NAME [OPTION...]: a runtime handler for cri_toml, which a RuntimeClass would name, and lines for its options.
handler() {
    printf "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.%s]\nruntime_type = \"io.containerd.runc.v2\"\n" "$1"
    [ -z "${base_runtime_spec-}" ] || echo "base_runtime_spec = \"$base_runtime_spec\""
    printf "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.%s.options]\n" "$1"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@"
}

# pod_image: the image localhost/pod:1 in containerd's namespace of Kubernetes: the scenarios' programs, and a `pause` for the
# sandbox. By that name it is known for what it is; a process that waits is all that there is to it.
pod_image() {
    local image=$work/pod-image layer
    mkdir -p $image/layer/bin
    cp -a /opt/context/bin/. $image/layer/bin/
    cp /usr/bin/hog $image/layer/bin/pause
    tar -C $image/layer -cf $image/layer.tar .
    layer=$(sha256sum $image/layer.tar | cut -d ' ' -f 1)
    cat >$image/config.json <<END
{ "architecture": "amd64", "os": "linux", "config": { "Entrypoint": ["/bin/pause", "1"], "Env": ["PATH=/bin"] },
  "rootfs": { "type": "layers", "diff_ids": ["sha256:$layer"] } }
END
    echo '[{ "Config": "config.json", "RepoTags": ["localhost/pod:1"], "Layers": ["layer.tar"] }]' >$image/manifest.json
    tar -C $image -cf $work/pod.tar manifest.json config.json layer.tar
    ctr -n k8s.io images import --no-unpack $work/pod.tar >$work/import.log 2>&1 || fail "the image cannot be imported: $(tail -n 2 $work/import.log)"
    wait_for 30 knows_image || fail "CRI does not know the image: $(ask ListImages '{}')"
    rm -rf $image $work/pod.tar
}

knows_image() { ask ImageStatus '{ "image": { "image": "localhost/pod:1" } }' | grep -q '"repo_tags":\["localhost/pod:1"\]'; }

# ask METHOD REQUEST: what the CRI plugin answers, in JSON.
ask() { cri $cri_socket "$1" "$2"; }

# told KEY: the first value of a key in the answer on stdin.
told() { grep -oE "\"$1\":(\"[^\"]*\"|[^,}]*)" | head -n 1 | cut -d : -f 2- | tr -d '"'; }

# start_pod NAME HANDLER [NAMESPACE]: a pod; its sandbox's id is in $pods/NAME.
start_pod() {
    mkdir -p $pods
    cat >$pods/$1.json <<END
{ "metadata": { "name": "$1", "uid": "$1", "namespace": "${3:-default}" }, "log_directory": "$pods/$1.logs",
  "linux": { "cgroup_parent": "/kubepods/$1", "security_context": { "namespace_options": { "network": "NODE" } } } }
END
    ask RunPodSandbox "{ \"config\": $(cat $pods/$1.json), \"runtime_handler\": \"$2\" }" >$work/answer.log 2>&1 ||
        fail "pod $1 does not start: $(tail -n 2 $work/answer.log)"
    told pod_sandbox_id <$work/answer.log >$pods/$1
}

# start_container POD NAME SCORE COMMAND...: a container in a pod, with that score from the kubelet (none: it says nothing of
# resources, which the kubelet never does); its id is in $pods/NAME.
start_container() {
    local pod=$1 name=$2 resources=''
    [ "$3" = none ] || resources=", \"linux\": { \"resources\": { \"oom_score_adj\": $3 } }"
    shift 3
    ask CreateContainer "{ \"pod_sandbox_id\": \"$(cat $pods/$pod)\", \"sandbox_config\": $(cat $pods/$pod.json), \"config\": {
        \"metadata\": { \"name\": \"$name\" }, \"image\": { \"image\": \"localhost/pod:1\" }, \"command\": $(list "$@"),
        \"log_path\": \"$name.log\"$resources } }" >$work/answer.log 2>&1 || fail "container $name is not made: $(tail -n 2 $work/answer.log)"
    told container_id <$work/answer.log >$pods/$name
    ask StartContainer "{ \"container_id\": \"$(cat $pods/$name)\" }" >$work/answer.log 2>&1 ||
        fail "container $name does not start: $(tail -n 2 $work/answer.log)"
}

# list WORD...: the words as a JSON array.
list() {
    local words='' word
    for word in "$@"; do words="$words${words:+, }\"$word\""; done
    echo "[$words]"
}

# pid NAME: the first process of a pod's sandbox or of a container, as containerd's shim knows it.
pid() { ctr -n k8s.io task ls | awk -v id="$(cat $pods/$1)" '$1 == id { print $2 }'; }

# group NAME: its cgroup.
group() { sed 's/^0:://' "/proc/$(pid "$1")/cgroup"; }

# seen NAME KEY: what Kubernetes gets to see of a container.
seen() { ask ContainerStatus "{ \"container_id\": \"$(cat $pods/$1)\" }" | told "$2"; }

exited() { [ "$(seen "$1" state)" = CONTAINER_EXITED ]; }

# exec_in NAME COMMAND...: what a command says that is started in a container, as `kubectl exec` and probes do.
exec_in() {
    local id
    id=$(cat $pods/$1)
    shift
    ask ExecSync "{ \"container_id\": \"$id\", \"cmd\": $(list "$@"), \"timeout\": 60 }" | told stdout | base64 -d
}

# greedy_dies POD NEIGHBOUR...: a container of that pod takes all memory and dies whole, with its first process, which is not the greedy
# one; Kubernetes learns why, and the neighbours (PIDs) and containerd live.
greedy_dies() {
    local pod=$1 neighbour
    shift
    start_container "$pod" greedy 0 sh -c 'hog 0 & sleep 1000'
    wait_for 120 exited greedy || fail "the greedy container lives: $(show_kills)"
    expect "what Kubernetes sees" "$(seen greedy reason) $(seen greedy exit_code)" "OOMKilled 137"
    expect "group kills" "$(group_kills)" 1
    kernel_log | grep -q 'Killed process .*(hog).*oom_score_adj:500' || fail "the kernel killed something else: $(show_kills)"
    for neighbour in "$@"; do alive "$neighbour" || fail "$neighbour died with it: $(show_kills)"; done
    alive "$containerd" || fail "containerd died"
}
