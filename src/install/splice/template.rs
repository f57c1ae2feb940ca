//! The template from which a distribution writes containerd's file at every start (k3s, rke2, microk8s): text of Go's
//! text/template, which no TOML parser reads. Tables go to its end, and nothing else is touched.

use std::path::Path;

use super::{BEGIN, END, SpliceError, newline};

/// What a template of k3s or rke2 begins with that only adds to the distribution's own.
const BASE: &str = "{{ template \"base\" . }}";

/// A template that holds the whole file, and whose distribution has no base.
const WHOLE: &str = "containerd-template.toml";

pub(super) fn is_template(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tmpl") || path.file_name().is_some_and(|name| name == WHOLE)
}

pub(super) fn merge(path: &Path, text: &str, fragment: &str) -> Result<String, SpliceError> {
    let is_whole = path.file_name().is_some_and(|name| name == WHOLE);
    let start = match text {
        "" if is_whole => return Err(SpliceError::DoesNotFit),
        "" => format!("{BASE}\n"),
        text => text.to_owned(),
    };
    let newline = newline(&start);
    let lines = fragment.lines().flat_map(|line| [line, newline]).collect::<String>();
    let block = format!("{BEGIN}{newline}{lines}{END}{newline}");
    if start.contains(&block) {
        return Ok(start);
    }
    // A second table of the same name stops containerd for good, and so does a copy of the whole file that a later
    // release of the distribution does not fit (k3s-io/docs#566, gpu-operator#473).
    let has_ours = start.contains(BEGIN) || start.contains("runtimes.oomshim") || start.contains("\"oomshim\"");
    if has_ours || !is_whole && !has_base(&start) {
        return Err(SpliceError::DoesNotFit);
    }
    let gap = if start.ends_with('\n') { "" } else { newline };
    Ok(format!("{start}{gap}{block}"))
}

/// Whether it renders the distribution's own template, however that is spaced.
fn has_base(text: &str) -> bool {
    text.split("{{").skip(1).any(|action| {
        let action = action.split("}}").next().unwrap_or_default();
        action.trim_matches(['-', ' ', '\t']).split_ascii_whitespace().take(2).eq(["template", "\"base\""])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "[plugins.'x'.containerd.runtimes.oomshim]\na = 1";

    fn of(name: &str, text: &str) -> Result<String, SpliceError> {
        merge(&Path::new("/x").join(name), text, TABLE)
    }

    #[test]
    fn tables_go_to_the_end() {
        let block = format!("{BEGIN}\n{TABLE}\n{END}\n");
        let made = of("config-v3.toml.tmpl", "").unwrap();
        assert_eq!(made, format!("{BASE}\n{block}"));
        assert_eq!(of("config.toml.tmpl", &made), Ok(made.clone()), "twice is the same");
        for text in ["{{template \"base\" .}}\n[x]", "{{- template \"base\" . -}}\r\n# c\r\n"] {
            let merged = of("config.toml.tmpl", text).unwrap();
            assert!(merged.starts_with(text) && merged.trim_end().ends_with(END), "{merged}");
            assert_eq!(merged.contains("\r\n"), text.contains("\r\n"));
        }
        assert_eq!(of(WHOLE, "version = 2\n"), Ok(format!("version = 2\n{block}")));
    }

    #[test]
    fn a_copy_of_the_whole_file_is_refused() {
        for text in ["version = 2\n[plugins]\n", "{{ template \"base\" . }}\n[plugins.x.containerd.runtimes.oomshim]\n"]
        {
            assert_eq!(of("config.toml.tmpl", text), Err(SpliceError::DoesNotFit), "{text}");
        }
        assert_eq!(of(WHOLE, ""), Err(SpliceError::DoesNotFit));
    }
}
