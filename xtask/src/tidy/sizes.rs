//! Rules about size: lines of a file and of a function, parameters, depth of nesting. Test code is
//! free of them.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::finding::Finding;
use super::source::{Source, is_test_only};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const PARAMETERS: usize = 5;
const NESTING: usize = 3;

/// Checks one file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    if source.is_test() {
        return Vec::new();
    }
    let mut visitor = Sizes {
        source,
        test_lines: 0,
        foreign_signature: false,
        findings: Vec::new(),
    };
    visitor.visit_file(&source.syntax);
    let lines = source.text.lines().count() - visitor.test_lines;
    let mut findings = visitor.findings;
    if lines > FILE_LINES {
        let text = format!("has {lines} lines without tests (cap {FILE_LINES}): split it");
        let finding = Finding::plain(&source.path, "file-lines", "", text);
        findings.push(Finding {
            size: lines,
            ..finding
        });
    }
    findings
}

struct Sizes<'a> {
    source: &'a Source,
    test_lines: usize,
    /// Inside `impl Trait for …`: the parameters are the trait's choice.
    foreign_signature: bool,
    findings: Vec<Finding>,
}

impl Sizes<'_> {
    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let name = signature.ident.to_string();
        let lines = code_lines(&self.source.text, body.span());
        let mut depth = Depth::default();
        depth.visit_block(body);
        let parameters = if self.foreign_signature {
            0
        } else {
            signature.inputs.len()
        };
        let sizes = [
            ("function-lines", lines, FUNCTION_LINES, "lines"),
            ("parameters", parameters, PARAMETERS, "parameters"),
            ("nesting", depth.deepest, NESTING, "levels of nesting"),
        ];
        for (rule, size, cap, unit) in sizes {
            if size > cap {
                let text = format!("`{name}` has {size} {unit} (cap {cap})");
                let finding = Finding::plain(&self.source.path, rule, &name, text);
                let line = signature.ident.span().start().line;
                self.findings.push(Finding {
                    size,
                    ..finding.at(line)
                });
            }
        }
    }
}

impl<'ast> Visit<'ast> for Sizes<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if is_test_only(&module.attrs) {
            let span = module.span();
            self.test_lines += span.end().line - span.start().line + 1;
            return;
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let before = self.foreign_signature;
        self.foreign_signature = item.trait_.is_some();
        visit::visit_item_impl(self, item);
        self.foreign_signature = before;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// Lines between the braces that hold more than a comment.
fn code_lines(text: &str, span: Span) -> usize {
    let (first, last) = (span.start().line, span.end().line);
    let inner = text
        .lines()
        .skip(first)
        .take(last.saturating_sub(first + 1));
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    inner.filter(is_code).count()
}

/// How many `if`, `match` and loops stand in each other. An `else if` is as deep as its `if`.
#[derive(Default)]
struct Depth {
    current: usize,
    deepest: usize,
}

impl Depth {
    fn inside(&mut self, walk: impl FnOnce(&mut Self)) {
        self.current += 1;
        self.deepest = self.deepest.max(self.current);
        walk(self);
        self.current -= 1;
    }
}

impl<'ast> Visit<'ast> for Depth {
    fn visit_item(&mut self, _: &'ast syn::Item) {
        // A function inside a function is measured by itself.
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        self.visit_expr(&branch.cond);
        self.inside(|depth| depth.visit_block(&branch.then_branch));
        match branch
            .else_branch
            .as_ref()
            .map(|(_, otherwise)| otherwise.as_ref())
        {
            Some(syn::Expr::If(next)) => self.visit_expr_if(next),
            Some(other) => self.inside(|depth| depth.visit_expr(other)),
            None => {}
        }
    }

    fn visit_expr_match(&mut self, choice: &'ast syn::ExprMatch) {
        self.inside(|depth| visit::visit_expr_match(depth, choice));
    }

    fn visit_expr_for_loop(&mut self, each: &'ast syn::ExprForLoop) {
        self.inside(|depth| visit::visit_expr_for_loop(depth, each));
    }

    fn visit_expr_while(&mut self, each: &'ast syn::ExprWhile) {
        self.inside(|depth| visit::visit_expr_while(depth, each));
    }

    fn visit_expr_loop(&mut self, each: &'ast syn::ExprLoop) {
        self.inside(|depth| visit::visit_expr_loop(depth, each));
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::samples::source;
    use super::*;

    fn broken(text: &str) -> Vec<(&'static str, usize)> {
        let found = check(&source("crates/a/src/b.rs", text));
        found
            .into_iter()
            .map(|finding| (finding.rule, finding.size))
            .collect()
    }

    fn function_of(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines))
    }

    #[test]
    fn a_long_function_is_found() {
        assert_eq!(broken(&function_of(61)), [("function-lines", 61)]);
        assert_eq!(broken(&function_of(60)), []);
    }

    #[test]
    fn comments_do_not_make_a_function_long() {
        let text = format!("fn short() {{\n{}}}\n", "    // why\n".repeat(100));
        assert_eq!(broken(&text), []);
    }

    #[test]
    fn a_long_file_is_found_but_its_tests_do_not_count() {
        let constants = "const A: u8 = 1;\n".repeat(401);
        assert_eq!(broken(&constants), [("file-lines", 401)]);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{constants}}}\n");
        assert_eq!(broken(&tested), []);
    }

    #[test]
    fn many_parameters_are_found() {
        assert_eq!(
            broken("fn a(b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) {}"),
            [("parameters", 6)]
        );
        assert_eq!(broken("fn a(b: u8, c: u8, d: u8, e: u8, f: u8) {}"), []);
        let of_a_trait = "impl A for B { fn a(&self, b: u8, c: u8, d: u8, e: u8, f: u8) {} }";
        assert_eq!(broken(of_a_trait), []);
    }

    #[test]
    fn deep_nesting_is_found() {
        let deep = "fn a() { loop { for b in c { if d { match e { _ => {} } } } } }";
        assert_eq!(broken(deep), [("nesting", 4)]);
        let chain = "fn a() { loop { for b in c { if d {} else if e {} else if f {} } } }";
        assert_eq!(broken(chain), []);
    }
}
