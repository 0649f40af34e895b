//! The ratchet: findings that are known and tolerated. The list may only shrink: an entry that is
//! not needed any more, or allows more than is needed, is itself a finding.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::finding::Finding;

/// One tolerated finding.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    rule: String,
    #[serde(default)]
    item: String,
    /// The size that is tolerated.
    #[serde(default = "one")]
    size: usize,
    reason: String,
}

/// The whole list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ratchet {
    #[serde(default)]
    entry: Vec<Entry>,
}

impl Ratchet {
    /// Reads the list.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("the ratchet list is not as it should be")
    }

    /// The list as lines for people.
    pub(crate) fn list(&self) -> impl Iterator<Item = String> {
        self.entry.iter().map(|entry| {
            let Entry {
                path,
                rule,
                item,
                size,
                reason,
            } = entry;
            format!("tolerated: {path}: [{rule}] {item} ({size}): {reason}")
        })
    }

    /// Takes what is tolerated out of `findings` and adds what is wrong with the list itself.
    pub(crate) fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut slack: Vec<Finding> = self
            .entry
            .iter()
            .filter_map(|entry| entry.slack(&findings))
            .collect();
        let known = |finding: &Finding| {
            self.entry
                .iter()
                .any(|entry| entry.names(finding) && finding.size <= entry.size)
        };
        let mut left: Vec<Finding> = findings
            .into_iter()
            .filter(|finding| !known(finding))
            .collect();
        left.append(&mut slack);
        left
    }
}

impl Entry {
    fn names(&self, finding: &Finding) -> bool {
        self.path == finding.path && self.rule == finding.rule && self.item == finding.item
    }

    fn slack(&self, findings: &[Finding]) -> Option<Finding> {
        let largest = findings
            .iter()
            .filter(|finding| self.names(finding))
            .map(|finding| finding.size)
            .max();
        let text = match largest {
            None => format!(
                "the ratchet's entry for {} is not needed any more: remove it",
                self.rule
            ),
            Some(size) if size < self.size => {
                format!(
                    "the ratchet's entry for {} allows {}: lower it to {size}",
                    self.rule, self.size
                )
            }
            Some(_) => return None,
        };
        Some(Finding::plain(&self.path, "ratchet", &self.item, text))
    }
}

fn one() -> usize {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(list: &str, sizes: &[usize]) -> Vec<String> {
        let found = |size: &usize| {
            let finding = Finding::plain("a.rs", "file-lines", "", String::new());
            Finding {
                size: *size,
                ..finding
            }
        };
        let findings = sizes.iter().map(found).collect();
        let left = Ratchet::parse(list).unwrap().apply(findings);
        left.into_iter()
            .map(|finding| format!("{} {}", finding.rule, finding.text))
            .collect()
    }

    const LIST: &str =
        "[[entry]]\npath = \"a.rs\"\nrule = \"file-lines\"\nsize = 450\nreason = \"a table\"\n";

    #[test]
    fn a_known_finding_is_tolerated_until_it_grows() {
        assert_eq!(left(LIST, &[450]), [""; 0]);
        assert_eq!(left(LIST, &[451]), ["file-lines "]);
    }

    #[test]
    fn an_entry_must_shrink_with_its_finding() {
        assert!(left(LIST, &[])[0].contains("remove it"));
        assert!(left(LIST, &[420])[0].contains("lower it to 420"));
    }
}
