//! Which lines are the product's: what is in `crates/*/src` and not there for tests alone.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, anyhow};
use longshore_testkit::workspace_dir;
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::hits::Files;
use crate::tidy::source::{Source, TextFile, is_test_only};

/// The rule, for those who read the numbers.
pub(super) const WHAT_COUNTS: &str = "lines of crates/*/src; left out: what is under #[cfg(test)], \
     tests.rs, tests/, *_tests.rs, the contract suite, the testkit";

/// Tests and their tools that live in `crates/*/src` because other crates use them.
const FOR_TESTS: [&str; 3] = [
    "crates/longshore-testkit/",
    "crates/longshore-executor/src/contract/",
    "crates/longshore-executor/src/contract.rs",
];

/// The crate that a file of the product belongs to.
pub(super) fn crate_of(path: &str) -> Option<&str> {
    let (name, below) = path.strip_prefix("crates/")?.split_once('/')?;
    let for_tests = FOR_TESTS.iter().any(|test| path.starts_with(test));
    (below.starts_with("src/") && !for_tests).then_some(name)
}

/// All crates of the product.
pub(super) fn crates() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace_dir().join("crates"))? {
        let folder = entry?.file_name();
        let root = format!("crates/{}/src/", folder.display());
        names.extend(crate_of(&root).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The product's files with the product's lines.
pub(super) fn without_tests(files: Files) -> Result<Files> {
    let mut left = Files::new();
    for (path, mut lines) in files {
        if crate_of(&path).is_none() {
            continue;
        }
        let text = fs::read_to_string(workspace_dir().join(&path))?;
        let file = TextFile { path, text };
        let Some(source) = Source::parse(&file) else {
            continue;
        };
        let source = source.map_err(|finding| anyhow!("{finding}"))?;
        if source.is_test() {
            continue;
        }
        let tests = test_lines(&source);
        lines.retain(|line, _| !tests.contains(line));
        left.insert(file.path, lines);
    }
    Ok(left)
}

/// The lines of modules, functions and `impl`s that are only there for tests.
fn test_lines(source: &Source) -> BTreeSet<usize> {
    let mut tests = TestLines(BTreeSet::new());
    tests.visit_file(&source.syntax);
    tests.0
}

struct TestLines(BTreeSet<usize>);

impl TestLines {
    fn item(&mut self, attributes: &[syn::Attribute], span: Span) {
        if is_test_only(attributes) {
            self.0.extend(span.start().line..=span.end().line);
        }
    }
}

impl<'ast> Visit<'ast> for TestLines {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.item(&module.attrs, module.span());
        visit::visit_item_mod(self, module);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.item(&function.attrs, function.span());
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        self.item(&block.attrs, block.span());
        visit::visit_item_impl(self, block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.item(&function.attrs, function.span());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::samples::source;

    fn tests_in(text: &str) -> Vec<usize> {
        let source = source("crates/a/src/b.rs", text);
        test_lines(&source).into_iter().collect()
    }

    #[test]
    fn the_sources_of_crates_are_the_product() {
        assert_eq!(crate_of("crates/a/src/b/c.rs"), Some("a"));
        assert_eq!(crate_of("crates/a/tests/b.rs"), None);
        assert_eq!(crate_of("crates/a/build.rs"), None);
        assert_eq!(crate_of("e2e/src/lib.rs"), None);
        assert_eq!(crate_of("xtask/src/main.rs"), None);
    }

    #[test]
    fn what_tests_stand_on_is_not_the_product() {
        assert_eq!(crate_of("crates/longshore-testkit/src/lib.rs"), None);
        assert_eq!(
            crate_of("crates/longshore-executor/src/contract/a.rs"),
            None
        );
        let port = "crates/longshore-executor/src/error.rs";
        assert_eq!(crate_of(port), Some("longshore-executor"));
    }

    #[test]
    fn the_crates_of_the_product_are_known() {
        let crates = crates().unwrap();
        assert!(crates.contains(&"longshore-core".to_owned()));
        assert!(!crates.contains(&"longshore-testkit".to_owned()));
    }

    #[test]
    fn the_paths_that_are_named_here_exist() {
        for path in FOR_TESTS {
            assert!(workspace_dir().join(path).exists(), "{path}");
        }
    }

    #[test]
    fn a_test_module_does_not_count() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        assert_eq!(tests_in(text), [2, 3, 4, 5]);
    }

    #[test]
    fn nor_do_functions_for_tests_alone() {
        let function = "#[cfg(test)]\nfn a() {}\nfn b() {}\n";
        assert_eq!(tests_in(function), [1, 2]);
        let method = "impl A {\n    #[cfg(test)]\n    fn a() {}\n    fn b() {}\n}\n";
        assert_eq!(tests_in(method), [2, 3]);
        let block = "#[cfg(test)]\nimpl A {\n    fn a() {}\n}\n";
        assert_eq!(tests_in(block), [1, 2, 3, 4]);
    }
}
