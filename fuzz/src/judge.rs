//! Asks `judge/`, a program in Go, what an edit changed of what Go decodes from a spec.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use oomshim::spec::edit::Edit;

/// What became of a spec.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome<'a> {
    /// It was not taken for JSON.
    Rejected,
    /// It has no object `process`.
    NoProcess,
    /// It has no object `linux.resources`.
    NoResources,
    /// It was edited.
    Edited(&'a [u8]),
}

struct Judge {
    _child: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
}

static JUDGE: LazyLock<Option<Mutex<Judge>>> = LazyLock::new(|| {
    let program = std::env::var_os("OOMSHIM_JUDGE")?;
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("no judge");
    let to = BufWriter::new(child.stdin.take().expect("piped"));
    let from = BufReader::new(child.stdout.take().expect("piped"));
    Some(Mutex::new(Judge { _child: child, to, from }))
});

/// Panics where the judge disagrees.
pub(crate) fn ask(before: &[u8], edits: &[Edit], outcome: Outcome<'_>) {
    let Some(judge) = JUDGE.as_ref() else { return };
    let mut judge = judge.lock().expect("it has failed before");
    let answer = judge.ask(before, edits, outcome).expect("the judge has ended");
    assert_eq!(answer.trim_end(), "ok", "{edits:?}");
}

impl Judge {
    fn ask(&mut self, before: &[u8], edits: &[Edit], outcome: Outcome<'_>) -> std::io::Result<String> {
        let (letter, after) = match outcome {
            Outcome::Rejected => (b'R', &[][..]),
            Outcome::NoProcess => (b'P', &[][..]),
            Outcome::NoResources => (b'M', &[][..]),
            Outcome::Edited(after) => (b'E', after),
        };
        self.to.write_all(&[letter])?;
        for part in [before, wanted(edits).as_bytes(), after] {
            self.to.write_all(&u32::try_from(part.len()).expect("libFuzzer's inputs are small").to_be_bytes())?;
            self.to.write_all(part)?;
        }
        self.to.flush()?;
        let mut answer = String::new();
        self.from.read_line(&mut answer)?;
        Ok(answer)
    }
}

/// The edits as JSON: `{"score":500,"unified":{"memory.max":"1"}}`.
fn wanted(edits: &[Edit]) -> String {
    let (mut score, mut unified) = (serde_json::Value::Null, serde_json::Map::new());
    for edit in edits {
        match edit {
            Edit::OomScoreAdj(value) => score = value.get().into(),
            Edit::Memory(file, value) => drop(unified.insert(file.name().to_owned(), value.to_string().into())),
        }
    }
    serde_json::json!({ "score": score, "unified": unified }).to_string()
}
