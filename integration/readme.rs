//! README shows the same lines as the files in `hooks/`, and forgets none of them.
//!
//! A block of README that stands behind `<!-- hooks/FILE -->` is a run of that file's lines, comments and blank lines
//! aside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines that an engine reads, without their indentation.
fn significant(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The labelled blocks of a Markdown text: the file and the block.
fn blocks(markdown: &str) -> Vec<(&str, String)> {
    let mut lines = markdown.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(file) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let fence = lines.next().unwrap_or_default();
        assert!(fence.starts_with("```"), "behind the marker of {file} stands {fence:?} and no block");
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push((file, block.join("\n")));
    }
    blocks
}

/// The files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_block_is_a_run_of_lines_of_the_file_that_it_names() {
    let readme = read(&root().join("README.md"));
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 9, "only {} blocks name a file", blocks.len());
    for (file, block) in blocks {
        let text = read(&root().join(file));
        let (shown, real) = (significant(&block), significant(&text));
        assert!(!shown.is_empty(), "the block of {file} is empty");
        assert!(real.windows(shown.len()).any(|run| run == shown), "README and {file} differ: README has\n{block}");
    }
}

#[test]
fn every_file_of_hooks_is_named() {
    let readme = read(&root().join("README.md"));
    for path in files(&root().join("hooks")) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        assert!(readme.contains(&name), "README does not name {name}");
    }
}

#[test]
fn a_block_without_its_fence_or_with_another_line_would_be_noticed() {
    let markdown = "text\n<!-- hooks/a -->\n```toml\n# told\n[x]\n  y = 1\n```\n```\nother\n```\n";
    let found = blocks(markdown);
    assert_eq!(found, [("hooks/a", "# told\n[x]\n  y = 1".to_owned())]);
    assert_eq!(significant(&found[0].1), ["[x]", "y = 1"]);
    assert!(std::panic::catch_unwind(|| blocks("<!-- hooks/a -->\n\n```\n```\n")).is_err());
}
