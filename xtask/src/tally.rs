//! Counting the results of tests from what the runners print.

use std::sync::{Mutex, PoisonError};

/// How many tests passed and failed, and nextest's own last words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    summary: String,
}

static TALLY: Mutex<Tally> = Mutex::new(Tally {
    passed: 0,
    failed: 0,
    summary: String::new(),
});

/// Takes a line of output into the count of this process.
pub(crate) fn note(line: &str) {
    TALLY
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .note(line);
}

/// Prints the count of this process, if there is any.
pub(crate) fn print() {
    let tally = TALLY.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if tally != Tally::default() {
        println!("{}", tally.summary);
        println!("{} passed, {} failed", tally.passed, tally.failed);
    }
}

impl Tally {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let nextest = words.first() == Some(&"Summary");
        if !nextest && !line.starts_with("test result:") {
            return;
        }
        if nextest {
            line.trim().clone_into(&mut self.summary);
        }
        self.passed += number_before(&words, "passed");
        self.failed += number_before(&words, "failed") + number_before(&words, "timed");
    }
}

/// The number in front of `word`, as in `12 passed,`; 0 without one.
fn number_before(words: &[&str], word: &str) -> usize {
    let is_it = |found: &&str| found.trim_matches([',', ';']) == word;
    let place = words.iter().position(is_it).unwrap_or(0);
    place
        .checked_sub(1)
        .and_then(|before| words[before].parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> (usize, usize) {
        let mut tally = Tally::default();
        for line in lines {
            tally.note(line);
        }
        (tally.passed, tally.failed)
    }

    #[test]
    fn both_runners_are_counted() {
        let nextest =
            "     Summary [  11.4s] 44 tests run: 43 passed (2 slow), 1 failed, 3 skipped";
        let doc = "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(counted(&[nextest, doc]), (48, 1));
    }

    #[test]
    fn a_test_that_timed_out_has_failed() {
        assert_eq!(
            counted(&["Summary [1s] 3 tests run: 2 passed, 1 timed out, 0 skipped"]),
            (2, 1)
        );
    }

    #[test]
    fn other_lines_do_not_count() {
        assert_eq!(counted(&["PASS 12 passed", "Compiling", ""]), (0, 0));
    }
}
