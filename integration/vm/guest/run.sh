# What scenarios of `oomshim run` share. Sourced after lib.sh.

job() { oomshim run "$@"; }

# field FILE PATH: a value of a report, whose lines have one key each. Good enough for the keys that are asked for.
field() {
    sed -n "s/^ *\"${2##*.}\": \"\{0,1\}\([^\",{]*\)\"\{0,1\},\{0,1\}$/\1/p" "$1" | head -n 1
}

shmem() { awk '$1 == "Shmem:" { print $2 }' /proc/meminfo; }

# Segments of a namespace that ended are freed by a worker, a second or two later.
shmem_is_back() { [ "$(shmem)" -le $(($1 + 4096)) ]; }

# The processes of oomshim that were started for a job of that name; busybox has no pgrep here.
supervisors_of() {
    local file
    for file in /proc/[0-9]*/cmdline; do
        tr '\0' ' ' <"$file" 2>/dev/null | grep -q "^oomshim run .*--name $1 " && echo "${file%/cmdline}"
    done
    true
}

# Nothing of a job: no cgroup, no process.
nothing_of() {
    [ -z "$(find $cgroups -type d -name "oomshim-run-$1")" ] && [ -z "$(supervisors_of "$1")" ]
}

expect_nothing_left() {
    wait_for 20 nothing_of "$1" ||
        fail "$1 left $(find $cgroups -type d -name "oomshim-run-$1") and $(supervisors_of "$1")"
    note "nothing of $1 is left"
}
