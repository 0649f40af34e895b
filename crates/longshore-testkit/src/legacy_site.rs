//! The system that longshore comes from, as its users have it: the package `django-container-manager`
//! from `PyPI`, in a Django project of its own, with tables made by its own migrations.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::command::run;
use crate::names::temp_dir;
use crate::places::testbed_dir;

/// What it needs, besides itself. Its first release also names a library of Google's that it can do
/// without, so its own list is not asked.
const NEEDS: [&str; 4] = [
    "django==5.2.*",
    "docker==7.*",
    "psycopg[binary]==3.*",
    "setuptools<81",
];

/// A release of the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacyRelease {
    /// The first one on `PyPI`, 1.0.0: jobs have no queue yet.
    First,
    /// The last one, 1.0.14.
    Last,
}

impl LegacyRelease {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::First, Self::Last];

    /// Installs it, with what it needs, into an environment of its own, unless it is there.
    ///
    /// # Errors
    /// When python3 (with venv) is missing, or `PyPI` does not answer.
    pub fn install(self) -> Result<()> {
        environment(self).map(drop)
    }

    fn version(self) -> &'static str {
        match self {
            Self::First => "1.0.0",
            Self::Last => "1.0.14",
        }
    }
}

impl fmt::Display for LegacyRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version())
    }
}

/// A project with empty tables; when dropped, its folder is gone.
#[derive(Debug)]
pub struct LegacySite {
    folder: TempDir,
    python: PathBuf,
    url: String,
}

impl LegacySite {
    /// A project whose tables are in a file of `SQLite`.
    ///
    /// # Errors
    /// When python3 (with venv) is missing, `PyPI` does not answer, or the migrations fail.
    pub fn in_sqlite(release: LegacyRelease) -> Result<Self> {
        let folder = temp_dir();
        let url = format!("sqlite://{}", folder.path().join("db.sqlite3").display());
        Self::migrate(release, folder, url)
    }

    /// A project whose tables are in an empty database of `PostgreSQL`.
    ///
    /// # Errors
    /// As [`Self::in_sqlite`].
    pub fn in_postgres(release: LegacyRelease, url: &str) -> Result<Self> {
        Self::migrate(release, temp_dir(), url.to_owned())
    }

    fn migrate(release: LegacyRelease, folder: TempDir, url: String) -> Result<Self> {
        let python = environment(release)?;
        fs::write(folder.path().join("settings.py"), SETTINGS)?;
        let site = Self {
            folder,
            python,
            url,
        };
        run(&mut site.django(&["migrate", "--verbosity", "0"]))?;
        Ok(site)
    }

    /// The database, as its users name it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The project's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A management command.
    pub fn django(&self, arguments: &[&str]) -> Command {
        let mut command = self.python();
        command.args(["-m", "django"]).args(arguments);
        command
    }

    /// Runs a Python script in which the package's models can be imported; returns what it prints.
    ///
    /// # Errors
    /// When it fails; the text holds its traceback.
    pub fn script(&self, script: &str) -> Result<String> {
        let whole = format!("import django\ndjango.setup()\n{script}");
        run(self.python().args(["-c", &whole]))
    }

    fn python(&self) -> Command {
        let mut command = Command::new(&self.python);
        command
            .current_dir(self.folder.path())
            .env("PYTHONPATH", self.folder.path())
            .env("DJANGO_SETTINGS_MODULE", "settings")
            .env("LEGACY_DATABASE", &self.url)
            .stdin(Stdio::null());
        command
    }
}

/// The interpreter of an environment that holds the release; installed when it is not there yet.
fn environment(release: LegacyRelease) -> Result<PathBuf> {
    fs::create_dir_all(testbed_dir())?;
    let folder = testbed_dir().join(format!("legacy-{release}"));
    let lock = File::create(folder.with_added_extension("lock"))?;
    lock.lock()?;
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if ready.is_file() && run(Command::new(&python).arg("--version")).is_ok() {
        return Ok(python);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        .context("Debian's packages are python3 and python3-venv")?;
    let pip = |arguments: &[&str]| {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--no-input"]);
        run(pip.args(arguments))
    };
    pip(&NEEDS)?;
    pip(&["--no-deps", &format!("django-container-manager=={release}")])?;
    fs::write(ready, "")?;
    Ok(python)
}

const SETTINGS: &str = r#"
import os
from urllib.parse import urlsplit

SECRET_KEY = "tests"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.messages", "django.contrib.sessions", "container_manager",
]
URL = urlsplit(os.environ["LEGACY_DATABASE"])
if URL.scheme == "sqlite":
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": URL.path,
                             "OPTIONS": {"timeout": 30}}}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": URL.path[1:],
                             "USER": URL.username, "HOST": URL.hostname, "PORT": URL.port}}
# Nobody opens its admin pages here.
SILENCED_SYSTEM_CHECKS = ["admin.E402", "admin.E404", "admin.E408", "admin.E409", "admin.E410"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
"#;
