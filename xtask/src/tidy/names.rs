//! Names that say nothing are refused for files, modules, types, functions, fields and variables.

use proc_macro2::Ident;
use syn::visit::{self, Visit};

use super::finding::Finding;
use super::source::Source;

const BANNED: [&str; 10] = [
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "imp", "data", "info",
];
const BANNED_PREFIX: &str = "handle_";

/// Checks one file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut visitor = Names {
        path: &source.path,
        findings: Vec::new(),
    };
    let stem = source
        .path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs");
    if stem.split('_').any(is_banned) {
        visitor.report(stem, 0);
    }
    visitor.visit_file(&source.syntax);
    visitor.findings
}

struct Names<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Names<'_> {
    fn report(&mut self, name: &str, line: usize) {
        let text = format!("the name `{name}` says nothing: what is it for?");
        self.findings
            .push(Finding::plain(self.path, "name", name, text).at(line));
    }

    fn ident(&mut self, ident: &Ident, bad: fn(&str) -> bool) {
        let name = ident.to_string();
        if bad(&name) {
            self.report(&name, ident.span().start().line);
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.ident(&module.ident, |name| name.split('_').any(is_banned));
        visit::visit_item_mod(self, module);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.ident(&item.ident, is_banned_type);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.ident(&item.ident, is_banned_type);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.ident(&item.ident, is_banned_type);
        visit::visit_item_trait(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.ident(&signature.ident, |name| {
            is_banned(name) || name.starts_with(BANNED_PREFIX)
        });
        visit::visit_signature(self, signature);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(ident) = &field.ident {
            self.ident(ident, is_banned);
        }
        visit::visit_field(self, field);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.ident(&pattern.ident, is_banned);
        visit::visit_pat_ident(self, pattern);
    }
}

fn is_banned(word: &str) -> bool {
    BANNED.contains(&word)
}

/// Is the last word of a type's name banned, as in `JobManager`?
fn is_banned_type(name: &str) -> bool {
    let last_word = name
        .rfind(char::is_uppercase)
        .map_or(name, |start| &name[start..]);
    is_banned(&last_word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::source::samples::source;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&source(path, text))
            .into_iter()
            .map(|finding| finding.item)
            .collect()
    }

    #[test]
    fn a_file_named_after_nothing_is_found() {
        assert_eq!(found("crates/a/src/job_utils.rs", ""), ["job_utils"]);
        assert_eq!(found("crates/a/src/jobs.rs", ""), [""; 0]);
    }

    #[test]
    fn modules_types_functions_fields_and_variables_are_looked_at() {
        let text = "mod helpers {}\nstruct JobManager { data: u8 }\n\
            fn handle_exit(info: u8) { let misc = 1; }\n";
        let names = found("crates/a/src/b.rs", text);
        assert_eq!(
            names,
            [
                "helpers",
                "JobManager",
                "data",
                "handle_exit",
                "info",
                "misc"
            ]
        );
    }

    #[test]
    fn good_names_pass() {
        let text =
            "struct Handle;\nstruct DataRoot;\nfn handle() { info!(\"x\"); let handle = 1; }\n";
        assert_eq!(found("crates/a/src/b.rs", text), [""; 0]);
    }
}
