//! The tests that the page of failure classes names are there, and no class is without one.

use super::finding::Finding;
use super::source::TextFile;

const PAGE: &str = "docs/failures.md";
const CLASSES: usize = 21;

/// Checks the page against the files.
pub(crate) fn check(files: &[TextFile]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return vec![finding(PAGE, "the page is missing".to_owned())];
    };
    let rows: Vec<&str> = page.text.lines().filter(|line| is_row(line)).collect();
    let mut findings = Vec::new();
    if rows.len() != CLASSES {
        let text = format!("{} classes, not {CLASSES}", rows.len());
        findings.push(finding("classes", text));
    }
    for (index, row) in rows.iter().enumerate() {
        let class = format!("class {}", index + 1);
        if !row.starts_with(&format!("| {} |", index + 1)) {
            findings.push(finding(&class, "out of order".to_owned()));
        }
        let tests = tests(row);
        if tests.is_empty() {
            findings.push(finding(&class, "names no test".to_owned()));
        }
        let missing = tests
            .iter()
            .filter(|(path, name)| !is_there(files, path, name));
        findings.extend(missing.map(|(path, name)| {
            let text = format!("there is no test `{name}` in {path}");
            finding(&class, text)
        }));
    }
    findings
}

fn finding(item: &str, text: String) -> Finding {
    Finding::plain(PAGE, "failures", item, text)
}

fn is_row(line: &str) -> bool {
    let first = line.trim_start_matches(['|', ' ']);
    line.starts_with('|') && first.starts_with(|c: char| c.is_ascii_digit())
}

/// The `path.rs::name` between backticks.
fn tests(row: &str) -> Vec<(&str, &str)> {
    let quoted = row.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).collect()
}

fn is_there(files: &[TextFile], path: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    files
        .iter()
        .any(|file| file.path == path && file.text.contains(&function))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// What is found on a page whose rows all name this test.
    fn found(rows: usize, test: &str) -> usize {
        let row = |number: usize| format!("| {number} | a | b | c | {test} |\n");
        let page: String = (1..=rows).map(row).collect();
        let source = file("e2e/tests/a.rs", "#[test]\nfn it_holds() {}\n");
        check(&[file(PAGE, &page), source]).len()
    }

    #[test]
    fn a_page_whose_tests_are_all_there_passes() {
        assert_eq!(found(21, "`e2e/tests/a.rs::it_holds`"), 0);
    }

    #[test]
    fn a_test_that_is_gone_a_class_without_one_and_a_missing_class_are_found() {
        assert_eq!(found(21, "`e2e/tests/a.rs::it_hold`"), 21);
        assert_eq!(found(21, "`e2e/tests/b.rs::it_holds`"), 21);
        assert_eq!(found(21, "nothing"), 21);
        assert_eq!(found(20, "`e2e/tests/a.rs::it_holds`"), 1);
        assert_eq!(check(&[]).len(), 1);
    }
}
