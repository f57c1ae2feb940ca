//! Everything that may wait or take long and is not the kill: records, metrics, answers, the search for what a kill left
//! behind. A thread of its own does it, so that the loop never stands still for a disk or a reader.

use std::fs::File;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use nix::sys::signal::SigSet;
use tracing::{error, info, warn};

use super::events::{self, Events};
use super::kill::Outcome;
use super::leftover::{self, Found, Note, SMALL};
use super::metrics::Metrics;
use super::record::{self, Deed, Ended, Record};
use super::ring::Moment;
use super::sample::{JobId, Sample};
use super::series;
use crate::log::message;
use crate::run::abandoned;
use crate::system::cgroup::tree::Tree;
use crate::system::os_error::OsError;
use crate::system::thread;
use crate::text::escape;
use crate::text::size::size;

/// How much may be waiting to be written. What comes on top is lost: it must not hold up the loop.
const WAITING: usize = 64;

/// Something to be written.
#[derive(Debug)]
pub enum Task {
    /// A decision, and what came of it.
    Record(Box<Record>, Option<Box<Kill>>),
    /// The metrics.
    Metrics(Box<Metrics>, PathBuf),
    /// An answer to `guard status`.
    Answer(UnixStream, String),
    /// The series of the newest record again, with the seconds behind the kill of that time.
    Aftermath(u64, Vec<Moment>),
    /// Whether to listen at the events socket.
    Events(bool),
    /// A sample for the recorder.
    Sample(Box<Sample>),
    /// What a job is called, for the recorder.
    Name(JobId, String),
    /// End and remove the jobs of `oomshim run` below these cgroups that nobody supervises any more.
    CleanUp(Vec<PathBuf>),
}

/// What came of a kill, and what is needed to look for what it left behind.
#[derive(Debug)]
pub struct Kill {
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took to read the sample.
    pub sampled: Duration,
    /// How long it took from the beginning of the sample to the order.
    pub decided: Duration,
    /// What was noted while the job lived.
    pub note: Note,
}

/// The thread that writes.
#[derive(Debug)]
pub struct Clerk {
    tasks: SyncSender<Task>,
}

impl Clerk {
    /// Starts the thread.
    ///
    /// # Errors
    /// The kernel's.
    pub fn start(directory: &Path, proc: &Path, recorder: Option<File>) -> std::io::Result<Clerk> {
        let (tasks, to_do) = sync_channel(WAITING);
        let number = record::all(directory).len();
        let desk = Desk {
            directory: directory.to_owned(),
            proc: proc.to_owned(),
            recorder,
            number,
            events: None,
            newest: None,
        };
        std::thread::Builder::new().name("guard-clerk".into()).stack_size(512 * 1024).spawn(move || {
            let _ = SigSet::all().thread_set_mask();
            let _ = thread::set_nice(10);
            desk.work(&to_do);
        })?;
        Ok(Clerk { tasks })
    }

    /// Hands over a task; it is lost where too many wait.
    pub fn hand(&self, task: Task) {
        let _ = self.tasks.try_send(task);
    }
}

struct Desk {
    directory: PathBuf,
    proc: PathBuf,
    recorder: Option<File>,
    number: usize,
    events: Option<Events>,
    newest: Option<(usize, Record)>,
}

impl Desk {
    fn work(mut self, to_do: &Receiver<Task>) {
        if let Some(file) = &mut self.recorder {
            let _ = series::write_header(file);
        }
        for task in to_do {
            match task {
                Task::Record(record, kill) => self.record(*record, kill),
                Task::Metrics(metrics, path) => {
                    if let Err(error) = metrics.write(&path) {
                        warn!("cannot write the metrics to {}: {error}", path.display());
                    }
                }
                Task::Answer(mut stream, text) => {
                    let _ = stream.set_nonblocking(false);
                    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
                    let _ = stream.write_all(text.as_bytes());
                }
                Task::Aftermath(kill, series) => self.aftermath(kill, series),
                Task::Events(is_wanted) => self.listen(is_wanted),
                Task::Sample(sample) => {
                    if let Some(file) = &mut self.recorder {
                        let _ = series::write_sample(file, &sample);
                    }
                }
                Task::CleanUp(parents) => self.clean_up(&parents),
                Task::Name(id, name) => {
                    if let Some(file) = &mut self.recorder {
                        let _ = series::write_name(file, id, &name);
                    }
                }
            }
        }
    }

    fn clean_up(&self, parents: &[PathBuf]) {
        let Ok(tree) = Tree::read(&self.proc) else { return };
        for (name, done) in abandoned::clean_below(&tree, parents) {
            let (message_id, name) = (message::GUARD_STATE.id, escape::bytes(name.as_encoded_bytes()));
            match done {
                Ok(()) => info!(message_id, "guard removed the abandoned job {name}: its oomshim run was killed"),
                Err(error) => warn!(message_id, "guard cannot remove the abandoned job {name}: {error}"),
            }
        }
    }

    fn aftermath(&mut self, kill: u64, series: Vec<Moment>) {
        let Some((number, mut record)) = self.newest.take_if(|(_, record)| record.monotonic_us == kill) else { return };
        record.series = series;
        if let Err(error) = record::write(&self.directory, number, &record) {
            warn!("cannot keep the seconds after the kill for oomshim report: {}", OsError::from(error));
        }
    }

    fn listen(&mut self, is_wanted: bool) {
        match (is_wanted, &self.events) {
            (true, None) => match Events::listen(&self.directory) {
                Ok(events) => self.events = Some(events),
                Err(error) => {
                    let path = events::socket(&self.directory);
                    warn!("cannot listen at {}: {}", path.display(), OsError::from(error));
                }
            },
            (false, Some(_)) => self.events = None,
            _ => {}
        }
    }

    fn record(&mut self, mut record: Record, kill: Option<Box<Kill>>) {
        if let Some(kill) = kill {
            let charged = kill.outcome.shared_after;
            let found =
                if charged >= SMALL { leftover::search(&self.proc, &kill.note, charged) } else { Found::default() };
            record.outcome = Some(Ended::new(&kill.outcome, (kill.sampled, kill.decided), &found));
        }
        tell(&record);
        if let Err(error) = record::write(&self.directory, self.number, &record) {
            warn!("cannot keep the record of this for oomshim report: {error}");
        }
        if let Some(events) = &mut self.events {
            events.send(&inputs(&record));
        }
        self.newest = Some((self.number, record));
        self.number += 1;
    }
}

/// The record in one line, without its series.
fn inputs(record: &Record) -> String {
    serde_json::to_string(&Record { series: Vec::new(), names: Vec::new(), ..record.clone() }).unwrap_or_default()
}

/// The record as an event for the journal.
fn tell(record: &Record) {
    let victim = record.victim.as_ref();
    let cgroup = victim.map(|it| it.cgroup.as_str());
    let class = victim.and_then(|it| it.class.as_deref());
    let container = victim.and_then(|it| it.container.as_deref());
    let inputs = inputs(record);
    let (cause, text) = (record.cause.word(), record.message.as_str());
    match (record.deed, &record.outcome) {
        (Deed::Killed, Some(ended)) if ended.dead => {
            let freed = size(ended.before.saturating_sub(ended.after));
            let left = if ended.leftovers.is_empty() {
                String::new()
            } else {
                format!("; left: {}", ended.leftovers.join("; "))
            };
            let message_id = message::GUARD_KILLED.id;
            warn!(message_id, cause, cgroup, class, container, record = inputs, "{text}; it gave back {freed}{left}");
        }
        (Deed::Killed, ended) => {
            let left = ended.as_ref().map(|it| [it.survivors.clone(), it.failures.clone()].concat().join("; "));
            let left = left.unwrap_or_default();
            let message_id = message::GUARD_FAILED.id;
            error!(message_id, cause, cgroup, class, container, record = inputs, "{text}; it is not dead: {left}");
        }
        (Deed::WouldKill, _) => {
            let message_id = message::GUARD_WOULD_KILL.id;
            info!(message_id, cause, cgroup, class, container, record = inputs, "{text}");
        }
        (Deed::Helpless, _) => {
            let message_id = message::GUARD_HELPLESS.id;
            warn!(message_id, cause, record = inputs, "{text}");
        }
    }
}
