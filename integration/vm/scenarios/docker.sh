# dockerd, immune: its embedded BuildKit finds oomshim as `runc` in PATH, docker run uses a configured runtime.
. /opt/oomshim/guest/lib.sh

runtime=/usr/sbin/runc
write_policy </dev/null
docker_path=$work/path
mkdir -p $docker_path
ln -s /opt/oomshim/bin/oomshim-runc $docker_path/runc
start_dockerd immune
export DOCKER_BUILDKIT=1

image_context cat /proc/self/oom_score_adj
docker build --progress plain --network none --tag steps $work/image >$work/build.log 2>&1 || fail "docker build: $(tail -n 3 $work/build.log)"
expect_text "docker build's step" $work/build.log ' 500$'

image_context hog 0
docker build --progress plain --network none $work/image >$work/greedy.log 2>&1 && fail "a greedy step passed"
expect_text "docker build" $work/greedy.log 'cannot allocate memory|exit code: 137'
expect "group kills" "$(group_kills)" 1
kernel_log | grep -q 'Killed process .*(hog).*oom_score_adj:500' || fail "the kernel killed something else: $(show_kills)"
alive "$dockerd" || fail "dockerd died"

# Docker always writes an explicit 0, which "raise" takes to 500.
docker run --detach --name guarded --network none --runtime oomshim steps sh -c 'sleep() { busybox sleep 1000; }; sleep' >/dev/null
expect "docker run's score" "$(score "$(docker inspect --format '{{.State.Pid}}' guarded)")" 500
docker run --name greedy --network none --runtime oomshim steps hog 0 && fail "a greedy container passed"
expect "its exit status" "$(docker inspect --format '{{.State.ExitCode}}' greedy)" 137
expect "group kills" "$(group_kills)" 2
# docker knows it from an event that containerd before 2.3 loses where the cgroup is gone first (its issue 8893); seen here in
# three runs of five.
note "docker's OOMKilled is $(docker inspect --format '{{.State.OOMKilled}}' greedy)"
expect "the container beside it" "$(docker inspect --format '{{.State.Running}}' guarded)" true
alive "$dockerd" || fail "dockerd died"
pass
