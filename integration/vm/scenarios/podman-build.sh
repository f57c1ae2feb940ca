# podman build and buildah with oomshim-runc: the step's score, and a greedy step that fails its build.
. /opt/oomshim/guest/lib.sh

runtime=/usr/bin/crun
write_policy </dev/null

image_context cat /proc/self/oom_score_adj
immune podman --runtime /opt/oomshim/bin/oomshim-runc build --isolation oci --network none $work/image >$work/podman.log 2>&1 ||
    fail "podman build: $(tail -n 3 $work/podman.log)"
expect_text "podman build's step" $work/podman.log '^500$'
# buildah names no cgroup for a step, so there is none to mark: only the score protects, and the record says so.
expect_text "oomshim's log" $work/oomshim.log 'memory.oom.group: the spec has no linux.(cgroupsPath|resources)'

image_context hog 0
immune buildah bud --runtime /opt/oomshim/bin/oomshim-runc --isolation oci --network none $work/image >$work/buildah.log 2>&1 &&
    fail "a greedy step passed"
expect_text "buildah" $work/buildah.log 'exit status 137|signal: killed|exit status 1'
kernel_log | grep -q 'Killed process .*(hog).*oom_score_adj:500' || fail "the kernel killed something else: $(show_kills)"
pass
