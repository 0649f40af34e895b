//! cargo-deny: bans, licences and sources of all dependencies.

use anyhow::Result;
use longshore_testkit::run;

use crate::steps::{cargo, run_visible, say};

/// Runs it; installs it first when it is missing.
pub(crate) fn check() -> Result<()> {
    if run(&mut cargo(&["deny", "--version"])).is_err() {
        say("installing: cargo-deny, which checks what we depend on");
        run_visible(&mut cargo(&["install", "--locked", "cargo-deny"]))?;
    }
    run_visible(&mut cargo(&[
        "deny", "check", "bans", "licenses", "sources",
    ]))
}
