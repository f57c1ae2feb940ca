//! README and the pages of `docs/` show the same lines as the files in `hooks/`, forget none of them, and link to pages
//! that exist.
//!
//! A block that stands behind `<!-- hooks/FILE -->` is a run of that file's lines, comments and blank lines
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
        if !file.starts_with("hooks/") {
            continue;
        }
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

/// README and everything below docs/: the page's path and its text.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = files(&root().join("docs")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "md"));
    let all = ["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)).into_iter().chain(docs);
    all.map(|path| (path.clone(), read(&path))).collect()
}

#[test]
fn blocks_show_what_their_files_say() {
    let mut count = 0;
    for (page, text) in pages() {
        for (file, block) in blocks(&text) {
            let text = read(&root().join(file));
            let (shown, real) = (significant(&block), significant(&text));
            assert!(!shown.is_empty(), "{}: the block of {file} is empty", page.display());
            let found = real.windows(shown.len()).any(|run| run == shown);
            assert!(found, "{} and {file} differ: the page has\n{block}", page.display());
            count += 1;
        }
    }
    assert!(count >= 9, "only {count} blocks name a file");
}

#[test]
fn pages_name_every_file_of_hooks() {
    let pages = pages();
    for path in files(&root().join("hooks")) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        // hooks/README.md is about the files beside it.
        let named = name == "hooks/README.md" || pages.iter().any(|(_, text)| text.contains(&name));
        assert!(named, "neither README nor a page of docs/ names {name}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for (page, text) in pages() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap();
            if path.is_empty() || path.contains("://") || path.contains(char::is_whitespace) {
                continue;
            }
            let full = page.parent().unwrap().join(path);
            assert!(full.exists(), "{}: the link to {target} leads nowhere", page.display());
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} links were looked at");
}

#[test]
fn every_page_is_linked_from_the_front_page_or_the_summary() {
    let front = read(&root().join("README.md")) + &read(&root().join("docs/SUMMARY.md"));
    for (page, _) in pages() {
        let name = page.strip_prefix(root()).unwrap().to_str().unwrap();
        let linked = front.contains(name.strip_prefix("docs/").unwrap_or(name));
        assert!(
            linked || ["README.md", "docs/SUMMARY.md"].contains(&name),
            "neither README nor docs/SUMMARY.md links to {name}"
        );
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
