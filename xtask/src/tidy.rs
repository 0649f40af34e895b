//! Tidy: rules about the source that no compiler knows. Each rule is one file below.

mod calls;
mod cycles;
mod edges;
mod failures;
mod files;
mod finding;
mod licences;
mod names;
mod ratchet;
mod sizes;
pub(crate) mod source;

use std::fs;

use anyhow::{Context, Result, bail};
use longshore_testkit::workspace_dir;

use finding::Finding;
use ratchet::Ratchet;
use source::{Source, tracked_files};

use crate::steps::say;

const RATCHET: &str = "xtask/tidy-ratchet.toml";

/// Checks the whole workspace.
pub(crate) fn run() -> Result<()> {
    let files = tracked_files()?;
    let mut findings: Vec<Finding> = files.iter().flat_map(files::check).collect();
    findings.extend(failures::check(&files));
    let mut sources = Vec::new();
    for parsed in files.iter().filter_map(Source::parse) {
        match parsed {
            Ok(source) => sources.push(source),
            Err(finding) => findings.push(finding),
        }
    }
    for source in &sources {
        findings.extend(sizes::check(source));
        findings.extend(names::check(source));
        findings.extend(calls::check(source));
    }
    findings.extend(cycles::check(&sources));
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(workspace_dir().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .context("cargo metadata failed")?;
    findings.extend(edges::check(&metadata));
    let allowed = fs::read_to_string(workspace_dir().join("deny.toml"))?;
    findings.extend(licences::check(&metadata, &licences::allowed_in(&allowed)?));
    judge(findings, files.len())
}

fn judge(findings: Vec<Finding>, checked: usize) -> Result<()> {
    let path = workspace_dir().join(RATCHET);
    let ratchet = Ratchet::parse(&fs::read_to_string(path)?)?;
    for line in ratchet.list() {
        say(&line);
    }
    let left = ratchet.apply(findings);
    for finding in &left {
        say(&finding.to_string());
    }
    if !left.is_empty() {
        bail!("tidy: {} findings in {checked} files", left.len());
    }
    say(&format!("tidy: nothing found in {checked} files"));
    Ok(())
}
