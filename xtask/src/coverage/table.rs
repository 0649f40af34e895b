//! What is shown: a row for each crate and one for all of them.

use std::collections::BTreeMap;
use std::fmt;

use super::hits::{Files, Lines};
use super::product::crate_of;

/// The name of the row for all crates.
pub(super) const WHOLE: &str = "workspace";
/// The name of that row when only some crates were measured.
const PART: &str = "together";

/// Rows in the order of their names, all crates together last.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<(String, Share)>,
    uncovered: Vec<String>,
}

/// So many lines of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    covered: u32,
    lines: u32,
}

impl Table {
    /// Counts the lines of `crates`; of all, if it is empty.
    pub(super) fn of(files: &Files, crates: &[String]) -> Self {
        let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
        let mut all = Share::default();
        let mut uncovered = Vec::new();
        for (path, lines) in files {
            let is_wanted = |name: &&str| crates.is_empty() || crates.iter().any(|a| a == name);
            let Some(name) = crate_of(path).filter(is_wanted) else {
                continue;
            };
            for covered in lines.values() {
                shares.entry(name).or_default().count(*covered);
                all.count(*covered);
            }
            if lines.values().any(|covered| !covered) {
                uncovered.push(format!("{path}: {}", uncovered_ranges(lines).join(" ")));
            }
        }
        let name_of_all = if crates.is_empty() { WHOLE } else { PART };
        let rows = shares.into_iter().chain([(name_of_all, all)]);
        let rows = rows.map(|(name, share)| (name.to_owned(), share)).collect();
        Self { rows, uncovered }
    }

    /// Has no line been counted?
    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(|(_, share)| share.lines == 0)
    }

    /// What the row of this name says.
    pub(super) fn share_of(&self, name: &str) -> Option<Share> {
        let row = self.rows.iter().find(|(row, _)| row == name);
        row.map(|(_, share)| *share)
    }

    /// Each file with lines that no test runs, and these.
    pub(super) fn uncovered(&self) -> &[String] {
        &self.uncovered
    }
}

/// `12` or `12-15`: from an uncovered line to the last before a covered one.
fn uncovered_ranges(lines: &Lines) -> Vec<String> {
    let lines: Vec<(usize, bool)> = lines.iter().map(|(line, hit)| (*line, *hit)).collect();
    let runs = lines.chunk_by(|(_, one), (_, next)| one == next);
    let name = |run: &[(usize, bool)]| match run {
        [(first, false), .., (last, _)] => Some(format!("{first}-{last}")),
        [(line, false)] => Some(line.to_string()),
        [] | [(_, true), ..] => None,
    };
    runs.filter_map(name).collect()
}

impl Share {
    fn count(&mut self, covered: bool) {
        self.lines += 1;
        self.covered += u32::from(covered);
    }

    /// From 0 to 100.
    pub(super) fn percent(self) -> f64 {
        100.0 * f64::from(self.covered) / f64::from(self.lines.max(1))
    }
}

impl fmt::Display for Share {
    /// The percentage, cut after one digit: what is short of a bar must not look as if it reached.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = u64::from(self.covered) * 1000 / u64::from(self.lines.max(1));
        write!(formatter, "{}.{}", tenths / 10, tenths % 10)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().map(|(name, _)| name.len());
        let width = names.max().unwrap_or(0);
        write!(formatter, "{:width$}   covered    lines        %", "crate")?;
        for (name, share) in &self.rows {
            let Share { covered, lines } = share;
            let percent = share.to_string();
            write!(
                formatter,
                "\n{name:width$}  {covered:>8} {lines:>8} {percent:>8}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Tables for tests.

    use super::{Files, Table};

    /// Files, and for each of their lines whether it is covered.
    pub(crate) fn files(files: &[(&str, &[bool])]) -> Files {
        let lines = |covered: &[bool]| (1..).zip(covered.iter().copied()).collect();
        files
            .iter()
            .map(|(path, covered)| ((*path).to_owned(), lines(covered)))
            .collect()
    }

    /// The table of all crates.
    pub(crate) fn table(of: &[(&str, &[bool])]) -> Table {
        Table::of(&files(of), &[])
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{files, table};
    use super::*;

    const FILES: &[(&str, &[bool])] = &[
        ("crates/bb/src/lib.rs", &[true, false]),
        ("crates/a/src/lib.rs", &[true, true]),
        ("crates/a/src/x/y.rs", &[false, false, true, false]),
    ];

    #[test]
    fn each_crate_has_a_row_and_all_have_one() {
        let lines = [
            "crate       covered    lines        %",
            "a                 3        6     50.0",
            "bb                1        2     50.0",
            "workspace         4        8     50.0",
        ];
        assert_eq!(table(FILES).to_string(), lines.join("\n"));
    }

    #[test]
    fn crates_that_were_not_asked_for_are_not_shown() {
        let table = Table::of(&files(FILES), &["bb".to_owned()]);
        assert_eq!(table.share_of("a"), None);
        let bb = table.share_of("bb").unwrap();
        assert_eq!(table.share_of(PART), Some(bb));
        assert_eq!(table.share_of(WHOLE), None);
        assert_eq!(table.uncovered(), ["crates/bb/src/lib.rs: 2"]);
    }

    #[test]
    fn uncovered_lines_are_told_as_ranges() {
        assert_eq!(
            table(FILES).uncovered(),
            ["crates/a/src/x/y.rs: 1-2 4", "crates/bb/src/lib.rs: 2"]
        );
    }

    #[test]
    fn a_range_goes_on_over_lines_without_code() {
        let lines = Lines::from([(1, true), (3, false), (7, false), (9, true), (10, false)]);
        assert_eq!(uncovered_ranges(&lines), ["3-7", "10"]);
    }

    #[test]
    fn a_percentage_is_never_rounded_up() {
        let share = |covered, lines| Share { covered, lines }.to_string();
        assert_eq!(share(9_999, 10_000), "99.9");
        assert_eq!(share(2, 3), "66.6");
        assert_eq!(share(7, 7), "100.0");
        assert_eq!(share(0, 0), "0.0");
    }

    #[test]
    fn without_any_line_the_table_is_empty() {
        assert!(table(&[]).is_empty());
        assert!(table(&[("crates/a/src/lib.rs", &[])]).is_empty());
        assert!(!table(FILES).is_empty());
    }
}
