//! From what instrumented programs leave behind to lines that were run or not.
//!
//! A *region* is a piece of source with a counter. A function that is compiled into many programs,
//! or for many types, has its regions in each; a line is covered when any of them ran.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::slice;

use anyhow::{Context, Result};
use llvm_profparser::{CoverageMapping, SourceLocation, merge_profiles};
use longshore_testkit::workspace_dir;

/// The lines of a file that have code, and whether they were run.
pub(super) type Lines = BTreeMap<usize, bool>;
/// Files by their path from the workspace's root.
pub(super) type Files = BTreeMap<String, Lines>;

/// Reads all files of this workspace that `objects` were made of; `profiles` tell what was run.
pub(super) fn read(profiles: &[PathBuf], objects: &[PathBuf]) -> Result<Files> {
    let profile = merge_profiles(profiles).context("a profile cannot be read")?;
    let mut files = Files::new();
    for object in objects {
        // `true` is what makes an object that cannot be read an error.
        let report = CoverageMapping::new(slice::from_ref(object), &profile, true)
            .and_then(|mapping| mapping.generate_report())
            .with_context(|| format!("no coverage can be read from {}", object.display()))?;
        for (path, result) in report.files {
            if let Ok(path) = path.strip_prefix(workspace_dir()) {
                let lines = files.entry(path.to_string_lossy().into_owned());
                add(lines.or_default(), lines_of(&result.hits));
            }
        }
    }
    Ok(files)
}

fn add(known: &mut Lines, more: Lines) {
    for (line, covered) in more {
        *known.entry(line).or_default() |= covered;
    }
}

/// As `llvm-cov` sees it: a line was run if a region that begins on it was, or the innermost of
/// those that reach into it from above.
fn lines_of(hits: &BTreeMap<SourceLocation, usize>) -> Lines {
    let mut begun = Lines::new();
    let mut reached: BTreeMap<usize, (Start, bool)> = BTreeMap::new();
    for (region, count) in hits {
        let covered = was_run(*count);
        *begun.entry(region.line_start).or_default() |= covered;
        let start = (region.line_start, region.column_start);
        for line in region.line_start + 1..=region.line_end {
            let innermost = reached.entry(line).or_insert((start, covered));
            // Regions come in the order of their starts, of two with one start the shorter first.
            if start > innermost.0 {
                *innermost = (start, covered);
            }
        }
    }
    let reached = reached
        .into_iter()
        .map(|(line, (_, covered))| (line, covered));
    add(&mut begun, reached.collect());
    begun
}

/// Line and column.
type Start = (usize, usize);

/// A count is the difference of two others where that saves a counter; below zero it arrives as a
/// number beyond all counting.
fn was_run(count: usize) -> bool {
    isize::try_from(count).is_ok_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: Start, end: Start) -> SourceLocation {
        SourceLocation {
            line_start: start.0,
            column_start: start.1,
            line_end: end.0,
            column_end: end.1,
        }
    }

    fn lines(regions: &[(Start, Start, usize)]) -> Vec<(usize, bool)> {
        let hits = regions
            .iter()
            .map(|(start, end, count)| (region(*start, *end), *count));
        lines_of(&hits.collect()).into_iter().collect()
    }

    #[test]
    fn only_lines_with_a_region_count() {
        assert_eq!(
            lines(&[((1, 1), (1, 9), 1), ((4, 1), (5, 2), 0)]),
            [(1, true), (4, false), (5, false)]
        );
    }

    #[test]
    fn a_line_is_run_when_any_region_that_begins_on_it_is() {
        assert_eq!(
            lines(&[((1, 1), (1, 5), 0), ((1, 7), (1, 9), 2)]),
            [(1, true)]
        );
    }

    #[test]
    fn a_closure_that_never_ran_is_seen_inside_of_what_did() {
        let outer = ((1, 1), (5, 2), 3);
        let closure = ((2, 10), (4, 6), 0);
        assert_eq!(
            lines(&[outer, closure]),
            // The closure begins on a line that the outer region reaches.
            [(1, true), (2, true), (3, false), (4, false), (5, true)]
        );
    }

    #[test]
    fn of_two_regions_with_one_start_the_shorter_is_the_inner() {
        let outer = ((1, 1), (3, 2), 3);
        let inner = ((1, 1), (2, 2), 0);
        assert_eq!(lines(&[outer, inner]), [(1, true), (2, false), (3, true)]);
    }

    #[test]
    fn a_count_below_zero_is_none() {
        assert!(!was_run(0));
        assert!(was_run(1));
        assert!(!was_run(usize::MAX));
    }

    #[test]
    fn a_line_that_one_program_ran_is_covered() {
        let mut known = Lines::from([(1, true), (2, false), (3, false)]);
        add(&mut known, Lines::from([(1, false), (2, true), (4, false)]));
        assert_eq!(
            known,
            Lines::from([(1, true), (2, true), (3, false), (4, false)])
        );
    }
}
