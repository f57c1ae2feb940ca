//! What a runtime's command line says, read as that runtime reads it.
//!
//! What is unknown or means different things to different versions of a runtime is [`CommandLine::Unrecognized`], and the
//! command line is passed on as it is either way.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::flavor::{Flavor, Subcommand};
use super::options::{Item, Reader};

/// A runtime's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine<'a> {
    /// create, run, restore, exec or delete of a container.
    Container(Invocation<'a>),
    /// Any other subcommand, a request for help, or nothing at all.
    Other,
    /// It cannot be told what the runtime will make of it.
    Unrecognized {
        /// Why not.
        why: String,
        /// The subcommand, where that much is clear.
        subcommand: Option<Subcommand>,
        /// The options before the subcommand, as far as they were read.
        global: Global<'a>,
    },
}

/// create, run, restore, exec or delete of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The subcommand.
    pub subcommand: Subcommand,
    /// The container's id.
    pub id: &'a OsStr,
    /// The bundle as it is written; `None` for the working directory.
    pub bundle: Option<&'a OsStr>,
    /// crun's `--config`, which takes the place of the bundle's `config.json`.
    pub config: Option<&'a OsStr>,
    /// exec's `--process`, the JSON of the process to start.
    pub process: Option<&'a OsStr>,
    /// Whether a container that was made is there until somebody deletes it; a plain `run` deletes its own.
    pub stays: bool,
    /// The options before the subcommand.
    pub global: Global<'a>,
}

/// The options before the subcommand that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Global<'a> {
    /// `--root`, where the runtime keeps its state.
    pub root: Option<&'a OsStr>,
    /// `--log`, where the engine looks for an error.
    pub log: Option<&'a OsStr>,
    /// `--log-format`
    pub log_format: Option<&'a OsStr>,
    /// crun's `--cgroup-manager`
    pub cgroup_manager: Option<&'a OsStr>,
}

impl Invocation<'_> {
    /// The file that the runtime reads the spec from, relative to the working directory or absolute.
    #[must_use]
    pub fn spec_path(&self) -> PathBuf {
        let bundle = self.bundle.map_or(Path::new(""), Path::new);
        match self.config {
            // To crun the bare name means the bundle's file, any other one is relative to the working directory.
            Some(config) if config != "config.json" => PathBuf::from(config),
            _ => crate::spec::bundle::spec_path(bundle),
        }
    }

    /// Whether the runtime was told to leave cgroups alone.
    #[must_use]
    pub fn cgroups_disabled(&self) -> bool {
        self.global.cgroup_manager.is_some_and(|name| name == "disabled")
    }
}

/// Reads the arguments behind the program's name.
#[must_use]
pub fn parse<'a>(flavor: Flavor, args: &[&'a OsStr]) -> CommandLine<'a> {
    let mut reader = Reader::new(flavor, args);
    let mut global = Global::default();
    let unclear = |why, subcommand, global| CommandLine::Unrecognized { why, subcommand, global };
    let word = loop {
        match reader.read(&[flavor.global()]) {
            Ok(None | Some(Item::Help)) => return CommandLine::Other,
            Ok(Some(Item::Option(name, value))) => global.take(name, value),
            Ok(Some(Item::Word(word))) => break word,
            Err(why) => return unclear(why, None, global),
        }
    };
    let Some(subcommand) = Subcommand::named(word) else { return CommandLine::Other };
    reader.begin_verb();
    match container(&mut reader, flavor, subcommand, &mut global) {
        Ok(Some(invocation)) => CommandLine::Container(invocation),
        Ok(None) => CommandLine::Other,
        // Nothing hangs on an unclear delete.
        Err(_) if subcommand == Subcommand::Delete => CommandLine::Other,
        Err(why) => unclear(why, Some(subcommand), global),
    }
}

/// The part behind the subcommand; `None` for a request for help.
fn container<'a>(
    reader: &mut Reader<'_, 'a>,
    flavor: Flavor,
    subcommand: Subcommand,
    global: &mut Global<'a>,
) -> Result<Option<Invocation<'a>>, String> {
    // runc's next release takes its global options behind the subcommand too; the ones before it refuse them.
    let own = flavor.of_verb(subcommand);
    let with_global = [own, flavor.global()];
    let tables = if flavor == Flavor::Runc { &with_global[..] } else { &with_global[..1] };
    let (mut bundle, mut config, mut process): (Option<&OsStr>, _, _) = (None, None, None);
    let mut words = Vec::new();
    loop {
        if !words.is_empty() && !reads_on(flavor, subcommand, words.len()) {
            // What follows belongs to exec's command; to the others it is too much, and they say so themselves.
            words.extend(reader.rest());
            break;
        }
        match reader.read(tables)? {
            None => break,
            Some(Item::Help) => return Ok(None),
            Some(Item::Option("bundle", value)) => bundle = value,
            Some(Item::Option("config", value)) => config = value,
            Some(Item::Option("process", value)) => process = value,
            Some(Item::Option(name, value)) => global.take(name, value),
            Some(Item::Word(word)) => words.push(word),
        }
    }
    let id = match words.as_slice() {
        [] => return Err("there is no container id".to_owned()),
        [id] => id,
        [id, ..] if subcommand == Subcommand::Exec => id,
        [_, second, ..] => return Err(format!("there is a second container id, {:?}", second.to_string_lossy())),
    };
    // An empty bundle is the working directory to Go and an error to the others.
    if flavor == Flavor::Crun && bundle.is_some_and(OsStr::is_empty) {
        return Err("the bundle is empty".to_owned());
    }
    let bundle = bundle.filter(|bundle| !bundle.is_empty());
    let stays = subcommand != Subcommand::Run || (reader.saw("keep") || reader.saw("detach"));
    Ok(Some(Invocation { subcommand, id, bundle, config, process, stays, global: *global }))
}

/// Whether options are still read behind that many words.
fn reads_on(flavor: Flavor, subcommand: Subcommand, words: usize) -> bool {
    match (flavor, subcommand) {
        (Flavor::Crun | Flavor::Runsc, _) | (Flavor::Runc, Subcommand::Exec) => false,
        (Flavor::Youki, Subcommand::Exec) => words < 2,
        (Flavor::Runc | Flavor::Youki, _) => true,
    }
}

impl<'a> Global<'a> {
    fn take(&mut self, name: &str, value: Option<&'a OsStr>) {
        match name {
            "root" => self.root = value,
            "log" => self.log = value,
            "log-format" => self.log_format = value,
            "cgroup-manager" => self.cgroup_manager = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    /// `subcommand id bundle`, with `.` for the working directory; `other`; or `unclear`.
    fn read(flavor: Flavor, line: &str) -> String {
        let args: Vec<&OsStr> = line.split(' ').filter(|word| !word.is_empty()).map(OsStr::new).collect();
        match parse(flavor, &args) {
            CommandLine::Other => "other".into(),
            CommandLine::Unrecognized { .. } => "unclear".into(),
            CommandLine::Container(it) => {
                let file = it.spec_path();
                let subcommand = format!("{:?}", it.subcommand).to_lowercase();
                format!("{subcommand} {} {}", it.id.to_str().unwrap(), file.to_str().unwrap())
            }
        }
    }

    fn table(flavor: Flavor, cases: &[(&str, &str)]) {
        for (line, expected) in cases {
            assert_eq!(read(flavor, line), *expected, "{} {line}", flavor.name());
        }
    }

    #[test]
    fn runc_reads_go_flags_in_any_place() {
        table(
            Flavor::Runc,
            &[
                ("--root /r --log l --log-format json create --bundle B id", "create id B/config.json"),
                ("create -bundle B id", "create id B/config.json"),
                ("create -b=B id", "create id B/config.json"),
                ("create --b B id", "create id B/config.json"),
                ("create id --bundle B", "create id B/config.json"),
                ("create --bundle A id --bundle=B", "create id B/config.json"),
                ("create id", "create id config.json"),
                ("create --bundle= id", "create id config.json"),
                ("run --keep --bundle B run", "run run B/config.json"),
                ("create create", "create create config.json"),
                ("--log create run --bundle B id", "run id B/config.json"),
                ("create --bundle --no-pivot id", "create id --no-pivot/config.json"),
                ("-- create -- --id", "create --id config.json"),
                ("create --no-pivot=false id", "create id config.json"),
                ("create --root /r id", "create id config.json"),
                ("restore --detach -no-subreaper --bundle B id", "restore id B/config.json"),
                ("exec --process p id create --bundle X", "exec id config.json"),
                ("delete --force create", "delete create config.json"),
                ("state create", "other"),
                ("kill create 9", "other"),
                ("--version create id", "other"),
                ("create --help", "other"),
                ("", "other"),
                ("frobnicate --bundle B id", "other"),
                ("create - --bundle B", "unclear"),
                ("create -bB id", "unclear"),
                ("create -db B id", "unclear"),
                ("create a b", "unclear"),
                ("create", "unclear"),
                ("create --bundle", "unclear"),
                ("--frobnicate create id", "unclear"),
            ],
        );
    }

    #[test]
    fn crun_reads_abbreviations_clusters_and_another_file() {
        table(
            Flavor::Crun,
            &[
                ("create --bundle B id", "create id B/config.json"),
                ("create --bund B id", "create id B/config.json"),
                ("create --b=B id", "create id B/config.json"),
                ("create -bB id", "create id B/config.json"),
                ("create -b=B id", "create id =B/config.json"),
                ("create -bundle id", "create id undle/config.json"),
                ("run -db B id", "run id B/config.json"),
                ("run -dbB id", "run id B/config.json"),
                ("create --config other.json --bundle B id", "create id other.json"),
                ("create -f config.json -b B id", "create id B/config.json"),
                ("create --conf /a/c.json id", "create id /a/c.json"),
                ("--cgroup-manager=disabled --root R run id", "run id config.json"),
                ("--cgroup-m disabled create id", "create id config.json"),
                ("--program-name x create id", "create id config.json"),
                ("exec -tp FILE id", "exec FILE config.json"),
                ("exec -dp FILE id sh", "exec id config.json"),
                ("create --usage", "other"),
                ("-V", "other"),
                ("create --bundle= id", "unclear"),
                ("create --con x id", "unclear"),
                ("create id --bundle B", "unclear"),
                ("create --no-pivot=1 id", "unclear"),
                ("exec --proc p id", "unclear"),
                ("create -x id", "unclear"),
            ],
        );
    }

    #[test]
    fn youki_reads_as_clap_does() {
        table(
            Flavor::Youki,
            &[
                ("-l log -r root create --bundle B id", "create id B/config.json"),
                ("create -b=B id", "create id B/config.json"),
                ("create -bB -p pid id", "create id B/config.json"),
                ("run -db B id", "run id B/config.json"),
                ("create id --bundle B", "create id B/config.json"),
                ("exec id -p FILE sh -c x", "exec id config.json"),
                ("create --bundle --no-pivot id", "unclear"),
                ("create --bundle= id", "unclear"),
                ("create --no-pivot=false id", "unclear"),
                ("-- create id", "unclear"),
                ("--rootless true create id", "unclear"),
            ],
        );
    }

    #[test]
    fn runsc_stops_at_the_first_word() {
        table(
            Flavor::Runsc,
            &[
                ("--root=/r --rootless create --bundle B id", "create id B/config.json"),
                ("create -bundle=B id", "create id B/config.json"),
                ("create id --bundle B", "unclear"),
                ("create -b B id", "unclear"),
                ("--some-new-flag create id", "unclear"),
                ("--platform create run id", "run id config.json"),
            ],
        );
    }

    #[test]
    fn what_matters_of_the_global_options_is_kept() {
        let args = [
            "--log=file:/l",
            "--log-format",
            "json",
            "--root",
            "/r",
            "--cgroup-manager",
            "disabled",
            "exec",
            "-p",
            "P",
            "c",
        ];
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let CommandLine::Container(it) = parse(Flavor::Crun, &args) else { panic!("not read") };
        assert_eq!(
            (it.global.log, it.global.root, it.process),
            (Some(OsStr::new("file:/l")), Some(OsStr::new("/r")), Some(OsStr::new("P")))
        );
        assert!(it.cgroups_disabled());
    }

    #[test]
    fn a_plain_run_deletes_its_container_itself() {
        let stays = |flavor: Flavor, line: &str| {
            let args: Vec<&OsStr> = line.split(' ').map(OsStr::new).collect();
            let CommandLine::Container(it) = parse(flavor, &args) else { panic!("not read: {line}") };
            it.stays
        };
        for line in ["create id", "run --keep id", "run -d id", "run --detach id", "restore id"] {
            assert!(stays(Flavor::Runc, line), "{line}");
        }
        assert!(stays(Flavor::Crun, "run -db B id") && stays(Flavor::Youki, "run -db B id"));
        assert!(!stays(Flavor::Runc, "run id") && !stays(Flavor::Runc, "run --keep=false id"));
    }

    #[test]
    fn bytes_are_bytes() {
        let bundle = OsStr::from_bytes(b"/b/\xff");
        let args = [OsStr::new("run"), OsStr::new("--bundle"), bundle, OsStr::from_bytes(b"\xfe")];
        let CommandLine::Container(it) = parse(Flavor::Runc, &args) else { panic!("not read") };
        assert_eq!((it.bundle, it.id.as_bytes()), (Some(bundle), &b"\xfe"[..]));
    }

    proptest::proptest! {
        #[test]
        fn no_command_line_makes_it_panic(words in proptest::collection::vec("[-=a-z.]{0,9}|--bundle|create|exec|-b|--", 0..8)) {
            let args: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
            for flavor in [Flavor::Runc, Flavor::Crun, Flavor::Youki, Flavor::Runsc] {
                let _ = parse(flavor, &args);
            }
        }
    }
}
