//! A machine in a directory: the files of a case of the corpus, the programs of all engines, and oomshim.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::binary;

/// What tells containerd 2 from 1: the name of the plugin in version 3 of its configuration.
const CONTAINERD_2: &str = "io.containerd.cri.v1.runtime io.containerd.server.v1";

pub(crate) struct Machine {
    directory: tempfile::TempDir,
    pub engine: String,
}

/// The directory of the corpus.
pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/install")
}

/// The names of all cases.
pub(crate) fn cases() -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

impl Machine {
    /// The machine of a case. Its name begins with the engine's.
    pub(crate) fn of(case: &str) -> Machine {
        const ENGINES: [&str; 7] = ["buildkitd", "docker", "containerd", "cri-o", "k3s", "rke2", "podman"];
        let engine = ENGINES.into_iter().find(|engine| case.starts_with(&format!("{engine}-")));
        let engine = engine.unwrap_or_else(|| panic!("{case} begins with no engine's name")).to_owned();
        let machine = Machine { directory: tempfile::tempdir().unwrap(), engine };
        copy(&corpus().join(case), machine.root());
        for program in ["buildkitd", "dockerd", "crio", "podman", "runc", "crun", "conmon", "nvidia-container-runtime"]
        {
            machine.program(&format!("usr/bin/{program}"), "DOCKER_BUILDKIT_RUNC_COMMAND");
        }
        machine.program("usr/bin/containerd", if case.contains("-1.7-") { "" } else { CONTAINERD_2 });
        machine.program("usr/local/bin/oomshim-runc", "");
        fs::create_dir_all(machine.root().join("etc/systemd/system")).unwrap();
        machine
    }

    fn program(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn words(&self, command: &str) -> Vec<String> {
        let program = binary("oomshim").to_str().unwrap().to_owned();
        let root = self.root().to_str().unwrap();
        vec![program, command.to_owned(), "--root".to_owned(), root.to_owned(), self.engine.clone()]
    }

    pub(crate) fn call(&self, command: &str, options: &[&str]) -> Output {
        let words = self.words(command);
        Command::new(&words[0]).args(&words[1..]).args(options).output().unwrap()
    }

    /// Every file and link, with its bytes and its mode; journals aside.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
        let mut all = BTreeMap::new();
        walk(self.root(), &mut all);
        let root = self.root().to_owned();
        let journals = root.join("var/lib/oomshim");
        all.into_iter()
            .filter(|(path, _)| !path.starts_with(&journals))
            .map(|(path, file)| (path.strip_prefix(&root).unwrap().to_owned(), file))
            .collect()
    }

    /// Whether no journal is left.
    pub(crate) fn has_journal(&self) -> bool {
        fs::read_dir(self.root().join("var/lib/oomshim/install")).is_ok_and(|mut entries| entries.next().is_some())
    }
}

fn walk(directory: &Path, all: &mut BTreeMap<PathBuf, (Vec<u8>, u32)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let stat = path.symlink_metadata().unwrap();
        if stat.is_dir() {
            walk(&path, all);
        } else if stat.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            all.insert(path, (target.into_os_string().into_encoded_bytes(), 0));
        } else {
            let bytes = fs::read(&path).unwrap();
            all.insert(path, (bytes, stat.permissions().mode()));
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if entry.file_name() != ".keep" {
            let bytes = fs::read(entry.path()).unwrap();
            fs::write(&target, &bytes).unwrap();
            let mode = if bytes.starts_with(b"#!exe") { 0o755 } else { 0o640 };
            fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}
