//! Holds the direction of dependencies between the modules of this crate, by the paths that begin with `crate::`.
//!
//! A module may use those of its own layer and of the layers behind it, and never in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From the entry points down to what knows nothing of oomshim. docs/architecture.md says what is in each.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &[
        "doctor",
        "effective",
        "explain",
        "guard",
        "hook",
        "image",
        "install",
        "lint",
        "protect",
        "rank",
        "report",
        "run",
        "shim",
    ],
    &["engines", "policy", "registry", "runtime"],
    &["json", "log", "picture", "spec"],
    &["fsutil", "system", "text"],
];

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|layer| layer.contains(&module));
    found.unwrap_or_else(|| panic!("the module {module} has no layer in src/layout_test.rs"))
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}

/// Which modules each uses, tests left out: they may borrow what they like.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    for file in sources(&root) {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        let is_test = inside.file_stem().unwrap().to_str().unwrap().ends_with("tests");
        if matches!(module, "bin" | "lib" | "layout_test") || is_test {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let used = all.entry(module.to_owned()).or_default();
        for line in lines {
            for part in line.split("crate::").skip(1) {
                let name: String = part.chars().take_while(|&it| it.is_ascii_lowercase() || it == '_').collect();
                if !name.is_empty() && name != module {
                    used.insert(name);
                }
            }
        }
    }
    all
}

#[test]
fn dependencies_point_one_way() {
    let uses = uses();
    assert!(uses.len() > 12 && uses["cli"].contains("lint"), "{uses:?}");
    for (module, used) in &uses {
        for other in used {
            assert!(layer(module) <= layer(other), "{module} uses {other}, which stands above it");
        }
    }
}

#[test]
fn no_modules_use_each_other() {
    let mut left = uses();
    while !left.is_empty() {
        let names: BTreeSet<String> = left.keys().cloned().collect();
        let free: Vec<String> =
            left.iter().filter(|(_, used)| used.is_disjoint(&names)).map(|(name, _)| name.clone()).collect();
        assert!(!free.is_empty(), "these use each other in a circle: {left:?}");
        left.retain(|name, _| !free.contains(name));
    }
}
