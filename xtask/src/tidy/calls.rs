//! Calls that are refused: sleeping in tests, and `prune` anywhere (it removes what others own).

use syn::visit::{self, Visit};

use super::finding::Finding;
use super::source::{Source, is_test_only};

/// Checks one file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    // The rule itself has to name what it looks for.
    let may_prune = source.path.starts_with("xtask/");
    let in_test = source.is_test();
    let mut visitor = Calls {
        path: &source.path,
        in_test,
        may_prune,
        findings: Vec::new(),
    };
    visitor.visit_file(&source.syntax);
    visitor.findings
}

struct Calls<'a> {
    path: &'a str,
    in_test: bool,
    may_prune: bool,
    findings: Vec<Finding>,
}

impl Calls<'_> {
    fn report(&mut self, rule: &'static str, text: &str, line: usize) {
        self.findings
            .push(Finding::plain(self.path, rule, "", text.to_owned()).at(line));
    }

    fn prune(&mut self, line: usize) {
        if !self.may_prune {
            self.report("prune", "prunes: remove by own label, one by one", line);
        }
    }

    fn within(&mut self, test: bool, walk: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        self.in_test |= test;
        walk(self);
        self.in_test = before;
    }
}

impl<'ast> Visit<'ast> for Calls<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.within(is_test_only(&module.attrs), |calls| {
            visit::visit_item_mod(calls, module);
        });
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.within(is_test_only(&function.attrs), |calls| {
            visit::visit_item_fn(calls, function);
        });
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = call.func.as_ref()
            && let Some(last) = function.path.segments.last()
            && last.ident == "sleep"
            && self.in_test
        {
            let text = "sleeps in a test: wait with `eventually`, or pause the clock";
            self.report("test-sleep", text, last.ident.span().start().line);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method.to_string().starts_with("prune_") {
            self.prune(call.method.span().start().line);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        let value = literal.value();
        if value == "prune" || value.contains("/prune") {
            self.prune(literal.span().start().line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::samples::source;
    use super::*;

    fn broken(path: &str, text: &str) -> Vec<&'static str> {
        check(&source(path, text))
            .into_iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn sleep_in_test_code_is_found() {
        let call = "fn a() { std::thread::sleep(d); }";
        assert_eq!(broken("crates/a/tests/b.rs", call), ["test-sleep"]);
        assert_eq!(broken("crates/a/src/b.rs", call), [""; 0]);
        let module = "#[cfg(test)] mod tests { async fn a() { tokio::time::sleep(d).await; } }";
        assert_eq!(broken("crates/a/src/b.rs", module), ["test-sleep"]);
        let function = "#[tokio::test] async fn a() { sleep(d).await; }";
        assert_eq!(broken("crates/a/src/b.rs", function), ["test-sleep"]);
    }

    #[test]
    fn prune_is_found_as_a_method_and_as_a_path() {
        let text =
            "fn a() { docker.prune_images(None); get(\"/containers/prune\"); run(\"prune\"); }";
        assert_eq!(broken("crates/a/src/b.rs", text), ["prune"; 3]);
        assert_eq!(
            broken("crates/a/src/b.rs", "fn a() { run(\"--no-prune\"); }"),
            [""; 0]
        );
    }
}
