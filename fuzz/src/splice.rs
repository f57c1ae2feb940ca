//! A remedy's settings, spliced into an engine's configuration.

use std::path::Path;

use oomshim::install::splice as splicing;

const FRAGMENTS: [(&str, &str); 5] = [
    ("buildkitd.toml", "[worker.oci]\nbinary = \"/usr/local/bin/oomshim-runc\""),
    (
        "daemon.json",
        "{\"runtimes\":{\"oomshim\":{\"path\":\"/usr/local/bin/oomshim-runc\"}},\"default-runtime\":\"oomshim\"}",
    ),
    (
        "config.toml",
        "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.oomshim]\nruntime_type = \"io.containerd.runc.v2\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.oomshim.options]\nBinaryName = \"/usr/local/bin/oomshim-runc\"",
    ),
    (
        "containers.conf",
        "[engine]\nruntime = \"oomshim\"\n[engine.runtimes]\noomshim = [\"/usr/local/bin/oomshim-crun\"]",
    ),
    (
        "crio.conf",
        "[crio.runtime]\ndefault_runtime = \"oomshim\"\n[crio.runtime.runtimes.oomshim]\nruntime_path = \"/usr/local/bin/oomshim-crun\"",
    ),
];

/// The last byte chooses the settings. Twice is once, and every line of the old text that is not a setting's stays.
pub fn splice(data: &[u8]) {
    let Some((choice, text)) = data.split_last() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (name, fragment) = FRAGMENTS[usize::from(*choice) % FRAGMENTS.len()];
    let fragment: Vec<String> = fragment.lines().map(str::to_owned).collect();
    let Ok(after) = splicing::merge(Path::new(name), text, &fragment) else { return };
    assert_eq!(splicing::merge(Path::new(name), &after, &fragment), Ok(after.clone()), "twice is not once");
    for line in text.lines().filter(|line| line.trim_start().starts_with('#')) {
        assert!(name.ends_with(".json") || after.contains(line), "{line:?} is lost");
    }
}
