//! A worker on an embedded host of its own that has the demo's image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use longshore_testkit::{demo_image_archive, run};
use tempfile::TempDir;

use crate::ours::{Bench, RunningWorker};

/// The embedded host's folder; everything of it goes with this value.
pub(super) struct Ground {
    folder: TempDir,
}

impl Ground {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
        })
    }

    /// How longshore is told of it.
    pub(super) fn address(&self) -> String {
        format!("oci://{}", self.folder.path().join("oci").display())
    }

    /// A store of its own with a running worker, and the image on the host.
    pub(super) async fn worker(&self, bench: &Bench, slots: usize) -> Result<RunningWorker> {
        let worker = bench.worker_on(&self.address(), slots).await?;
        let archive = demo_image_archive()?.display().to_string();
        bench.call(
            worker.path(),
            &["images", "import", &archive, "--hosts", "bench"],
        )?;
        Ok(worker)
    }

    /// The root file system of the demo's image, unpacked.
    pub(super) fn root(&self) -> Result<PathBuf> {
        let root = self.folder.path().join("root");
        if root.is_dir() {
            return Ok(root);
        }
        let image = self.folder.path().join("image");
        std::fs::create_dir_all(&image)?;
        std::fs::create_dir_all(&root)?;
        let tar = |archive: PathBuf, folder: &PathBuf| {
            let mut command = std::process::Command::new("tar");
            command.arg("--extract").arg("--file").arg(archive);
            run(command.arg("--directory").arg(folder)).context("an archive is unpacked")
        };
        tar(demo_image_archive()?, &image)?;
        tar(image.join("layer.tar"), &root)?;
        Ok(root)
    }

    /// Whether a path is below its folder.
    pub(super) fn has(&self, path: &Path) -> bool {
        path.starts_with(self.folder.path())
    }

    /// A folder for whatever else.
    pub(super) fn room(&self, name: &str) -> Result<PathBuf> {
        let room = self.folder.path().join(name);
        std::fs::create_dir_all(&room)?;
        Ok(room)
    }
}
