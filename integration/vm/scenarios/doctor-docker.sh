# doctor before and after dockerd is set up: this one, 20.10, does not know the variable that names a runtime for its builds.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
export DOCKER_BUILDKIT=1
step_score() {
    image_context cat /proc/self/oom_score_adj
    docker build --no-cache --progress plain --network none --tag steps $work/image >$work/build.log 2>&1 || fail "docker build: $(tail -n 3 $work/build.log)"
    sed -n 's/^#[0-9]* [0-9.]* \(-\{0,1\}[0-9]*\)$/\1/p' $work/build.log
}
restart_dockerd() {
    kill "$dockerd"
    wait_for 60 sh -c '! pidof dockerd' || fail "dockerd does not stop"
    start_dockerd "$@"
}

start_dockerd with_score 0
worried daemons
says "^fail .*daemons: dockerd \\($dockerd\\) has oom_score_adj 0, and may be killed instead of a build step"
content --only engines
says '^warn .*engines: dockerd .*: /usr/sbin/runc starts its build steps \(the default\): they are as likely to be killed as it is'

# Immunity without the shim makes it worse.
examine --only daemons || true
$(remedy 'daemons: dockerd' | quoted 1) >$work/protect.log 2>&1 || fail "doctor's command does not work: $(cat $work/protect.log)"
expect "dockerd's score after doctor's command" "$(score "$dockerd")" -1000
worried engines
says '^fail .*engines: dockerd .*: /usr/sbin/runc starts its build steps \(the default\), and they inherit its immunity'
says '^warn .*engines: dockerd .*: /usr/sbin/runc starts its containers \(the default\)'
says '^ *then restart docker; .* This dockerd does not know DOCKER_BUILDKIT_RUNC_COMMAND'
expect "a step of stock dockerd" "$(step_score)" -1000

# The variable alone does not deceive doctor.
restart_dockerd immune env DOCKER_BUILDKIT_RUNC_COMMAND=/opt/oomshim/bin/oomshim-runc
worried engines
expect "a step of dockerd with the variable" "$(step_score)" -1000

# What doctor says is done to the letter: run a command, and give the unit another PATH.
advice=$(remedy 'engines: dockerd .* build steps')
note "doctor: $(echo "$advice" | tr '\n' ' ')"
sh -c "$(echo "$advice" | head -n 1 | quoted 1)"
docker_path=$(echo "$advice" | sed -n 's/^ *Environment=PATH=//p')
restart_dockerd immune
content
says '^pass .*daemons: dockerd .* has oom_score_adj -1000'
says '^pass .*engines: dockerd .*: /usr/local/lib/oomshim/runc starts its build steps \(the default\)'
says '^pass .*engines: dockerd .*: /usr/local/lib/oomshim/runc starts its containers \(the default\)'
expect "a step" "$(step_score)" 500
docker run --detach --name job --network none steps hog 1 >/dev/null
expect "a container" "$(score "$(docker inspect --format '{{.State.Pid}}' job)")" 500
content --only inherited
docker rm --force job >/dev/null
rm -r /usr/local/lib/oomshim
pass
