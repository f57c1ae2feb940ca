//! Recorded series: what the guard writes with `--record` and what `guard replay` reads.
//!
//! A file is one line of JSON that names the format, and then a line for each [`Sample`]. Tables of one host and one job
//! are read as well, columns parted by tabs, because anything can write those: `t avail swapfree full_ms pgscan cur0` with
//! sizes in MiB, and before them lines with `#` of which `# memory_total MIB` and `# kernel_kill SECONDS` tell something.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::sample::{Bound, Host, Job, JobId, Order, Sample, Standing};

const MIB: f64 = 1_048_576.0;

/// The longest file that is read, in bytes: days of samples.
pub const LIMIT: u64 = 512 << 20;

/// Why a text is no series.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SeriesError {
    /// Neither of the two formats.
    #[error(
        "this is no recorded series: it begins neither with {{\"oomshim_series\":1}} nor with a table that has the columns t and avail"
    )]
    Unknown,
    /// A format of a later version.
    #[error("this series has the format {0}; this oomshim reads format 1")]
    Version(u64),
    /// A line that is not what the format wants.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// There is a header and nothing else.
    #[error("the series has no samples")]
    Empty,
    /// A table that does not say how much memory the machine had.
    #[error("the table does not say how much memory the machine had: add a line `# memory_total MIB` above it")]
    NoTotal,
}

/// A recorded series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Series {
    /// The samples in the order of their time.
    pub samples: Vec<Sample>,
    /// What the jobs are called.
    pub names: BTreeMap<JobId, String>,
    /// When the kernel's OOM killer acted, where the recording says so.
    pub kernel_kill: Option<Duration>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    oomshim_series: u64,
}

/// A line of the recorder: a sample, or what a job is called.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Name { job: JobId, name: String },
    Sample(Sample),
}

impl Series {
    /// Reads either format.
    ///
    /// # Errors
    /// Says which line is wrong, and how.
    pub fn parse(text: &str) -> Result<Series, SeriesError> {
        let first = text.lines().next().unwrap_or_default();
        let series = match serde_json::from_str::<Header>(first) {
            Ok(Header { oomshim_series: 1 }) => lines(text)?,
            Ok(Header { oomshim_series: other }) => return Err(SeriesError::Version(other)),
            Err(_) => table(text)?,
        };
        if series.samples.is_empty() {
            return Err(SeriesError::Empty);
        }
        Ok(series)
    }

    /// What a job is called.
    #[must_use]
    pub fn name(&self, id: JobId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("job {}", id.0))
    }
}

/// Writes the first line of a series.
///
/// # Errors
/// The writer's.
pub fn write_header(to: &mut impl Write) -> io::Result<()> {
    write_line(to, &Header { oomshim_series: 1 })
}

/// Writes what a job is called, before the first sample with it.
///
/// # Errors
/// The writer's.
pub fn write_name(to: &mut impl Write, job: JobId, name: &str) -> io::Result<()> {
    write_line(to, &Line::Name { job, name: name.to_owned() })
}

/// Writes a sample.
///
/// # Errors
/// The writer's.
pub fn write_sample(to: &mut impl Write, sample: &Sample) -> io::Result<()> {
    write_line(to, sample)
}

fn write_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

fn lines(text: &str) -> Result<Series, SeriesError> {
    let mut series = Series::default();
    for (number, text) in text.lines().enumerate().skip(1) {
        let problem = |problem: String| SeriesError::Line { line: number + 1, problem };
        if serde_json::from_str::<serde_json::Value>(text).is_err() {
            return Err(problem("the line is cut off or is not JSON".to_owned()));
        }
        if let Ok(Line::Name { job, name }) = serde_json::from_str(text) {
            series.names.insert(job, name);
            continue;
        }
        let sample: Sample = serde_json::from_str(text).map_err(|error| problem(error.to_string()))?;
        push(&mut series, sample, number)?;
    }
    Ok(series)
}

fn push(series: &mut Series, sample: Sample, number: usize) -> Result<(), SeriesError> {
    if series.samples.last().is_some_and(|last| sample.at < last.at) {
        let problem = "the time goes back".to_owned();
        return Err(SeriesError::Line { line: number + 1, problem });
    }
    if series.kernel_kill.is_none()
        && series.samples.last().is_some_and(|last| sample.host.kernel_kills > last.host.kernel_kills)
    {
        series.kernel_kill = Some(sample.at);
    }
    series.samples.push(sample);
    Ok(())
}

fn table(text: &str) -> Result<Series, SeriesError> {
    let mut series = Series::default();
    let mut columns: Vec<&str> = Vec::new();
    let (mut total, mut swap_total) = (None, None);
    for (number, text) in text.lines().enumerate() {
        let problem = |problem: String| SeriesError::Line { line: number + 1, problem };
        if let Some(comment) = text.strip_prefix('#') {
            let mut words = comment.split_whitespace();
            match (words.next(), words.next()) {
                (Some("memory_total"), Some(mib)) => total = mib.parse::<f64>().ok(),
                (Some("kernel_kill"), Some(at)) => series.kernel_kill = at.parse().ok().and_then(seconds),
                (Some("job"), Some(name)) => drop(series.names.insert(JobId(0), name.to_owned())),
                _ => {}
            }
            continue;
        }
        if columns.is_empty() {
            columns = text.split('\t').collect();
            if !columns.contains(&"t") || !columns.contains(&"avail") {
                return Err(SeriesError::Unknown);
            }
            continue;
        }
        let values: Result<Vec<f64>, _> = text.split('\t').map(str::parse).collect();
        let values = values.map_err(|_| problem("a field is no number".to_owned()))?;
        if values.len() != columns.len() {
            return Err(problem(format!("{} fields below {} columns", values.len(), columns.len())));
        }
        if values.iter().any(|value| !value.is_finite() || *value < 0.0) {
            return Err(problem("a field is negative or not finite".to_owned()));
        }
        let total = total.ok_or(SeriesError::NoTotal)?;
        let get = |name: &str| columns.iter().position(|column| *column == name).map(|place| values[place]);
        let swap_total = *swap_total.get_or_insert_with(|| get("swapfree").unwrap_or(0.0));
        let sample = row(&get, total, swap_total).ok_or_else(|| problem("the time is out of range".to_owned()))?;
        let known = series.kernel_kill;
        push(&mut series, sample, number)?;
        series.kernel_kill = known.or(series.kernel_kill);
    }
    if columns.is_empty() { Err(SeriesError::Unknown) } else { Ok(series) }
}

fn row(get: &impl Fn(&str) -> Option<f64>, total: f64, swap_total: f64) -> Option<Sample> {
    let count = |name: &str| whole(get(name).unwrap_or(0.0));
    let bytes = |name: &str| whole(get(name).unwrap_or(0.0) * MIB);
    let stall = |name: &str| get(name).and_then(|milliseconds| seconds(milliseconds / 1000.0));
    let at = seconds(get("t")?)?;
    let host = Host {
        memory_total: whole(total * MIB),
        memory_available: bytes("avail"),
        swap_total: whole(swap_total * MIB),
        swap_free: bytes("swapfree"),
        some_stall: stall("some_ms"),
        full_stall: stall("full_ms"),
        pages_scanned: count("pgscan"),
        refaults: count("refault"),
        kernel_kills: count("oom"),
    };
    let job = |current: f64| Job {
        id: JobId(0),
        bound: Bound {
            current: whole(current * MIB),
            limit: get("limit0").map(|mib| whole(mib * MIB)),
            full_stall: stall("cfull0"),
            limit_hits: count("max0"),
            kernel_kills: count("oomk0"),
        },
        group: None,
        private: whole(get("private0").unwrap_or(current) * MIB),
        shared: 0,
        kept: 0,
        protected: 0,
        reserve: 0,
        order: Order::Normal,
        standing: Standing::Killable,
        age: at,
        populated: current > 0.0,
    };
    let jobs = get("cur0").map(job).into_iter().collect();
    Some(Sample { at, pressed: false, host, groups: Vec::new(), jobs })
}

fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

/// A finite number of at least 0 as a whole one; what is too large becomes the largest.
fn whole(value: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = value.round() as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# memory_total 954\n# kernel_kill 2.5\nt\tavail\tcur0\n0.1\t500\t10\n0.2\t400\t110\n";

    #[test]
    fn what_is_recorded_is_read_back() {
        let mut table = Series::parse(TABLE).unwrap();
        assert_eq!((table.samples.len(), table.kernel_kill), (2, Some(Duration::from_millis(2500))));
        assert_eq!(table.samples[1].jobs[0].private, 110 << 20);
        table.names.insert(JobId(0), "/buildkit/a b\n".to_owned());
        table.kernel_kill = None;
        let mut bytes = Vec::new();
        write_header(&mut bytes).unwrap();
        write_name(&mut bytes, JobId(0), "/buildkit/a b\n").unwrap();
        for sample in &table.samples {
            write_sample(&mut bytes, sample).unwrap();
        }
        assert_eq!(Series::parse(std::str::from_utf8(&bytes).unwrap()), Ok(table));
    }

    #[test]
    fn a_file_that_is_cut_or_none_is_refused_with_the_line() {
        let header = "{\"oomshim_series\":1}\n";
        let cases = [
            ("", "no recorded series"),
            ("hello\n", "no recorded series"),
            ("{\"a\":1}", "no recorded series"),
            ("{\"oomshim_series\":2}", "format 2"),
            (header, "no samples"),
            ("t\tavail\n", "no samples"),
            ("t\tavail\n1\t2\n", "memory_total"),
            ("# memory_total 9\nt\tavail\n1\n", "line 3: 1 fields below 2 columns"),
            ("# memory_total 9\nt\tavail\n1\tx\n", "line 3: a field is no number"),
            ("# memory_total 9\nt\tavail\n1\t-1\n", "line 3: a field is negative"),
            ("# memory_total 9\nt\tavail\n1\t1\n0\t1\n", "line 4: the time goes back"),
            ("# memory_total 9\nt\tavail\n1e300\t1\n", "out of range"),
        ];
        for (text, expected) in cases {
            let error = Series::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
        let cut = format!("{header}{{\"at_us\":1,\"pres");
        assert!(Series::parse(&cut).unwrap_err().to_string().contains("line 2: the line is cut off"));
        let other = format!("{header}{{\"at_us\":1}}");
        assert!(Series::parse(&other).unwrap_err().to_string().contains("line 2: missing field"));
    }
}
