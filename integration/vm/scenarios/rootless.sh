# A user without rights: rootless podman runs containers through oomshim-runc, and what cannot be lowered is clamped and recorded.
. /opt/oomshim/guest/lib.sh

home=/home/builder
as_builder() { su builder -c "cd; export HOME=$home XDG_RUNTIME_DIR=/run/user/1000 PATH=$PATH; $*"; }
mkdir -p /run/user/1000
cp -a /opt/rootfs $home/rootfs
chown -R 1000:1000 /run/user/1000 $home
podman="podman --runtime /opt/oomshim/bin/oomshim-runc run --rm --network none --rootfs $home/rootfs"

# conmon starts the runtime with an environment of its own, so OOMSHIM_POLICY would not arrive.
mkdir -p "${policy%/*}"
cat >$policy <<END
[runtime]
path = "/usr/bin/crun"
[log]
to = "$home/oomshim.log"
END
expect "the container's score" "$(as_builder "$podman cat /proc/self/oom_score_adj")" 500

cat >>$policy <<'END'
[class.daemon]
oom_score_adj = -500
adjust = "set"
[[rule]]
class = "daemon"
match.bundle = "/home/builder/*"
[default]
class = "build-step"
END
expect "the score of a container that is to have -500" "$(as_builder "$podman cat /proc/self/oom_score_adj")" 0
expect_text "oomshim's log" $home/oomshim.log 'clamp|floor'
pass
