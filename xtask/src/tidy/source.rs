//! Source files, read and parsed once for all rules.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use longshore_testkit::{run, workspace_dir};

use super::finding::Finding;

/// A text file of the repository.
#[derive(Debug, Clone)]
pub(crate) struct TextFile {
    /// From the workspace's root, with `/`.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

/// A parsed Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the workspace's root.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
    /// What the text says.
    pub(crate) syntax: syn::File,
}

/// Every text file that git tracks or would track.
pub(crate) fn tracked_files() -> Result<Vec<TextFile>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listing = run(git.current_dir(workspace_dir()))?;
    let read = |path: &str| {
        // Deleted or binary files have no text.
        let text = fs::read_to_string(workspace_dir().join(path)).ok()?;
        Some(TextFile {
            path: path.to_owned(),
            text,
        })
    };
    Ok(listing.lines().filter_map(read).collect())
}

impl TextFile {
    /// Is it Rust?
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }
}

impl Source {
    /// Parses `file`; `None` when it is not Rust.
    pub(crate) fn parse(file: &TextFile) -> Option<Result<Self, Finding>> {
        if !file.is_rust() {
            return None;
        }
        let (path, text) = (file.path.clone(), file.text.clone());
        Some(match syn::parse_file(&file.text) {
            Ok(syntax) => Ok(Self { path, text, syntax }),
            Err(error) => {
                let line = error.span().start().line;
                Err(Finding::plain(&path, "syntax", "", format!("is no Rust: {error}")).at(line))
            }
        })
    }

    /// Is the whole file test code?
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("e2e/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
    }

    /// The crate's folder, such as `crates/longshore-core`, and the rest below its `src`.
    pub(crate) fn in_crate(&self) -> Option<(&str, &str)> {
        self.path.split_once("/src/")
    }
}

/// Does one of `attributes` say that what follows is only there for tests?
pub(crate) fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let named_test = path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "test");
        let under_test = path.is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|flag| flag.is_ident("test"));
        named_test || under_test
    })
}

#[cfg(test)]
pub(crate) mod samples {
    //! Sources for the tests of rules.

    use super::{Source, TextFile};

    pub(crate) fn source(path: &str, text: &str) -> Source {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Source::parse(&file).unwrap().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::source;

    #[test]
    fn a_file_of_tests_is_known_by_its_path() {
        let is_test = |path| source(path, "").is_test();
        for path in [
            "e2e/src/drill.rs",
            "crates/a/tests/b.rs",
            "crates/a/src/b/tests.rs",
            "crates/a/src/b/tests/c.rs",
            "crates/a/src/b_tests.rs",
        ] {
            assert!(is_test(path), "{path}");
        }
        assert!(!is_test("crates/a/src/contests.rs"));
    }
}
