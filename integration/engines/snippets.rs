//! The files of `hooks/`: each is read by the engine that it is for, or where that is not at hand, is well formed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::support::{Scenario, Suite, binary, repository, run};

pub(crate) const NEEDS_ENGINES: &[&str] = &["containerd", "newest/containerd", "systemd-analyze"];

/// Where the shipped files expect our binaries.
const INSTALLED: [&str; 3] = ["/usr/local/bin/oomshim-runc", "/usr/local/bin/oomshim-hook", "/usr/local/bin/oomshim"];

pub(crate) fn scenarios(_: &Arc<Suite>) -> Vec<Scenario> {
    vec![
        Scenario::new("every file is well formed, says where it goes and is in the README", every_file),
        Scenario::new("every file names our binaries where make install puts them", binaries),
        Scenario::new("a file that is malformed is noticed", malformed),
    ]
}

/// Those that the other files' scenarios do not start their engines with.
pub(crate) fn scenarios_of_engines(suite: &Arc<Suite>) -> Vec<Scenario> {
    let scenario = |name, run: fn(&Suite) -> Result<()>| {
        let suite = Arc::clone(suite);
        Scenario::new(name, move || run(&suite))
    };
    vec![scenario("containerd takes its configuration", containerd), scenario("systemd takes the drop-ins", systemd)]
}

/// Every file below `hooks/`, relative to it.
fn files() -> Result<Vec<PathBuf>> {
    let root = repository().join("hooks");
    let (mut waiting, mut files) = (vec![root.clone()], Vec::new());
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                files.push(path.strip_prefix(&root)?.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn text(file: &Path) -> Result<String> {
    Ok(std::fs::read_to_string(repository().join("hooks").join(file))?)
}

/// Whether the text is what the file's name promises.
fn parse(file: &Path, text: &str) -> Result<()> {
    let toml = |text: &str| toml::from_str::<toml::Table>(text).map(|_| ()).context("TOML");
    let kind = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match (kind, file.starts_with("systemd")) {
        ("json", _) => serde_json::from_str::<serde_json::Value>(text).map(|_| ()).context("JSON"),
        ("conf" | "service", true) => unit(text),
        ("toml" | "conf", _) => toml(text),
        // The catalog is held against the list of messages by a unit test of src/log.
        ("md", _) | ("catalog", true) => Ok(()),
        _ => anyhow::bail!("what kind of file is that?"),
    }
    .with_context(|| file.display().to_string())
}

/// systemd's own check is a scenario of its own; this one needs no systemd.
fn unit(text: &str) -> Result<()> {
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    ensure!(matches!(lines.next(), Some("[Unit]" | "[Service]")), "the first line should be a section");
    let sections = ["[Unit]", "[Service]", "[Install]"];
    lines.try_for_each(|line| {
        ensure!(line.contains('=') || sections.contains(&line), "{line:?} is neither an assignment nor a section");
        Ok(())
    })
}

fn every_file() -> Result<()> {
    let files = files()?;
    ensure!(files.len() > 12, "found only {files:?}");
    let readme = text(Path::new("README.md"))?;
    for file in &files {
        let content = text(file)?;
        parse(file, &content)?;
        let name = file.to_str().context("a name that is text")?;
        ensure!(name == "README.md" || readme.contains(&format!("| `{name}` |")), "README.md has no row for {name}");
        let kind = file.extension().unwrap_or_default();
        let elsewhere = kind == "json" || kind == "md" || kind == "catalog" || name == "policy.toml";
        ensure!(elsewhere || content.starts_with("# For /etc/"), "{name} does not say where it goes");
    }
    let hooks: Vec<_> = files.iter().filter(|file| file.starts_with("hooks.d")).collect();
    ensure!(hooks.len() == 4, "{hooks:?}");
    for file in hooks {
        let hook: serde_json::Value = serde_json::from_str(&text(file)?)?;
        let stage = hook["stages"][0].as_str().context("a stage")?;
        ensure!(hook["version"] == "1.0.0" && hook["when"].is_object(), "{}", file.display());
        // An engine fails every container on a hook that hangs, but only if it has a time limit.
        ensure!(hook["hook"]["timeout"].as_u64().is_some_and(|seconds| seconds > 0), "{}", file.display());
        ensure!(hook["hook"]["args"][1] == stage, "{}: the argument is not the stage", file.display());
    }
    Ok(())
}

fn binaries() -> Result<()> {
    let mut named = 0;
    for file in files()? {
        for line in text(&file)?.lines() {
            for (at, _) in line.match_indices("/usr/local/bin/oomshim") {
                let path = line[at..].split(|end: char| !(end.is_ascii_alphanumeric() || "/-".contains(end))).next();
                let path = path.unwrap_or_default();
                let known = INSTALLED.contains(&path) || path == "/usr/local/bin/oomshim-crun";
                ensure!(known, "{}: {path} is not installed by anybody", file.display());
                named += 1;
            }
        }
    }
    ensure!(named > 10, "found only {named} paths");
    Ok(())
}

fn malformed() -> Result<()> {
    for (file, text) in [
        ("a.json", "{\"version\": }"),
        ("a.toml", "[worker.oci\n"),
        ("a.conf", "runtime = oomshim\n"),
        ("systemd/a.conf", "[Service]\nOOMScoreAdjust -1000\n"),
        ("a.sh", ""),
    ] {
        ensure!(parse(Path::new(file), text).is_err(), "{file} should have been refused: {text:?}");
    }
    Ok(())
}

/// `containerd config dump` reads a file as the daemon does, and prints what comes of it.
fn containerd(suite: &Suite) -> Result<()> {
    let directory = suite.directory("snippets")?;
    let cases = [
        ("containerd", "config-v2.toml", "io.containerd.grpc.v1.cri"),
        ("newest/containerd", "config-v2.toml", "io.containerd.cri.v1.runtime"),
        ("newest/containerd", "config-v3.toml", "io.containerd.cri.v1.runtime"),
    ];
    let shim = binary("oomshim-runc")?.display().to_string();
    for (program, name, plugin) in cases {
        let file = directory.join(name);
        std::fs::write(&file, Suite::snippet(&format!("containerd/{name}"))?)?;
        let mut command = Command::new(suite.program(program)?);
        let dump = run(command.arg("--config").arg(&file).args(["config", "dump"]))?.stdout()?;
        let dump: toml::Table = toml::from_str(&dump)?;
        let containerd = &dump["plugins"][plugin]["containerd"];
        let story = format!("{program} with {name}: {containerd:?}");
        ensure!(containerd["default_runtime_name"].as_str() == Some("runc"), "pods keep their runtime: {story}");
        let runtime = &containerd["runtimes"]["oomshim"];
        ensure!(runtime["options"]["BinaryName"].as_str() == Some(&shim), "{story}");
        ensure!(runtime["options"]["SystemdCgroup"].as_bool() == Some(true), "{story}");
        ensure!(runtime["pod_annotations"][0].as_str() == Some("oomshim.class"), "{story}");
    }
    Ok(())
}

/// systemd reads each drop-in together with a unit of that name; what it does not understand it says.
fn systemd(suite: &Suite) -> Result<()> {
    let root = suite.directory("systemd")?;
    for (unit, daemon) in [
        ("docker", "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"),
        ("containerd", "/usr/bin/containerd"),
        ("buildkit", "/usr/local/bin/buildkitd --addr fd://"),
    ] {
        let units = root.join(unit);
        let directory = units.join(format!("{unit}.service.d"));
        std::fs::create_dir_all(&directory)?;
        // systemd wants programs that are there; that the command line is the daemon's is what counts.
        let program = daemon.split(' ').next().unwrap_or_default();
        let there = |text: &str| text.replace("/usr/local/bin/oomshim protect", "/bin/sh").replace(program, "/bin/sh");
        let drop_in = Suite::snippet(&format!("systemd/{unit}.service.d/oomshim.conf"))?;
        let replaces = drop_in.contains("ExecStart=\n");
        ensure!(!replaces || drop_in.contains(&format!("oomshim protect -- {daemon}\n")), "{unit}: {drop_in}");
        std::fs::write(directory.join("oomshim.conf"), there(&drop_in))?;
        let file = units.join(format!("{unit}.service"));
        let description = format!("[Unit]\nDescription={unit}\n[Service]\nType=notify\nExecStart={daemon}\n");
        std::fs::write(&file, there(&description))?;
        let verify = |file: &Path| -> Result<String> {
            run(Command::new(suite.program("systemd-analyze")?).arg("verify").arg("--man=no").arg(file))?.said()
        };
        // What it says about other units of the machine is not ours.
        let ours = |said: String| said.lines().filter(|line| line.contains("oomshim")).map(str::to_owned).collect();
        let said: Vec<String> = ours(verify(&file)?);
        ensure!(said.is_empty(), "{said:?}");
        std::fs::write(directory.join("oomshim.conf"), "[Service]\nOOMScoreAdjst=-1000\n")?;
        let said: Vec<String> = ours(verify(&file)?);
        ensure!(!said.is_empty(), "a mistake should have been noticed");
    }
    Ok(())
}
