//! Bars: how much of a crate must be covered at least.

use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};

use super::table::Table;

/// One of them, as one types it: `longshore-core=95`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    name: String,
    percent: f64,
}

impl FromStr for Bar {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, percent) = text
            .split_once('=')
            .context("a bar looks like CRATE=PERCENT")?;
        let percent: f64 = percent
            .parse()
            .with_context(|| format!("`{percent}` is no number"))?;
        ensure!(
            (0.0..=100.0).contains(&percent),
            "{percent} is not between 0 and 100"
        );
        let name = name.to_owned();
        Ok(Self { name, percent })
    }
}

/// Refuses a bar of which there will be no number, before any test is run.
pub(super) fn refuse_strangers(bars: &[Bar], measured: &[String]) -> Result<()> {
    for bar in bars {
        if !measured.contains(&bar.name) {
            bail!(
                "`{}` is not measured, but: {}",
                bar.name,
                measured.join(", ")
            );
        }
    }
    Ok(())
}

/// Fails when a bar is not reached, and names all that are not.
pub(super) fn check(bars: &[Bar], table: &Table) -> Result<()> {
    let missed: Vec<String> = bars.iter().filter_map(|bar| bar.missed_in(table)).collect();
    if !missed.is_empty() {
        bail!("too little is covered: {}", missed.join(", "));
    }
    Ok(())
}

impl Bar {
    fn missed_in(&self, table: &Table) -> Option<String> {
        let Self { name, percent } = self;
        let Some(share) = table.share_of(name) else {
            return Some(format!("{name} has no line that counts"));
        };
        let missed = share.percent() < *percent;
        missed.then(|| format!("{name} is at {share} %, its bar at {percent} %"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::samples::table;
    use super::*;

    fn bar(text: &str) -> Bar {
        text.parse().unwrap()
    }

    #[test]
    fn a_bar_is_a_crate_and_a_percentage() {
        let read = bar("longshore-core=95.5");
        assert_eq!(read.name, "longshore-core");
        assert!((read.percent - 95.5).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_no_bar_is_refused() {
        for text in ["longshore-core", "a=much", "a=101", "a=-1", "a=NaN", "a="] {
            assert!(text.parse::<Bar>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_bar_of_what_is_not_measured_is_refused_with_what_is() {
        let measured = ["workspace".to_owned(), "a".to_owned()];
        assert!(refuse_strangers(&[bar("a=1"), bar("workspace=1")], &measured).is_ok());
        let error = refuse_strangers(&[bar("b=1")], &measured).unwrap_err();
        assert_eq!(error.to_string(), "`b` is not measured, but: workspace, a");
    }

    #[test]
    fn a_bar_that_is_just_reached_holds() {
        let table = table(&[("crates/a/src/lib.rs", &[true, true, true, false])]);
        assert!(check(&[bar("a=75"), bar("workspace=75")], &table).is_ok());
    }

    #[test]
    fn every_bar_that_is_not_reached_is_named() {
        let table = table(&[("crates/a/src/lib.rs", &[true, true, false])]);
        let bars = [bar("a=66.7"), bar("workspace=66"), bar("b=0")];
        assert_eq!(
            check(&bars, &table).unwrap_err().to_string(),
            "too little is covered: a is at 66.6 %, its bar at 66.7 %, b has no line that counts"
        );
    }
}
