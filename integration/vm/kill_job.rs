//! Kills the job of a cgroup as `oomshim guard` does, and says what came of it, one `KEY VALUE` a line: for scenarios of the VM.
//!
//! `kill-job CGROUP [BUDGET_MS]`; the last line is `leftover KIND BYTES HOLDER` for each, or `leftover none`.
#![allow(clippy::print_stdout, reason = "it is what a scenario reads")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oomshim::guard::kill::{Killer, Order, Target};
use oomshim::guard::leftover::{Note, search};
use oomshim::guard::tell::{Line, Output};
use oomshim::system::cgroup::Cgroup;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().ok_or("usage: kill-job CGROUP [BUDGET_MS]")?;
    let budget = arguments.next().and_then(|word| word.to_str()?.parse().ok()).unwrap_or(100);
    let proc = Path::new("/proc");
    let cgroup = Cgroup::open(Path::new(&path))?;
    let pids = cgroup.all_procs()?;
    let first = *pids.first().ok_or("the cgroup is empty")?;
    let note = Note { pids: pids.into_iter().collect(), ..Note::of(proc, first)? };
    let output = Output::of_job(proc, &cgroup);
    println!("output {}", output.as_ref().map_or_else(ToString::to_string, |_| "found".to_owned()));
    let message = output.ok().map(|output| (Arc::new(output), Line::new("oomshim guard: killed this step: a test")));
    let target = Arc::new(Target::open(cgroup, None)?);
    let mut killer = Killer::start()?;
    let order = Order {
        report_budget: Duration::from_millis(budget),
        cause: "test",
        message,
        ..Order::new(Arc::clone(&target))
    };
    killer.kill(order).map_err(|_| "busy")?;
    let outcome = loop {
        match killer.outcome() {
            Some(outcome) => break outcome,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let ms = |time: Option<Duration>| time.map_or("-".to_owned(), |time| time.as_millis().to_string());
    println!("told {}", ms(outcome.told));
    println!("oom_counted {}", ms(outcome.oom_counted));
    println!("killed {}", ms(outcome.killed));
    println!("empty {}", ms(outcome.empty));
    println!("settled {}", ms(outcome.settled));
    println!("method {}", outcome.method.map_or("-", oomshim::system::cgroup::Method::word));
    println!("before {}", outcome.before);
    println!("after {}", outcome.after);
    println!("shared {}", outcome.shared_after);
    println!("released {}", outcome.released);
    println!("dead {}", outcome.is_dead());
    for survivor in &outcome.survivors {
        let (comm, wchan) = (String::from_utf8_lossy(&survivor.comm), String::from_utf8_lossy(&survivor.wchan));
        println!("survivor {} {} {comm} {wchan}", survivor.pid, survivor.state);
    }
    for failure in &outcome.failures {
        println!("failure {} {}", failure.step, failure.errno);
    }
    let found = search(proc, &note, outcome.shared_after);
    for left in &found.leftovers {
        let holder = left.holder.as_ref().map_or(0, |holder| holder.pid);
        println!("leftover {} {} {holder} {:?}", left.kind.word(), left.bytes, left.link);
    }
    println!("unexplained {}", found.unexplained);
    Ok(())
}
