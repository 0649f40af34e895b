//! Licences of everything that is built in, against the list in `deny.toml`.

use anyhow::{Context, Result};
use cargo_metadata::Metadata;

use super::finding::Finding;

/// The list in the text of `deny.toml`.
pub(crate) fn allowed_in(deny: &str) -> Result<Vec<String>> {
    let table: toml::Table = deny.parse()?;
    let list = table
        .get("licenses")
        .and_then(|licences| licences.get("allow")?.as_array());
    let list = list.context("deny.toml has no list `licenses.allow`")?;
    Ok(list
        .iter()
        .filter_map(|entry| entry.as_str().map(str::to_owned))
        .collect())
}

/// Checks every package of the dependency tree.
pub(crate) fn check(metadata: &Metadata, allowed: &[String]) -> Vec<Finding> {
    let judge = |package: &cargo_metadata::Package| {
        let licence = package.license.as_deref().unwrap_or("none");
        let fine = is_allowed(licence, allowed);
        let text = format!(
            "{} has the licence `{licence}`, which deny.toml does not allow",
            package.name
        );
        (!fine).then(|| Finding::plain("Cargo.lock", "licence", package.name.as_str(), text))
    };
    metadata.packages.iter().filter_map(judge).collect()
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
        is_allowed(expression, &allowed_in(deny).unwrap())
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
