//! Kubernetes manifests that have pods in them, and `RuntimeClass`es.

use std::path::Path;

use super::{Claim, Definition, Name, Syntax, has_extension};
use crate::json::Node;
use crate::lint::kubernetes_view::objects;

pub(super) const DEFINITION: Definition = Definition {
    word: "kubernetes",
    title: "Kubernetes manifest",
    syntaxes: &[Syntax::Yaml, Syntax::Json],
    name: |name: &Path| {
        if ["yaml", "yml", "json"].iter().any(|it| has_extension(name, it)) { Name::Possible } else { Name::Other }
    },
    claim: |root: Node<'_>| if objects(root).next().is_some() { Claim::Certain } else { Claim::No },
    seems: |text| {
        let begins = |word: &str| text.lines().any(|line| line.starts_with(word));
        begins("apiVersion:") && begins("kind:") && text.contains("containers:")
    },
};
