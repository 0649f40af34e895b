//! An error together with what caused it, on one line: how every edge prints errors.

use std::error::Error;

/// The error and its sources, joined by `: `, each said once.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Step {
        said: &'static str,
        source: Option<Box<Step>>,
    }

    fn check(said: &[&'static str], text: &str) {
        let error = said
            .iter()
            .rev()
            .fold(None, |source, said| Some(Box::new(Step { said, source })));
        assert_eq!(with_causes(&*error.unwrap()), text);
    }

    #[test]
    fn causes_follow_in_their_order() {
        check(
            &["no store", "no folder", "disk full"],
            "no store: no folder: disk full",
        );
    }

    #[test]
    fn what_was_said_already_is_not_said_again() {
        check(&["no store: disk full", "disk full"], "no store: disk full");
    }
}
