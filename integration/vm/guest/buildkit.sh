# buildkitd and buildctl for scenarios. Sourced by lib.sh.

buildkit_address=unix://$work/buildkitd.sock

# buildkitd_toml BINARY: the daemon's configuration, with the binary that its worker starts steps with.
buildkitd_toml() {
    cat >$work/buildkitd.toml <<END
root = "/var/lib/buildkit"
[grpc]
  address = ["$buildkit_address"]
[worker.oci]
  binary = "$1"
  snapshotter = "native"
  networkMode = "host"
  gc = false
[worker.containerd]
  enabled = false
END
}

# launch_buildkitd LAUNCHER...: starts it in the background through the launcher (immune, with_score N, oomshim protect --, env).
launch_buildkitd() { "$@" /opt/tools/bin/buildkitd --config $work/buildkitd.toml >>$work/buildkitd.log 2>&1 & }

# start_buildkitd LAUNCHER...: the same, and waits until it answers.
start_buildkitd() {
    launch_buildkitd "$@"
    wait_for 60 buildctl --addr $buildkit_address debug workers || fail "buildkitd does not answer: $(tail -n 2 $work/buildkitd.log)"
    buildkitd=$(pidof buildkitd)
    note "buildkitd ($(buildkitd --version | cut -d ' ' -f 3)) runs with $(score "$buildkitd")"
}

# build NAME STEP...: a build of one shell step per argument, in $work/NAME.log; its /out directory ends up in $work/NAME.
build() {
    local name=$1 step
    shift
    mkdir -p $work/files/$name
    {
        echo 'FROM scratch AS steps'
        echo 'COPY / /'
        echo "ENV BUILD=$name"
        for step in "$@"; do echo "RUN $step"; done
        echo 'FROM scratch'
        echo 'COPY --from=steps /out /'
    } >$work/files/$name/Dockerfile
    solve "$name" --output type=local,dest=$work/$name
}

# build_only NAME STEP: the same for one step, without a result but what the step says in $work/NAME.log.
build_only() {
    mkdir -p $work/files/$1
    printf 'FROM scratch\nCOPY / /\nENV BUILD=%s\nRUN %s\n' "$1" "$2" >$work/files/$1/Dockerfile
    solve "$1"
}

# solve NAME ARGUMENT...: buildctl on the Dockerfile in $work/files/NAME.
solve() {
    local name=$1
    shift
    timeout -s KILL "${build_limit:-100}" buildctl --wait --timeout 30 --addr $buildkit_address build --progress plain \
        --frontend dockerfile.v0 --local context=/opt/context --local dockerfile=$work/files/$name "$@" >$work/$name.log 2>&1
}

# The machine is out of memory when this step has run for a second or two.
greedy='hog 0'

# expect_build NAME CONTENT: what the build wrote
expect_build() { expect "what build $1 made" "$(cat $work/$1/result 2>/dev/null)" "$2"; }

# A step that writes its own score.
modest='mkdir -p /out && cat /proc/self/oom_score_adj >/out/result'

# A step of several processes of which one is greedy, and which does not look at how its helper ended, as build tools that keep
# workers in the background do. When the shell outlives the helper, the build "succeeds".
careless='mkdir -p /out; hog 0 & sleep 1000 & wait %1; echo half-dead >/out/result'

# expect_death NAME: a greedy build failed, out of memory and not for anything else, and the daemon lives on unharmed.
expect_death() {
    expect_text "buildctl" $work/$1.log 'cannot allocate memory|exit code: 137'
    alive "$buildkitd" || fail "buildkitd died with the step"
    expect "buildkitd's score afterwards" "$(score "$buildkitd")" "${2:--1000}"
    note "the kernel: $(kernel_log | grep 'Killed process' | tail -n 1 | sed 's/^\[[^]]*\] *//')"
}
