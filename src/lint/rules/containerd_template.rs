//! `containerd-template`: a template of k3s or rke2 from which containerd does not start.

use std::collections::HashSet;

use crate::lint::rule::prelude::*;
use crate::lint::template_view::{self, Template};

pub(super) struct ContainerdTemplate;

/// The CRI plugin's names in the files of version 2 and 3.
const SECOND: &str = "io.containerd.grpc.v1.cri";
const THIRD: &str = "io.containerd.cri.v1.runtime";

impl Rule for ContainerdTemplate {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "containerd-template",
            summary: "a containerd template of k3s or rke2 that renders to a file which containerd refuses",
            group: Group::Deployment,
            severity: Severity::Error,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::ContainerdTemplate],
            why: prose! {
                /// k3s and rke2 render the template at each start. containerd does not start from a table that is
                /// there twice, and the whole node is down with it.
            },
            what: prose! {
                /// Go cannot parse the template; a table that `{{ template "base" . }}` has already, such as that of
                /// the runtime `runc`, is there again, or a table of its own twice; keys such as `imports` stand behind
                /// the base without a table of their own, and so belong to its last one; a table stands before the
                /// base, whose `version` then belongs to that one. Warnings are a template without the base, which
                /// keeps the defaults of the release that it was copied from; `imports` before a base that has it since
                /// 2026; and runtimes in the table of another version than the file is for (`config.toml.tmpl` is for
                /// version 2, `config-v3.toml.tmpl` for 3). What is inside of `{{if}}` or `{{range}}` is not judged.
            },
            fix: prose! {
                /// Begin with `{{ template "base" . }}` and add a runtime of a name of its own behind it, or better,
                /// put it into a file in `config-v3.toml.d` beside the template, where the rendered file imports that.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let template = template_view::read(subject.text);
        if let Some((place, why)) = &template.broken {
            return report.at(place, format!("k3s cannot parse the template: {why}")).label("no template of Go").emit();
        }
        let name = subject.name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let own = match name {
            "config-v3.toml.tmpl" => &[THIRD][..],
            "config.toml.tmpl" => &[SECOND],
            _ => &[SECOND, THIRD],
        };
        versions(&template, own, report);
        let Some(base) = template.bases.first() else {
            return report
                .at(&(0..0), "without the base template, the defaults of k3s stay those that were copied here")
                .label("no {{ template \"base\" . }}")
                .severity(Severity::Warning)
                .confidence(Confidence::Medium)
                .emit();
        };
        if let Some(again) = template.bases.get(1).filter(|again| again.is_certain && base.is_certain) {
            report.at(&again.span, "the base is there twice: containerd does not start").label("again").emit();
        }
        if base.is_certain {
            root_keys(&template, base.span.start, report);
            tables_before(&template, base.span.start, report);
        }
        twice(&template, own, report);
    }
}

/// Tables that the base has too, or that are there twice.
fn twice(template: &Template, own: &[&str], report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    for table in template.tables.iter().filter(|table| table.place.is_certain && !table.path.is_empty()) {
        let parts: Vec<&str> = table.path.iter().map(String::as_str).collect();
        let in_base = match parts[..] {
            ["plugins", "io.containerd.internal.v1.opt"] => Some(Confidence::High),
            ["plugins", plugin] | ["plugins", plugin, "containerd", "runtimes", "runc"] if own.contains(&plugin) => {
                Some(Confidence::High)
            }
            ["plugins", plugin, "containerd", "runtimes", "runc", "options"] if own.contains(&plugin) => {
                Some(Confidence::High)
            }
            // It is there for the snapshotter, which has a default.
            ["plugins", SECOND, "containerd"] if own.contains(&SECOND) => Some(Confidence::Medium),
            _ => None,
        };
        let name = table.path.join(".");
        if let Some(sure) = in_base.filter(|_| template.bases.iter().any(|base| base.is_certain)) {
            let message = format!("the base has the table {} already: containerd does not start", quote(&name));
            report.at(&table.place.span, message).label("there twice").confidence(sure).emit();
        } else if !seen.insert(&table.path) {
            let message = format!("the table {} is there twice: containerd does not start", quote(&name));
            report.at(&table.place.span, message).label("again").emit();
        }
    }
}

/// Keys without a table of their own.
fn root_keys(template: &Template, base: usize, report: &mut Report<'_>) {
    for entry in template.entries.iter().filter(|entry| entry.tables == 0 && entry.place.is_certain) {
        let place = &entry.place.span;
        let key = quote(&entry.key);
        if place.start > base {
            let message = format!("{key} stands behind the base without a table: it belongs to the base's last table");
            report.at(place, message).label("not at the top of the file").emit();
        } else if entry.key == "version" {
            let message = "the base has `version` already: containerd does not start";
            report.at(place, message).label("there twice").emit();
        } else if entry.key == "imports" {
            let message = "the base has `imports` itself since k3s of March 2026: with it containerd does not start";
            let help = "Put the file into the directory that the rendered config.toml imports.";
            let draft = report.at(place, message).label("there twice").help(help);
            draft.severity(Severity::Warning).confidence(Confidence::Medium).emit();
        }
    }
}

/// The base begins with keys at the top of the file, which it is not behind a table.
fn tables_before(template: &Template, base: usize, report: &mut Report<'_>) {
    let first = template.tables.iter().find(|table| table.place.is_certain && table.place.span.start < base);
    if let Some(table) = first {
        let message = "this table stands before the base: `version` of the base then belongs to the table";
        report.at(&table.place.span, message).label("before the base").emit();
    }
}

/// Runtimes in the table of another version.
fn versions(template: &Template, own: &[&str], report: &mut Report<'_>) {
    let [own] = own else { return };
    let other = if *own == SECOND { THIRD } else { SECOND };
    let has_runtimes = |path: &[String]| {
        matches!(path, [plugins, plugin, containerd, ..]
            if plugins == "plugins" && plugin == other && containerd == "containerd")
    };
    for table in template.tables.iter().filter(|table| has_runtimes(&table.path)) {
        let message = format!("containerd before 2.3 does not read {other} here: this template is for {own}");
        let draft = report.at(&table.place.span, message).label("of another version");
        draft.severity(Severity::Warning).confidence(Confidence::Medium).emit();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::finding::Severity::{self, Error, Warning};
    use crate::lint::kind::FileKind;
    use crate::lint::{self, Options};

    const BASE: &str = "{{ template \"base\" . }}\n";
    const V3: &str = "plugins.'io.containerd.cri.v1.runtime'";

    #[test]
    fn what_containerd_refuses_is_found() {
        let kind = Some(FileKind::ContainerdTemplate);
        let found = |name: &str, text: &str| {
            let outcome = lint::bytes(Path::new(name), text.as_bytes(), kind, &Options::default()).unwrap();
            let own = outcome.findings.into_iter().filter(|finding| finding.rule.name == "containerd-template");
            own.map(|finding| finding.severity).collect::<Vec<Severity>>()
        };
        let behind = |text: &str| found("config-v3.toml.tmpl", &format!("{BASE}{text}"));
        assert!(
            behind(&format!("[{V3}.containerd.runtimes.oomshim]\n  runtime_type = 'io.containerd.runc.v2'\n"))
                .is_empty()
        );
        assert!(behind(&format!("{{{{ if .X }}}}\n[{V3}.containerd.runtimes.runc]\n{{{{ end }}}}\n")).is_empty());
        let cases = [
            (format!("[{V3}.containerd.runtimes.runc.options]\n"), vec![Error]),
            (format!("[{V3}]\nenable_selinux = true\n"), vec![Error]),
            ("imports = ['/x/*.toml']\n".to_owned(), vec![Error]),
            ("[debug]\nlevel = 'debug'\n[debug]\n".to_owned(), vec![Error]),
            ("{{ if .X }}\n".to_owned(), vec![Error]),
            ("[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.x]\n".to_owned(), vec![Warning]),
            (BASE.to_owned(), vec![Error]),
        ];
        for (text, expected) in cases {
            assert_eq!(behind(&text), expected, "{text}");
        }
        assert_eq!(found("config-v3.toml.tmpl", &format!("version = 3\n[debug]\n{BASE}")), [Error, Error]);
        assert_eq!(found("config-v3.toml.tmpl", &format!("imports = ['x']\n{BASE}")), [Warning]);
        let second = "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n";
        assert_eq!(found("config.toml.tmpl", &format!("{BASE}{second}")), [Error]);
        assert_eq!(found("config.toml.tmpl", &format!("version = 2\n{second}")), [Warning]);
    }
}
