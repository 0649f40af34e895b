//! Rules about whole files: the purpose line, no `mod.rs`, no paths of a private workplace.

use super::finding::Finding;
use super::source::TextFile;

/// Written in two pieces, so that this file does not find itself.
const PRIVATE: [&str; 3] = [
    concat!("/work", "/main"),
    concat!("/work", "/shared"),
    concat!("/tmp", "/brief"),
];

/// Checks one file.
pub(crate) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.is_rust() && !file.text.starts_with("//!") {
        let text = "opens without `//!`: say in one line what lives here".to_owned();
        findings.push(Finding::plain(&file.path, "purpose", "", text));
    }
    if file.path.ends_with("/mod.rs") {
        let text = "is a `mod.rs`: name the file after its module, beside its folder".to_owned();
        findings.push(Finding::plain(&file.path, "mod-file", "", text));
    }
    for (index, line) in file.text.lines().enumerate() {
        if let Some(private) = PRIVATE.iter().find(|private| line.contains(*private)) {
            let text = format!("names a path of a private workplace ({private})");
            findings.push(Finding::plain(&file.path, "private-path", "", text).at(index + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_broken(path: &str, text: &str) -> Vec<&'static str> {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file)
            .into_iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn a_file_without_a_purpose_line_is_found() {
        assert_eq!(rules_broken("a/src/lib.rs", "use std::fs;\n"), ["purpose"]);
        assert_eq!(rules_broken("a/src/lib.rs", "//! Lives here.\n"), [""; 0]);
        assert_eq!(rules_broken("README.md", "# Hello\n"), [""; 0]);
    }

    #[test]
    fn a_mod_file_is_found() {
        assert_eq!(rules_broken("a/src/b/mod.rs", "//! B.\n"), ["mod-file"]);
    }

    #[test]
    fn a_private_path_is_found_in_any_file() {
        let text = format!("see {}/notes\n", PRIVATE[1]);
        assert_eq!(rules_broken("docs/a.md", &text), ["private-path"]);
        assert_eq!(
            rules_broken("docs/a.md", "see /work in the container"),
            [""; 0]
        );
    }
}
