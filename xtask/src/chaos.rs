//! Storms: jobs with known ends on private engines under random trouble.

use anyhow::Result;

use crate::packages;
use crate::steps::{cargo, run_visible};

/// Builds what is needed and raises storms with these arguments; see `e2e/src/chaos.rs`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    packages::ensure(packages::FOR_TESTS)?;
    packages::ensure(packages::FOR_POSTGRES)?;
    run_visible(&mut cargo(&["build", "--package", "longshore", "--locked"]))?;
    let storm = [
        "run",
        "--locked",
        "--package",
        "longshore-e2e",
        "--bin",
        "chaos",
        "--",
    ];
    run_visible(cargo(&storm).args(arguments))
}
