# doctor for scenarios: what it says of this machine, and its remedies done to the letter. Sourced by lib.sh.

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

# remedy REGEX: what doctor says to do about the first matching finding: a line, or several.
remedy() {
    awk -v finding="$1" '
        /^[a-z]/ || /^$/ { if (found) exit; found = $0 ~ finding; next }
        found { sub(/^ *-> /, ""); sub(/^                 /, ""); print }' $work/doctor.txt
}

# quoted NUMBER: the part of a remedy on stdin that stands between that pair of backticks.
quoted() { cut -d '`' -f $((2 * $1)); }

# follow REGEX: does to the letter what the remedy of the first matching finding says: "[run `COMMAND`, and ]set in FILE:", and lines
# for the file. The tables must not be in there yet.
follow() {
    local text file command
    text=$(remedy "$1")
    note "doctor: $(echo "$text" | tr '\n' ' ')"
    file=$(echo "$text" | sed -n '1s/.*set in \(.*\):$/\1/p')
    [ -n "$file" ] || fail "doctor's remedy names no file: $text"
    command=$(echo "$text" | sed -n '1s/^run `\([^`]*\)`.*/\1/p')
    [ -z "$command" ] || sh -c "$command"
    mkdir -p "${file%/*}"
    echo "$text" | sed -n 's/^    //p' >>"$file"
}

# changeable DIRECTORY: what is changed in a directory of the machine's configuration from here on is gone with the scenario.
changeable() {
    mkdir -p "$work/changed$1"
    cp -a "$1/." "$work/changed$1"
    mount --bind "$work/changed$1" "$1"
}
