# doctor for scenarios: what it says of this machine, and doing to the letter what it says mends it. Sourced by lib.sh.

# examine ARGUMENT...: doctor's words in $work/doctor.txt, and its exit status.
examine() { oomshim doctor "$@" >$work/doctor.txt 2>&1; }

# content [ARGUMENT...]: doctor finds nothing that fails.
content() { examine "$@" || fail "doctor $* is not content: $(grep -A 1 -E '^(fail|oomshim)' $work/doctor.txt | tr '\n' ' ')"; }

# worried CHECK: doctor finds something in this check that fails.
worried() {
    if examine --only "$1"; then fail "doctor is content with $1: $(cat $work/doctor.txt)"; fi
}

# says REGEX: so does doctor.
says() { expect_text "doctor" $work/doctor.txt "$1"; }

# mend REGEX: the line with which doctor says how to mend what the first matching finding is about.
mend() { grep -E -A 1 "$1" $work/doctor.txt | sed -n 's/^ *-> //p' | head -n 1; }

# quoted NUMBER: the part of a mend on stdin that stands between that pair of backticks.
quoted() { cut -d '`' -f $((2 * $1)); }

# changeable DIRECTORY: what is changed in a directory of the machine's configuration from here on is gone with the scenario.
changeable() {
    mkdir -p "$work/changed$1"
    cp -a "$1/." "$work/changed$1"
    mount --bind "$work/changed$1" "$1"
}
