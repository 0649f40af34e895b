//! The labels of the legacy system, django-container-manager: written so that its tools still find
//! our containers, read so that we find its own.
//!
//! It had three schemes. The first has hyphens in its keys. The second has dots and underscores, and
//! names the template of the job. The third is the second without the template.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ids::JobId;

/// The job's id, in the second and third scheme.
pub const LABEL_JOB_ID: &str = "django.container_manager.job_id";
/// The job's name, or [`UNNAMED`].
pub const LABEL_JOB_NAME: &str = "django.container_manager.job_name";
/// The host's id in the legacy database.
pub const LABEL_HOST_ID: &str = "django.container_manager.host_id";
/// The host's name.
pub const LABEL_HOST_NAME: &str = "django.container_manager.host_name";
/// When the job was created, as ISO 8601.
pub const LABEL_CREATED_AT: &str = "django.container_manager.created_at";
/// Who created the job.
pub const LABEL_CREATED_BY: &str = "django.container_manager.created_by";
/// Id of the job's template; the second scheme alone.
pub const LABEL_TEMPLATE_ID: &str = "django.container_manager.template_id";
/// Name of the job's template; the second scheme alone.
pub const LABEL_TEMPLATE_NAME: &str = "django.container_manager.template_name";
/// Which program manages the container.
pub const LABEL_MANAGED_BY: &str = "managed_by";
/// Value of [`LABEL_MANAGED_BY`].
pub const MANAGED_BY: &str = "django-container-manager";
/// Version of the labels.
pub const LABEL_VERSION: &str = "version";
/// Value of [`LABEL_VERSION`].
pub const VERSION: &str = "1.0";

/// The job's id, in the first scheme.
pub const FIRST_JOB_ID: &str = "django-container-manager.job-id";
/// The job's name, in the first scheme; only where it has one.
pub const FIRST_JOB_NAME: &str = "django-container-manager.job-name";
/// The host's name, in the first scheme.
pub const FIRST_HOST: &str = "django-container-manager.host";

/// What stands for the name of a job without one.
pub const UNNAMED: &str = "unnamed";

/// A container of the legacy system carries one of these keys, with the job's id.
pub const DISCOVERY_KEYS: [&str; 2] = [LABEL_JOB_ID, FIRST_JOB_ID];

/// What the legacy labels of a container say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyLabels {
    /// The job.
    pub job: JobId,
    /// Its name, if it has one.
    pub job_name: Option<String>,
    /// Id of the host.
    pub host_id: String,
    /// Name of the host.
    pub host_name: String,
    /// When the job was created.
    pub created_at: Timestamp,
    /// Who created it, where that is known.
    pub created_by: Option<String>,
}

impl LegacyLabels {
    /// The labels of the third scheme. The pair that made a container look like a part of a compose
    /// project is left out: compose would have felt free to remove it.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let name = self.job_name.as_deref().unwrap_or(UNNAMED);
        let mut labels: BTreeMap<String, String> = [
            (LABEL_JOB_ID, self.job.to_string()),
            (LABEL_JOB_NAME, name.to_owned()),
            (LABEL_HOST_ID, self.host_id.clone()),
            (LABEL_HOST_NAME, self.host_name.clone()),
            (LABEL_CREATED_AT, iso(self.created_at)),
            (LABEL_MANAGED_BY, MANAGED_BY.to_owned()),
            (LABEL_VERSION, VERSION.to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        if let Some(user) = &self.created_by {
            labels.insert(LABEL_CREATED_BY.to_owned(), user.clone());
        }
        labels
    }
}

/// As Python writes a time in UTC, which its older versions read back in this form alone.
fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// The scheme of a container's legacy labels, named by its place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Hyphens.
    First,
    /// Dots and underscores, with a template.
    Second,
    /// Dots and underscores, without one.
    Third,
}

/// Where a container comes from, by its legacy labels. Those of ours carry them too: whoever wants
/// to know whose it is looks for the label of the pool first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyOrigin {
    /// Which labels it has.
    pub scheme: Scheme,
    /// Id of the job, as it stands there; empty values count as absent.
    pub job: Option<String>,
    /// Name of the job, if it had one.
    pub name: Option<String>,
    /// Name of the host.
    pub host: Option<String>,
}

impl LegacyOrigin {
    /// Reads the labels of a container; `None` if none of the three schemes made them.
    pub fn read(labels: &BTreeMap<String, String>) -> Option<Self> {
        let scheme = scheme(labels)?;
        let (job, name, host) = match scheme {
            Scheme::First => (FIRST_JOB_ID, FIRST_JOB_NAME, FIRST_HOST),
            Scheme::Second | Scheme::Third => (LABEL_JOB_ID, LABEL_JOB_NAME, LABEL_HOST_NAME),
        };
        let value = |key: &str| labels.get(key).filter(|value| !value.is_empty()).cloned();
        Some(Self {
            scheme,
            job: value(job),
            name: value(name).filter(|name| name != UNNAMED),
            host: value(host),
        })
    }
}

fn scheme(labels: &BTreeMap<String, String>) -> Option<Scheme> {
    let has = |key: &str| labels.contains_key(key);
    if has(LABEL_JOB_ID) {
        let is_of_template = has(LABEL_TEMPLATE_ID) || has(LABEL_TEMPLATE_NAME);
        return Some(if is_of_template {
            Scheme::Second
        } else {
            Scheme::Third
        });
    }
    has(FIRST_JOB_ID).then_some(Scheme::First)
}
