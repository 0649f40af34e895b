//! What a rule has found.

use std::fmt;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, from the workspace's root.
    pub(crate) path: String,
    /// The line, or 0 for the whole file.
    pub(crate) line: usize,
    /// The rule's short name, as the ratchet spells it.
    pub(crate) rule: &'static str,
    /// The function, module or crate that it is about; empty for the file.
    pub(crate) item: String,
    /// How large it is, for rules about size; else 1.
    pub(crate) size: usize,
    /// What is wrong and what to do.
    pub(crate) text: String,
}

impl Finding {
    /// A finding that has no size.
    pub(crate) fn plain(path: &str, rule: &'static str, item: &str, text: String) -> Self {
        let (path, item) = (path.to_owned(), item.to_owned());
        Self {
            path,
            line: 0,
            rule,
            item,
            size: 1,
            text,
        }
    }

    /// The same, at a line.
    #[must_use]
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = line;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.line == 0 {
            String::new()
        } else {
            format!(":{}", self.line)
        };
        write!(
            formatter,
            "{}{place}: [{}] {}",
            self.path, self.rule, self.text
        )
    }
}
