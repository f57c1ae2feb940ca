# oomshim guard kills a greedy container of dockerd: exit status 137, the reason in docker logs, dockerd and the container beside it live.
. /opt/oomshim/guest/lib.sh

runtime=/usr/sbin/runc
write_policy </dev/null
start_dockerd immune
image_context true
DOCKER_BUILDKIT=1 docker build --network none --tag steps $work/image >$work/build.log 2>&1 || fail "docker build: $(tail -n 3 $work/build.log)"
start_guard
docker run --detach --name beside --network none --runtime oomshim steps busybox sleep 1000 >/dev/null
docker run --detach --name greedy --network none --runtime oomshim steps sh -c 'while :; do hog 20 & busybox sleep 0.4; done' >/dev/null
stopped() { [ "$(docker inspect --format '{{.State.Running}}' greedy)" = false ]; }
wait_for 120 stopped || fail "the greedy container lives on: $(oomshim guard status | tr '\n' ' ')"
expect_engine_kill "docker says OOMKilled=$(docker inspect --format '{{.State.OOMKilled}}' greedy)"
expect "docker's exit status" "$(docker inspect --format '{{.State.ExitCode}}' greedy)" 137
docker logs greedy >$work/greedy.log 2>&1
expect_text "docker logs" $work/greedy.log 'oomshim guard: killing this job: it holds'
expect "the container beside it" "$(docker inspect --format '{{.State.Running}}' beside)" true
alive "$dockerd" || fail "dockerd died"
docker run --rm --network none --runtime oomshim steps busybox true || fail "the next container failed"
pass
