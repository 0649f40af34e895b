//! The system that longshore comes from, as its users ran it: `process_container_jobs --legacy-mode`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// The release that is measured.
const PACKAGE: &str = "django-container-manager==1.0.14";

/// A virtual environment with the package and a project for it.
pub(crate) struct Legacy {
    folder: TempDir,
    python: PathBuf,
    docker_host: String,
}

impl Legacy {
    /// Installs the package from `PyPI` and makes its tables.
    pub(crate) fn prepare(docker_host: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let environment = folder.path().join("venv");
        succeed(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(&environment),
        )?;
        let python = environment.join("bin/python");
        succeed(Command::new(&python).args(["-m", "pip", "install", "-q", PACKAGE, "setuptools"]))?;
        fs::write(folder.path().join("settings.py"), SETTINGS)?;
        fs::write(folder.path().join("fill.py"), FILL)?;
        let legacy = Self {
            folder,
            python,
            docker_host: docker_host.to_owned(),
        };
        succeed(legacy.django().args(["migrate", "-v0"]))?;
        Ok(legacy)
    }

    fn django(&self) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(["-m", "django"])
            .current_dir(self.folder.path())
            .env("PYTHONPATH", self.folder.path())
            .env("DJANGO_SETTINGS_MODULE", "settings");
        command
    }

    /// Runs so many jobs of `/bin/true` and says how many a second.
    pub(crate) fn jobs_per_second(&self, jobs: u32) -> Result<f64> {
        let mut fill = Command::new(&self.python);
        fill.arg("fill.py")
            .args([&jobs.to_string(), &self.docker_host])
            .current_dir(self.folder.path());
        succeed(&mut fill)?;
        let mut work = self.django();
        work.args([
            "process_container_jobs",
            "--legacy-mode",
            "--poll-interval",
            "1",
        ]);
        work.args(["--max-jobs", "8"]);
        let began = Instant::now();
        let mut worker = work.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut wait = Command::new(&self.python);
        wait.args(["fill.py", "wait"])
            .current_dir(self.folder.path());
        let waited = succeed(&mut wait);
        let seconds = began.elapsed().as_secs_f64();
        worker.kill()?;
        worker.wait()?;
        waited?;
        Ok(f64::from(jobs) / seconds)
    }
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?} failed: {text}");
    Ok(())
}

const SETTINGS: &str = r#"
SECRET_KEY = "bench"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.messages", "django.contrib.sessions", "container_manager",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "jobs.sqlite3",
                         "OPTIONS": {"timeout": 30}}}
# Nobody opens its admin pages here.
SILENCED_SYSTEM_CHECKS = ["admin.E402", "admin.E404", "admin.E408", "admin.E409", "admin.E410"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
"#;

const FILL: &str = r#"
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
import django
django.setup()
from container_manager.models import ContainerJob, ExecutorHost
if sys.argv[1] == "wait":
    open_ones = ContainerJob.objects.exclude(status__in=["completed", "failed", "timeout", "cancelled"])
    deadline = time.monotonic() + 600
    while open_ones.exists():
        if time.monotonic() > deadline:
            sys.exit("the jobs did not end within ten minutes")
        time.sleep(0.05)
    bad = ContainerJob.objects.exclude(status="completed").count()
    ContainerJob.objects.all().delete()
    sys.exit(f"{bad} jobs did not complete" if bad else 0)
host, _ = ExecutorHost.objects.get_or_create(
    name="bench", defaults={"host_type": "unix", "connection_string": sys.argv[2]})
for _ in range(int(sys.argv[1])):
    ContainerJob.objects.create(docker_host=host, docker_image="demo-image:latest", command="/bin/true")
"#;
