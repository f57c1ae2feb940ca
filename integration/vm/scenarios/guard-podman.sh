# oomshim guard kills a greedy container of podman: exit status 137, the reason in podman logs, conmon and the container beside it live.
. /opt/oomshim/guest/lib.sh

runtime=/usr/bin/crun
write_policy </dev/null
podman="immune podman --runtime /opt/oomshim/bin/oomshim-runc"
start_guard
beside=$($podman run --detach --network none --rootfs /opt/rootfs sleep 1000)
monitors=$(pidof conmon)
id=$($podman run --detach --log-driver k8s-file --network none --rootfs /opt/rootfs sh -c "$growing")
wait_for 120 has_record killed || fail "the guard killed nobody: $(oomshim guard status | tr '\n' ' ')"
expect "podman's exit status" "$(podman wait "$id")" 137
# podman 4.3 tells no out-of-memory of the kernel's either.
expect_engine_kill "podman says OOMKilled=$(podman inspect --format '{{.State.OOMKilled}}' "$id")"
podman logs "$id" >$work/greedy.log 2>&1
expect_text "podman logs" $work/greedy.log 'oomshim guard: killing this job: it holds'
expect "the container beside it" "$(podman inspect --format '{{.State.Running}}' "$beside")" true
for monitor in $monitors; do alive $monitor || fail "a conmon died"; done
$podman run --rm --network none --rootfs /opt/rootfs true || fail "the next container failed"
pass
