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
            ("state create", "state create config.json"),
            ("kill --all create 9", "kill create config.json"),
            ("update --resources - create", "update create config.json"),
            ("ps --format json create -x", "ps create config.json"),
            ("events --stats --interval 5s create", "events create config.json"),
            ("list --format json", "other"),
            ("--help=false -v=F create --help=0 id", "create id config.json"),
            ("--help=true create id", "other"),
            ("--help=maybe create id", "unclear"),
            ("delete --new-option id", "unclear"),
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
            ("kill -a id 9", "kill id config.json"),
            ("--help=false create id", "other"),
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
            ("--help=false create id", "unclear"),
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
    assert_eq!(it.cgroup_manager(), CgroupManager::Disabled);
}

#[test]
fn a_plain_run_deletes_its_container_itself() {
    let deleted_by = |flavor: Flavor, line: &str| {
        let args: Vec<&OsStr> = line.split(' ').map(OsStr::new).collect();
        let CommandLine::Container(it) = parse(flavor, &args) else { panic!("not read: {line}") };
        it.deleted_by
    };
    for line in ["create id", "run --keep id", "run -d id", "run --detach id", "restore id"] {
        assert_eq!(deleted_by(Flavor::Runc, line), DeletedBy::Engine, "{line}");
    }
    for flavor in [Flavor::Crun, Flavor::Youki] {
        assert_eq!(deleted_by(flavor, "run -db B id"), DeletedBy::Engine);
    }
    for line in ["run id", "run --keep=false id", "run --detach=0 id"] {
        assert_eq!(deleted_by(Flavor::Runc, line), DeletedBy::Runtime, "{line}");
    }
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
