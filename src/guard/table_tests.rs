//! The table of jobs over files that stand in for cgroups.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::allocation_tests::during;
use crate::guard::describe::ToJob;
use crate::guard::kill::{Killer, Order};
use crate::guard::machine::{Action, Machine};
use crate::guard::read::{HostFiles, Look};
use crate::guard::sample::Order as Turn;
use crate::guard::settings::Settings;
use crate::guard::tell::Line;

const MIB: u64 = 1 << 20;

fn entry(root: &Path, id: u64) -> Entry {
    let path = root.join(id.to_string());
    std::fs::create_dir(&path).unwrap();
    let files = [
        ("cgroup.procs", ""),
        ("cgroup.kill", ""),
        ("cgroup.events", "populated 1\n"),
        ("memory.events", "max 0\noom_kill 0\n"),
        ("memory.max", "max\n"),
        ("memory.pressure", "full total=0\n"),
    ];
    for (file, text) in files {
        std::fs::write(path.join(file), text).unwrap();
    }
    hold(root, id, 100);
    let open = || Cgroup::fake(&path, Version::V2);
    let job = find::Job {
        path: path.clone(),
        standing: Standing::Killable,
        order: Turn::Normal,
        reserve: 0,
        class: None,
        container: None,
    };
    Entry {
        id: JobId(id),
        job,
        target: Arc::new(Target::open(open(), None).unwrap()),
        note: Note::default(),
        output: None,
        unfinished: false,
        files: JobFiles::open(&open()).unwrap(),
        group: None,
        protected: 0,
        begun: None,
        shared_tmpfs: Vec::new(),
        kept: 0,
        kept_at: Duration::ZERO,
    }
}

fn hold(root: &Path, id: u64, mib: u64) {
    let bytes = mib * MIB;
    std::fs::write(root.join(format!("{id}/memory.current")), format!("{bytes}\n")).unwrap();
    std::fs::write(root.join(format!("{id}/memory.stat")), format!("anon {bytes}\nkernel 0\nshmem 0\n")).unwrap();
}

#[test]
fn nothing_is_allocated_from_sample_to_order() {
    let root = tempfile::tempdir().unwrap();
    let available = |mib: u64| {
        let text = format!("MemTotal: {} kB\nMemAvailable: {} kB\nSwapTotal: 0 kB\n", 1024 * 1024, mib * 1024);
        std::fs::write(root.path().join("meminfo"), text).unwrap();
    };
    available(900);
    std::fs::write(root.path().join("vmstat"), "pgscan_direct 5\n").unwrap();
    let host = HostFiles::open(root.path()).unwrap();
    let mut table = Table { entries: (1..=40).map(|id| entry(root.path(), id)).collect(), ..Table::default() };
    let mut machine = Machine::new(Settings::of_host(1024 * MIB), 64);
    let mut sample = Sample { jobs: Vec::with_capacity(64), ..Sample::default() };
    let (mut buffer, mut killer) = (Buffer::default(), Killer::start().unwrap());
    let mut killed = None;
    for turn in 0..20 {
        available(900 - turn * 50);
        hold(root.path(), 7, 100 + turn * 50);
        let (order, count) = during(|| {
            sample.at = Duration::from_millis(1000 + turn * 100);
            sample.host = host.read(&mut buffer).unwrap();
            table.read(&mut sample, Look::Closely, &mut buffer);
            let Action::Kill(verdict) = machine.step(&sample).action else { return None };
            let victim = verdict.victim.unwrap();
            let mut order = Order::new(Arc::clone(&table.get(victim.id).unwrap().target));
            order.report_budget = Duration::ZERO;
            let line = Line::new(ToJob { verdict: &verdict, victim: &victim });
            killer.kill(order).unwrap();
            Some((victim.id, line))
        });
        assert_eq!(count, 0, "in turn {turn}");
        if order.is_some() {
            killed = order;
            break;
        }
    }
    assert_eq!(killed.map(|it| it.0), Some(JobId(7)));
}
