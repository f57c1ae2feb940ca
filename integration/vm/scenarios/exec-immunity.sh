# exec in a container of an immune daemon: stock runtimes hand the daemon's -1000 to the new process, oomshim-runc does not.
. /opt/oomshim/guest/lib.sh

show='cat /proc/self/oom_score_adj'

for name in runc:/opt/tools/bin/runc runc:/usr/sbin/runc crun:/usr/bin/crun; do
    runtime=${name#*:}
    what="${name%%:*} $($runtime --version | head -n 1 | awk '{ print $NF }')"
    id=$(echo "$name" | tr -c 'a-z\n' -)
    write_policy </dev/null

    bundle $work/stock-$id
    with_score -1000 $runtime run --detach --bundle $work/stock-$id stock-$id
    expect "stock $what: exec" "$(with_score -1000 $runtime exec stock-$id $show)" -1000

    bundle $work/$id
    with_score -1000 oomshim-runc run --detach --bundle $work/$id $id
    expect "oomshim-runc with $what: the container" "$(score "$(init $id)")" 500
    expect "oomshim-runc with $what: exec" "$(with_score -1000 oomshim-runc exec $id $show)" 500

    # A greedy exec is the one that dies, and the launcher's other children are not asked.
    with_score -1000 oomshim-runc exec $id hog 0 && fail "a greedy exec passed"
    killed hog || fail "the kernel killed something else: $(show_kills)"
    for container in stock-$id $id; do $runtime delete --force $container; done
done
pass
