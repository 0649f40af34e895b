//! Licences of everything that is built in, against the list in `deny.toml`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;
use cargo_metadata::{Metadata, Package};
use serde::Deserialize;

use super::finding::Finding;

/// How the text of the MIT licence begins, behind who owns it.
const MIT: &str = "Permission is hereby granted, free of charge, to any person obtaining a copy of";

/// What `deny.toml` allows.
#[derive(Debug)]
pub(crate) struct Allowed {
    everywhere: Vec<String>,
    /// Further licences of single packages.
    exceptions: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    package: String,
    allow: Vec<String>,
}

/// The lists in the text of `deny.toml`.
pub(crate) fn allowed_in(deny: &str) -> Result<Allowed> {
    let licences = toml::from_str::<Deny>(deny)?.licenses;
    let exceptions = licences.exceptions.into_iter();
    Ok(Allowed {
        everywhere: licences.allow,
        exceptions: exceptions.map(|one| (one.package, one.allow)).collect(),
    })
}

impl Allowed {
    fn of(&self, package: &str) -> Vec<String> {
        let further = self.exceptions.get(package).into_iter().flatten();
        self.everywhere.iter().chain(further).cloned().collect()
    }
}

/// Checks every package of the dependency tree.
pub(crate) fn check(metadata: &Metadata, allowed: &Allowed) -> Vec<Finding> {
    let judge = |package: &Package| {
        let licence = licence_of(package);
        let fine = is_allowed(&licence, &allowed.of(package.name.as_str()));
        let text = format!(
            "{} has the licence `{licence}`, which deny.toml does not allow",
            package.name
        );
        (!fine).then(|| Finding::plain("Cargo.lock", "licence", package.name.as_str(), text))
    };
    metadata.packages.iter().filter_map(judge).collect()
}

/// What a package calls its licence; one that only has the text is known by it.
fn licence_of(package: &Package) -> String {
    if let Some(licence) = &package.license {
        return licence.clone();
    }
    let text = package.license_file().map(fs::read_to_string);
    let is_mit = matches!(text, Some(Ok(text)) if is_mit(&text));
    if is_mit { "MIT" } else { "none" }.to_owned()
}

fn is_mit(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").contains(MIT)
}

/// Reads an SPDX expression; the old `A/B` means `A OR B`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allowed,
    };
    let verdict = reader.any_of();
    verdict && reader.words.is_empty()
}

struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl Reader<'_> {
    fn any_of(&mut self) -> bool {
        let mut verdict = self.all_of();
        while self.take("OR") {
            verdict |= self.all_of();
        }
        verdict
    }

    fn all_of(&mut self) -> bool {
        let mut verdict = self.one();
        while self.take("AND") {
            verdict &= self.one();
        }
        verdict
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let verdict = self.any_of();
            return self.take(")") && verdict;
        }
        let Some((first, rest)) = self.words.split_first() else {
            return false;
        };
        self.words = rest;
        let mut name = (*first).to_owned();
        if self.take("WITH")
            && let Some((exception, rest)) = self.words.split_first()
        {
            self.words = rest;
            name = format!("{name} WITH {exception}");
        }
        self.allowed.contains(&name)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine(expression: &str) -> bool {
        let deny =
            "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\"]";
        is_allowed(expression, &allowed_in(deny).unwrap().of("any"))
    }

    #[test]
    fn an_exception_is_for_its_package_alone() {
        let deny = "[licenses]\nallow = [\"MIT\"]\n\
            [[licenses.exceptions]]\ncrate = \"one\"\nallow = [\"MPL-2.0\"]";
        let allowed = allowed_in(deny).unwrap();
        assert!(is_allowed("MPL-2.0", &allowed.of("one")));
        assert!(!is_allowed("MPL-2.0", &allowed.of("other")));
    }

    #[test]
    fn the_text_of_a_licence_is_known_however_its_lines_break() {
        assert!(is_mit(&format!(
            "Copyright x\n\n{}",
            MIT.replace("to any", "to\nany")
        )));
        assert!(!is_mit("All rights reserved"));
    }

    #[test]
    fn allowed_expressions_pass() {
        for expression in [
            "MIT",
            "MIT/GPL-3.0",
            "GPL-3.0 OR (MIT AND Apache-2.0)",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(fine(expression), "{expression}");
        }
    }

    #[test]
    fn others_are_found() {
        for expression in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "none",
            "",
            "(MIT",
            "MIT WITH Odd-exception",
        ] {
            assert!(!fine(expression), "{expression}");
        }
    }
}
