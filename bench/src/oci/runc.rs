//! A bare loop of `runc run`: the same root file system and limits, nothing kept of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// A bundle that any number of containers run from, read-only.
pub(super) struct Runc {
    bundle: PathBuf,
    state: PathBuf,
}

impl Runc {
    /// In `folder`, with the root file system `root`.
    pub(super) fn prepare(folder: &Path, root: &Path) -> Result<Self> {
        let (bundle, state) = (folder.join("bundle"), folder.join("state"));
        fs::create_dir_all(&bundle)?;
        let made = Command::new("runc")
            .args(["spec", "--bundle"])
            .arg(&bundle)
            .status()
            .context("runc comes with docker.io")?;
        ensure!(made.success(), "runc makes no spec");
        let file = bundle.join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&file)?)?;
        config["root"] = json!({ "path": root, "readonly": true });
        config["process"]["terminal"] = json!(false);
        config["process"]["args"] = json!(["/bin/true"]);
        config["linux"]["resources"]["memory"] = json!({ "limit": 536_870_912 });
        config["linux"]["resources"]["cpu"] = json!({ "quota": 100_000, "period": 100_000 });
        config["linux"]["resources"]["pids"] = json!({ "limit": 1024 });
        fs::write(&file, config.to_string())?;
        Ok(Self { bundle, state })
    }

    /// One container that runs `/bin/true`.
    pub(super) fn run(&self, name: &str) -> Result<()> {
        let status = Command::new("runc")
            .arg("--root")
            .arg(&self.state)
            .args(["run", "--bundle"])
            .arg(&self.bundle)
            .arg(format!("longshore-floor-{name}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "a `runc run` failed");
        Ok(())
    }
}
