//! containerd's `config.toml`, and the files that it imports.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension, last_two};
use crate::json::Kind;
use crate::json::Node;

pub(super) const DEFINITION: Definition = Definition {
    word: "containerd",
    title: "containerd config.toml",
    syntaxes: &[Syntax::Toml],
    name,
    claim,
    seems: |text| {
        let has_score = || text.lines().any(|line| line.starts_with("oom_score"));
        has_score() || (text.contains("[plugins.") && text.contains("io.containerd."))
    },
};

/// Its own `config.toml` is known by its directory; the name alone is everybody's.
fn name(name: &Path) -> Name {
    match last_two(name) {
        ("containerd", "config.toml") => Name::Usual,
        _ if has_extension(name, "toml") => Name::Possible,
        _ => Name::Other,
    }
}

/// `version`, `root` and even `plugins` are anybody's; the names of plugins, their lists and the score are not.
fn claim(root: Node<'_>) -> Claim {
    let of = |name: &'static str, kind: Kind| root.field(name).filter(|node| node.kind() == kind);
    let is_plugin = |name: &str| name.starts_with("io.containerd.");
    let mut plugins = of("plugins", Kind::Object).into_iter().flat_map(Node::children);
    let has_plugin = plugins.any(|plugin| {
        let is_first = || plugin.key().is_some_and(|key| key == "cri") && plugin.field("containerd").is_some();
        plugin.key().is_some_and(|key| is_plugin(&key)) || is_first()
    });
    let lists = ["disabled_plugins", "required_plugins"].into_iter().filter_map(|name| of(name, Kind::Array));
    let mut names = lists.flat_map(Node::items).filter_map(Node::text);
    let has_list = names.any(|name| is_plugin(&name) || name == "cri");
    let has_proxy =
        of("proxy_plugins", Kind::Object).is_some_and(|it| it.children().any(|it| it.field("address").is_some()));
    let is_file = |name: &str| has_extension(Path::new(name), "toml") || name.contains('*');
    let mut imported = of("imports", Kind::Array).into_iter().flat_map(Node::items).filter_map(Node::text);
    let imports = of("version", Kind::Number).is_some() && imported.any(|name| is_file(&name));
    let is_other = root.field("plugins").is_some_and(|plugins| !plugins.is_object());
    match () {
        () if is_other => Claim::No,
        () if has_plugin || has_list || has_proxy || imports || root.field("oom_score").is_some() => Claim::Certain,
        () => Claim::Possible,
    }
}
