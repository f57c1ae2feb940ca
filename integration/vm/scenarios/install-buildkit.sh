# oomshim install and uninstall for a buildkitd that runs: the file that its command line names, with every other byte as it was.
. /opt/oomshim/guest/lib.sh

write_policy </dev/null
buildkitd_toml /opt/tools/bin/runc
sed -i -e '1s|^|# ours \xc3\xa9\r\n|' -e 's|binary = .*|binary = "/opt/tools/bin/runc"   # why|' $work/buildkitd.toml
printf '# no newline at the end' >>$work/buildkitd.toml
cp -p $work/buildkitd.toml $work/original.toml
restart_buildkitd() {
    kill "$buildkitd"
    wait_for 30 sh -c '! pidof buildkitd' || fail "buildkitd does not stop"
    start_buildkitd immune
}

start_buildkitd immune
# Each build has a name of its own, or BuildKit would answer from its cache.
build before "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/before.log)"
expect_build before -1000
oomshim install --dry-run buildkitd >$work/diff.log 2>&1 && fail "--dry-run says that nothing would change"
expect_text "the diff" $work/diff.log '^\+  binary = "/opt/oomshim/bin/oomshim-runc"   # why'
cmp $work/buildkitd.toml $work/original.toml || fail "--dry-run changed the file"
oomshim install buildkitd >$work/install.log 2>&1 || fail "install: $(cat $work/install.log)"
expect_text "install" $work/install.log '^buildkitd-run-oomshim-buildkitd.toml: wrote /run/oomshim/buildkitd.toml; then restart buildkitd; builds that run fail$'
expect "the changed lines" "$(diff $work/original.toml $work/buildkitd.toml | grep -c '^[-+][^-+]')" 2
oomshim install --check buildkitd >$work/check.log 2>&1 && fail "install --check is content before the restart: $(cat $work/check.log)"
oomshim install buildkitd | grep -q 'oomshim starts everything' || fail "a second install is not content"
restart_buildkitd
oomshim install --check buildkitd >$work/check.log 2>&1 || fail "install --check is not content: $(cat $work/check.log)"
expect_text "install --check" $work/check.log 'a build step has oom_score_adj 500 and memory.oom.group 1$'
build installed "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/installed.log)"
expect_build installed 500

oomshim uninstall buildkitd >$work/uninstall.log 2>&1 || fail "uninstall: $(cat $work/uninstall.log)"
cmp $work/buildkitd.toml $work/original.toml || fail "uninstall left another file: $(diff $work/original.toml $work/buildkitd.toml)"
[ ! -e /var/lib/oomshim/install/buildkitd-run-oomshim-buildkitd.toml ] || fail "the journal is left"
oomshim uninstall buildkitd >$work/again.log 2>&1 && fail "a second uninstall finds something"
expect_text "a second uninstall" $work/again.log 'nothing was installed for this engine'
restart_buildkitd
build undone "$modest" || fail "a modest build does not pass: $(tail -n 3 $work/undone.log)"
expect_build undone -1000
pass
