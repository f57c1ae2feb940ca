# doctor before and after podman is set up: by containers.conf, by a hook, and by a hook whose program is gone.
. /opt/oomshim/guest/lib.sh

runtime=/usr/bin/crun
write_policy </dev/null
changeable /etc/containers
own_score="immune podman run --rm --network none --rootfs /opt/rootfs cat /proc/self/oom_score_adj"
step_score() {
    image_context cat /proc/self/oom_score_adj
    immune podman build --isolation oci --network none --no-cache $work/image >$work/build.log 2>&1 || fail "podman build: $(tail -n 3 $work/build.log)"
    grep -E '^-?[0-9]+$' $work/build.log
}

# As it comes: podman is no daemon. This conmon (2.1.6) gives containers 0, and build steps inherit from podman's caller.
content
says '^warn .*engines: podman: /usr/bin/crun starts its containers and build steps \(the default\): they have the oom_score_adj of whoever calls podman, or 0'
says '^pass .*hooks: there are no hook files'
examine --strict && fail "doctor --strict is content with stock podman"
expect "a container of stock podman" "$($own_score)" 0
expect "a build step of stock podman" "$(step_score)" -1000

# What doctor says is done to the letter, while a container of crun's runs and another one exists.
plain="podman run --network none --rootfs --detach"
$plain --name running /opt/rootfs sleep 1000 >/dev/null
$plain --name restarted /opt/rootfs sleep 1000 >/dev/null
follow 'engines: podman'
content
says '^pass .*engines: podman: /opt/oomshim/bin/oomshim-crun starts its containers and build steps \(/etc/containers/containers.conf.d/50-oomshim.conf\)'
running=$(podman inspect --format '{{.State.Pid}}' running)
expect "the runtime of the container of before" "$(podman inspect --format '{{.OCIRuntime}}' running)" crun
podman exec running true || fail "podman exec fails in the container of before"
podman restart --time 0 restarted >/dev/null || fail "the container of before cannot be restarted"
podman rm --force --time 0 running restarted >/dev/null || fail "the containers of before cannot be removed"
alive "$running" && fail "the container of before was removed and lives"
podman run --rm --cgroups=disabled --network none --rootfs /opt/rootfs true || fail "podman run --cgroups=disabled fails with the remedy"
expect "a container by containers.conf" "$($own_score)" 500
expect "a build step by containers.conf" "$(step_score)" 500

# By a hook instead, which podman asks for builds too.
umount /etc/containers
hooks_d /usr/share/containers/oci/hooks.d createRuntime
content
says '^pass .*hooks: /usr/share/containers/oci/hooks.d/oomshim.json calls /opt/oomshim/bin/oomshim-hook'
says '^pass .*engines: podman: a hook gives its containers and build steps their class \(/usr/share/containers/oci/hooks.d/oomshim.json\)'
expect "a container by the hook" "$($own_score)" 500
expect "a build step by the hook" "$(step_score)" 500

# At precreate podman knows it, and buildah does not: no build runs while the file is in a directory that both read.
hooks_d /usr/share/containers/oci/hooks.d precreate
expect "a container by the hook at precreate" "$($own_score)" 500
immune podman build --isolation oci --network none --no-cache $work/image >$work/precreate.log 2>&1 && fail "podman builds beside a hook at precreate"
expect_text "podman build" $work/precreate.log 'unknown stage "precreate"'
worried hooks
says '^fail .*hooks: .*/oomshim.json names the stage precreate, which buildah and `podman build` do not know: no build runs'
mv /usr/share/containers/oci/hooks.d $work/hooks.d
expect "a container by --hooks-dir" "$(immune podman --hooks-dir $work/hooks.d run --rm --network none --rootfs /opt/rootfs cat /proc/self/oom_score_adj)" 500
expect "a build step beside it" "$(step_score)" -1000

# A hook whose program is gone is passed over in silence by podman, and by doctor it is not.
hooks_d /usr/share/containers/oci/hooks.d createRuntime /opt/oomshim/bin/gone
expect "a container without the hook's program" "$($own_score)" 0
worried hooks
says '^fail .*hooks: .*/oomshim.json calls /opt/oomshim/bin/gone, which does not exist or is not executable: the hook is skipped in silence'
content --only engines
says '^warn .*engines: podman: /usr/bin/crun starts its containers and build steps'
echo '{' >/usr/share/containers/oci/hooks.d/oomshim.json
$own_score >$work/malformed.log 2>&1 && fail "podman runs a container beside a malformed hook file"
worried hooks
says '^fail .*hooks: .*/oomshim.json is malformed \(not JSON: .*: podman makes no container'
pass
