//! What an import did: counts, then what is to say about single things.

use longshore_import::{Doing, Part, Remark, Report};
use serde::Serialize;

use crate::render::tables::{self, Look};
use crate::render::views::SCHEMA;

/// Most remarks in the table for people; `--json` has all of them.
const SHOWN: usize = 100;

/// The report in `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct ImportView<'a> {
    schema: u32,
    dry_run: bool,
    #[serde(flatten)]
    report: &'a Report,
}

/// The report in `--json`.
pub(crate) fn json(report: &Report, doing: Doing) -> ImportView<'_> {
    ImportView {
        schema: SCHEMA,
        dry_run: doing == Doing::Plan,
        report,
    }
}

/// How many there were of each kind.
pub(crate) fn counts(report: &Report, look: Look) -> String {
    let row = |(kind, part): (&str, &Part)| {
        let refused = part.not_taken.len();
        [
            format!("{kind}s"),
            part.taken.to_string(),
            part.already_there.to_string(),
            refused.to_string(),
        ]
    };
    let head = ["WHAT", "TAKEN", "HERE ALREADY", "NOT TAKEN"];
    tables::plain(head, &parts(report).map(row), look)
}

/// What was not taken or is not as it was; `None` if there is nothing of that sort.
pub(crate) fn remarks(report: &Report, look: Look) -> Option<String> {
    let all: Vec<[String; 4]> = parts(report)
        .into_iter()
        .flat_map(|(kind, part)| {
            let refused = part.not_taken.iter().map(|it| line(kind, "not taken", it));
            refused.chain(part.changed.iter().map(|it| line(kind, "changed", it)))
        })
        .collect();
    if all.is_empty() {
        return None;
    }
    let shown = &all[..all.len().min(SHOWN)];
    let table = tables::plain(["KIND", "WHICH", "FATE", "WHY"], shown, look);
    Some(match all.len() - shown.len() {
        0 => format!("\n{table}"),
        more => format!("\n{table}\n… and {more} more; --json has them all"),
    })
}

fn parts(report: &Report) -> [(&'static str, &Part); 3] {
    [
        ("host", &report.hosts),
        ("template", &report.templates),
        ("job", &report.jobs),
    ]
}

fn line(kind: &str, fate: &str, remark: &Remark) -> [String; 4] {
    let (what, why) = (remark.what.clone(), remark.why.replace('\n', "; "));
    [kind.to_owned(), what, fate.to_owned(), why]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use longshore_import::Layout;

    use super::*;

    fn report(remarks: usize) -> Report {
        let remark = |number| Remark {
            what: format!("job-{number}"),
            why: "it has no image".into(),
        };
        let jobs = Part {
            taken: 3,
            not_taken: (0..remarks).map(remark).collect(),
            ..Part::default()
        };
        Report {
            layout: Layout::Last,
            hosts: Part::default(),
            templates: Part::default(),
            jobs,
        }
    }

    fn look() -> Look {
        Look {
            color: false,
            full: true,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_kind_is_counted() {
        let table = counts(&report(2), look());
        let jobs = table.lines().last().unwrap();
        let words: Vec<&str> = jobs.split_whitespace().collect();
        assert_eq!(words, ["jobs", "3", "0", "2"]);
    }

    #[test]
    fn many_remarks_are_cut_and_told_so() {
        assert_eq!(remarks(&report(0), look()), None);
        let few = remarks(&report(2), look()).unwrap();
        assert!(few.contains("job-1") && !few.contains("more"), "{few}");
        let many = remarks(&report(150), look()).unwrap();
        assert!(
            many.ends_with("… and 50 more; --json has them all"),
            "{many}"
        );
    }

    #[test]
    fn json_has_the_layout_and_all_remarks() {
        let report = report(150);
        let view = serde_json::to_value(json(&report, Doing::Plan)).unwrap();
        assert_eq!(
            (&view["dry_run"], &view["layout"]),
            (&true.into(), &"1.0.14".into())
        );
        assert_eq!(view["jobs"]["not_taken"].as_array().unwrap().len(), 150);
    }
}
