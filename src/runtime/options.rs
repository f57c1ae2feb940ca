//! Options as each runtime's parser takes them: Go's `flag`, argp, clap.
//!
//! Never a search for tokens: options are walked with their arity, so that a container called `create` and a log file
//! called `run` are what they are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use thiserror::Error;

use super::flavor::Flavor;
use super::tables::{Arity, Opt};

/// Why it cannot be told what a runtime will make of its command line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineError {
    /// youki's parser takes `--` behind the subcommand only.
    #[error("youki takes no `--` before the subcommand")]
    EarlyEnd,
    /// `-` ends the options in runc's next release and is a word in the ones before it.
    #[error("`-` means different things to different versions of runc")]
    Dash,
    /// No table has the option.
    #[error("the option {0:?} is not known")]
    Unknown(String),
    /// An abbreviation of argp that could be several options.
    #[error("`--{0}` abbreviates more than one option")]
    Ambiguous(String),
    /// A switch with a value.
    #[error("`--{0}` takes no value")]
    NoValueTaken(&'static str),
    /// A switch with a value that Go does not read as true or false.
    #[error("`--{0}` is neither true nor false")]
    NotABoolean(&'static str),
    /// The last argument is an option that takes a value.
    #[error("`--{0}` has no value")]
    NoValue(&'static str),
    /// clap takes what begins with a dash for the next option.
    #[error("youki takes no value that begins with a dash for `--{0}`")]
    DashedValue(&'static str),
    /// clap refuses `--bundle=`.
    #[error("youki takes no empty value for `--{0}`")]
    EmptyValue(&'static str),
    /// There is no container id.
    #[error("there is no container id")]
    NoId,
    /// There are two container ids.
    #[error("there is a second container id, {0:?}")]
    SecondId(String),
    /// crun refuses `--bundle=`.
    #[error("the bundle is empty")]
    EmptyBundle,
}

/// One step along the command line.
pub(super) enum Item<'a> {
    /// An option, by its long name.
    Option(&'static str, Option<&'a OsStr>),
    /// An option that makes the runtime print something and stop.
    Help,
    /// What is no option.
    Word(&'a OsStr),
}

/// Walks a command line from left to right.
pub(super) struct Reader<'r, 'a> {
    flavor: Flavor,
    args: &'r [&'a OsStr],
    next: usize,
    /// A `--` was seen: everything behind it is a word.
    ended: bool,
    /// The switches that were seen, by their long names.
    switches: Vec<&'static str>,
}

/// The tables of options that are read at one place.
pub(super) type Tables<'t> = &'t [&'static [&'static [Opt]]];

impl<'r, 'a> Reader<'r, 'a> {
    /// At the beginning of the arguments behind the program's name.
    pub(super) fn new(flavor: Flavor, args: &'r [&'a OsStr]) -> Self {
        Reader { flavor, args, next: 0, ended: false, switches: Vec::new() }
    }

    /// Behind the subcommand options are read anew: a `--` before it says nothing about them.
    pub(super) fn begin_subcommand(&mut self) {
        self.ended = false;
    }

    /// Whether that switch was there, by its long name.
    pub(super) fn saw(&self, long: &str) -> bool {
        self.switches.contains(&long)
    }

    /// Everything that was not read.
    pub(super) fn rest(&mut self) -> Vec<&'a OsStr> {
        let rest = self.args[self.next..].to_vec();
        self.next = self.args.len();
        rest
    }

    fn take(&mut self) -> Option<&'a OsStr> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        Some(arg)
    }

    /// The next option of those tables, or the next word; `None` at the end.
    pub(super) fn read(&mut self, tables: Tables<'_>) -> Result<Option<Item<'a>>, LineError> {
        let Some(arg) = self.take() else { return Ok(None) };
        let bytes = arg.as_bytes();
        if self.ended || !bytes.starts_with(b"-") {
            return Ok(Some(Item::Word(arg)));
        }
        if bytes == b"--" {
            let before_subcommand = self.flavor == Flavor::Youki && tables[0].as_ptr() == self.flavor.global().as_ptr();
            if before_subcommand {
                return Err(LineError::EarlyEnd);
            }
            self.ended = true;
            return self.read(tables);
        }
        if bytes == b"-" {
            return match self.flavor {
                // The parser of runc's next release stops there, the ones before it do not.
                Flavor::Runc => Err(LineError::Dash),
                _ => Ok(Some(Item::Word(arg))),
            };
        }
        match self.flavor {
            Flavor::Runc | Flavor::Runsc => self.go(bytes, tables),
            Flavor::Crun | Flavor::Youki => match bytes.strip_prefix(b"--") {
                Some(long) => self.long(long, tables),
                None => self.cluster(&bytes[1..], tables),
            },
        }
        .map(Some)
    }

    /// Go's flag package: one dash or two, `=value` or the next argument, whatever that is.
    fn go(&mut self, bytes: &'a [u8], tables: Tables<'_>) -> Result<Item<'a>, LineError> {
        let name = bytes.strip_prefix(b"--").unwrap_or(&bytes[1..]);
        let (name, value) = split(name);
        let is = |opt: &&Opt| opt.long.as_bytes() == name || opt.short.is_some_and(|letter| name == [letter]);
        let opt = all(tables).find(is).ok_or_else(|| unknown(bytes))?;
        match opt.takes {
            // `--help=false` asks for nothing (Go's `flag` reads a value for every switch).
            Arity::Help | Arity::Nothing | Arity::Joined => {
                let is_on = value.map_or(Some(true), parse_bool).ok_or(LineError::NotABoolean(opt.long))?;
                match (is_on, opt.takes) {
                    (true, Arity::Help) => return Ok(Item::Help),
                    // runsc declares no such switch, and Go's own answer to the name is help, whatever the value.
                    (false, Arity::Help) if self.flavor == Flavor::Runsc => return Err(unknown(bytes)),
                    (true, _) => self.switches.push(opt.long),
                    (false, _) => {}
                }
                Ok(Item::Option(opt.long, value))
            }
            Arity::Value => Ok(Item::Option(opt.long, Some(value.map_or_else(|| self.value(opt), Ok)?))),
        }
    }

    /// `--name`, `--name=value`, `--name value`; argp takes any unambiguous beginning of a name.
    fn long(&mut self, bytes: &'a [u8], tables: Tables<'_>) -> Result<Item<'a>, LineError> {
        let (name, value) = split(bytes);
        let exact = all(tables).find(|opt| opt.long.as_bytes() == name);
        let opt = match exact {
            Some(opt) => opt,
            None if self.flavor == Flavor::Crun => {
                let mut begun = all(tables).filter(|opt| opt.long.as_bytes().starts_with(name));
                let first = begun.next().ok_or_else(|| unknown(bytes))?;
                // The same option stands in the table once for each of its letters.
                if begun.any(|other| other.long != first.long) {
                    return Err(LineError::Ambiguous(String::from_utf8_lossy(name).into_owned()));
                }
                first
            }
            None => return Err(unknown(bytes)),
        };
        match (opt.takes, value) {
            (Arity::Help, _) => Ok(Item::Help),
            (Arity::Nothing, Some(_)) => Err(LineError::NoValueTaken(opt.long)),
            (Arity::Nothing, None) | (Arity::Joined, _) => {
                self.switches.push(opt.long);
                Ok(Item::Option(opt.long, value))
            }
            (Arity::Value, Some(value)) => self.checked(opt, value),
            (Arity::Value, None) => {
                let value = self.value(opt)?;
                self.checked(opt, value)
            }
        }
    }

    /// `-b value`, `-bvalue`, and switches before it in one argument.
    fn cluster(&mut self, letters: &'a [u8], tables: Tables<'_>) -> Result<Item<'a>, LineError> {
        for (index, letter) in letters.iter().enumerate() {
            let rest = &letters[index + 1..];
            let is = |opt: &&Opt| opt.short == Some(*letter);
            let opt = all(tables).find(is).ok_or_else(|| unknown(letters))?;
            match opt.takes {
                Arity::Help => return Ok(Item::Help),
                Arity::Nothing => {
                    self.switches.push(opt.long);
                    if rest.is_empty() {
                        return Ok(Item::Option(opt.long, None));
                    }
                }
                Arity::Joined => return Ok(Item::Option(opt.long, Some(OsStr::from_bytes(rest)))),
                Arity::Value if rest.is_empty() => {
                    let value = self.value(opt)?;
                    return self.checked(opt, value);
                }
                Arity::Value => {
                    // clap takes `-b=value` as `-bvalue`; to argp the sign is a part of the value.
                    let stripped = rest.strip_prefix(b"=").filter(|_| self.flavor == Flavor::Youki);
                    return self.checked(opt, OsStr::from_bytes(stripped.unwrap_or(rest)));
                }
            }
        }
        Err(unknown(letters))
    }

    fn value(&mut self, opt: &Opt) -> Result<&'a OsStr, LineError> {
        let value = self.take().ok_or(LineError::NoValue(opt.long))?;
        if self.flavor == Flavor::Youki && value.as_bytes().starts_with(b"-") && value != "-" {
            return Err(LineError::DashedValue(opt.long));
        }
        Ok(value)
    }

    fn checked(&self, opt: &Opt, value: &'a OsStr) -> Result<Item<'a>, LineError> {
        if self.flavor == Flavor::Youki && value.is_empty() {
            return Err(LineError::EmptyValue(opt.long));
        }
        Ok(Item::Option(opt.long, Some(value)))
    }
}

fn all(tables: Tables<'_>) -> impl Iterator<Item = &'static Opt> + use<'_> {
    tables.iter().flat_map(|table| table.iter()).flat_map(|opts| opts.iter())
}

fn split(bytes: &[u8]) -> (&[u8], Option<&OsStr>) {
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]))),
        None => (bytes, None),
    }
}

fn unknown(bytes: &[u8]) -> LineError {
    LineError::Unknown(String::from_utf8_lossy(bytes).into_owned())
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &OsStr) -> Option<bool> {
    match text.as_bytes() {
        b"1" | b"t" | b"T" | b"TRUE" | b"true" | b"True" => Some(true),
        b"0" | b"f" | b"F" | b"FALSE" | b"false" | b"False" => Some(false),
        _ => None,
    }
}
