//! The templates from which k3s and rke2 make containerd's `config.toml`.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};

pub(super) const DEFINITION: Definition = Definition {
    word: "containerd-template",
    title: "containerd template of k3s and rke2",
    syntaxes: &[Syntax::Text],
    name,
    claim: |_| Claim::No,
    seems,
};

/// Nothing else is read by k3s and rke2; a copy may be called as it likes.
fn name(name: &Path) -> Name {
    match last_two(name) {
        (_, "config.toml.tmpl" | "config-v3.toml.tmpl") => Name::Usual,
        _ if has_extension(name, "tmpl") => Name::Possible,
        _ => Name::Other,
    }
}

/// Others have a `config.toml.tmpl` too: that it includes k3s's base, what it is rendered with, or the directories of
/// k3s and rke2 in a copy tell.
fn seems(text: &str) -> bool {
    let includes_base = |action: &str| action.trim_start_matches('-').trim_start().starts_with("template \"base\"");
    let is_containerd = ["io.containerd.", "[plugins", "imports", "version", "[debug]"];
    match () {
        () if text.contains(".NodeConfig.") => true,
        () if text.split("{{").skip(1).any(includes_base) => is_containerd.iter().any(|word| text.contains(word)),
        () => text.contains("io.containerd.") && text.contains("/rancher/"),
    }
}
