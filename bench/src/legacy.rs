//! The system that longshore comes from, as its users ran it: `process_container_jobs --legacy-mode`.

use std::process::Stdio;
use std::time::Instant;

use anyhow::Result;
use longshore_testkit::{LegacyRelease, LegacySite};

/// A project with the release that is measured.
pub(crate) struct Legacy {
    site: LegacySite,
    docker_host: String,
}

impl Legacy {
    /// Installs the package from `PyPI` and makes its tables.
    pub(crate) fn prepare(docker_host: &str) -> Result<Self> {
        Ok(Self {
            site: LegacySite::in_sqlite(LegacyRelease::Last)?,
            docker_host: docker_host.to_owned(),
        })
    }

    /// Runs so many jobs of `/bin/true` and says how many a second.
    pub(crate) fn jobs_per_second(&self, jobs: u32) -> Result<f64> {
        let count = format!("COUNT = {jobs}\nADDRESS = {:?}\n", self.docker_host);
        self.site.script(&[count.as_str(), FILL].concat())?;
        let mut work = self.site.django(&[
            "process_container_jobs",
            "--legacy-mode",
            "--poll-interval",
            "1",
        ]);
        work.args(["--max-jobs", "8"]);
        let began = Instant::now();
        let mut worker = work.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let waited = self.site.script(WAIT);
        let seconds = began.elapsed().as_secs_f64();
        worker.kill()?;
        worker.wait()?;
        waited?;
        Ok(f64::from(jobs) / seconds)
    }
}

const FILL: &str = r#"
from container_manager.models import ContainerJob, ExecutorHost
host, _ = ExecutorHost.objects.get_or_create(
    name="bench", defaults={"host_type": "unix", "connection_string": ADDRESS})
for _ in range(COUNT):
    ContainerJob.objects.create(docker_host=host, docker_image="demo-image:latest", command="/bin/true")
"#;

const WAIT: &str = r#"
import sys, time
from container_manager.models import ContainerJob
open_ones = ContainerJob.objects.exclude(status__in=["completed", "failed", "timeout", "cancelled"])
deadline = time.monotonic() + 600
while open_ones.exists():
    if time.monotonic() > deadline:
        sys.exit("the jobs did not end within ten minutes")
    time.sleep(0.05)
bad = ContainerJob.objects.exclude(status="completed").count()
ContainerJob.objects.all().delete()
sys.exit(f"{bad} jobs did not complete" if bad else 0)
"#;
