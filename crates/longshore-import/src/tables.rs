//! The old tables: which version made them, and the statements that read them.

use serde::Serialize;

use crate::connection::{Connection, quoted};
use crate::error::ImportError;

const HOSTS: &str = "container_manager_executorhost";
const TEMPLATES: &str = "container_manager_environmentvariabletemplate";
const JOBS: &str = "container_manager_containerjob";
const USERS: &str = "auth_user";

/// Columns of hosts.
pub(crate) const HOST: &[&str] = &[
    "id",
    "name",
    "host_type",
    "connection_string",
    "tls_enabled",
    "is_active",
    "auto_pull_images",
    "executor_type",
    "max_concurrent_jobs",
    "weight",
    "created_at",
];

/// Columns of environment templates.
pub(crate) const TEMPLATE: &[&str] = &["id", "name", "description", "environment_variables_text"];

/// Columns of jobs, those that not all versions have among them, and two that are computed.
pub(crate) const JOB: &[&str] = &[
    "id",
    "docker_host_id",
    "name",
    "status",
    "description",
    "docker_image",
    "command",
    "working_directory",
    "memory_limit",
    "cpu_limit",
    "timeout_seconds",
    "network_configuration",
    "override_environment",
    "environment_template_id",
    "execution_id",
    "exit_code",
    "started_at",
    "completed_at",
    "max_memory_usage",
    "cpu_usage_percent",
    "created_at",
    "updated_at",
    "queued_at",
    "scheduled_for",
    "launched_at",
    "retry_count",
    "max_retries",
    "priority",
    "last_error",
    "retry_strategy",
    PREFERENCE,
    "has_log",
    "creator",
];

/// In the tables of installations from before the first release alone.
const PREFERENCE: &str = "preferred_executor";

/// Columns with what a job wrote.
pub(crate) const LOG: &[&str] = &["stdout_log", "stderr_log", "docker_log"];

/// The queue came with 1.0.14.
const LATER: &[&str] = &[
    "queued_at",
    "scheduled_for",
    "launched_at",
    "retry_count",
    "max_retries",
    "priority",
    "last_error",
    "retry_strategy",
];

/// Which versions made the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Layout {
    /// 1.0.0 to 1.0.12: no queue.
    #[serde(rename = "1.0.0")]
    First,
    /// 1.0.14.
    #[serde(rename = "1.0.14")]
    Last,
}

/// What there is to read.
pub(crate) struct Tables {
    pub(crate) layout: Layout,
    /// Whether Django's own table of users is there; an installation may have another.
    has_users: bool,
    has_preference: bool,
}

impl Tables {
    /// Looks at the tables of a database.
    ///
    /// # Errors
    /// They are of no version that is known; what is missing is named.
    pub(crate) async fn recognise(from: &mut Connection) -> Result<Self, ImportError> {
        let mut missing = Vec::new();
        missing.extend(lacking(HOSTS, HOST, &from.columns_of(HOSTS).await?));
        missing.extend(lacking(
            TEMPLATES,
            TEMPLATE,
            &from.columns_of(TEMPLATES).await?,
        ));
        let jobs = from.columns_of(JOBS).await?;
        let layout = if jobs.iter().any(|column| LATER.contains(&column.as_str())) {
            Layout::Last
        } else {
            Layout::First
        };
        let wanted: Vec<&str> = stored(layout).chain(LOG.iter().copied()).collect();
        missing.extend(lacking(JOBS, &wanted, &jobs));
        if !missing.is_empty() {
            return Err(ImportError::OtherTables {
                database: from.database().to_string(),
                missing,
            });
        }
        let users = from.columns_of(USERS).await?;
        let has_users = ["id", "username"]
            .iter()
            .all(|column| users.iter().any(|found| found == column));
        Ok(Self {
            layout,
            has_users,
            has_preference: jobs.iter().any(|column| column == PREFERENCE),
        })
    }

    /// The statement that reads some jobs behind `last`, by id; from the first one on if it is none.
    pub(crate) fn jobs(&self, last: Option<&str>, most: u32) -> String {
        let behind = last.map(|id| format!("WHERE t.id > {}", quoted(id)));
        let rest = format!("{} ORDER BY t.id LIMIT {most}", behind.unwrap_or_default());
        select(JOB.iter().map(|column| self.job_cell(column)), JOBS, &rest)
    }

    fn job_cell(&self, column: &str) -> String {
        match column {
            "has_log" => {
                let filled: Vec<String> = LOG.iter().map(|log| format!("t.{log} <> ''")).collect();
                let condition = filled.join(" OR ");
                format!("CASE WHEN {condition} THEN '1' ELSE '0' END")
            }
            "creator" if self.has_users => format!(
                "(SELECT CAST(u.username AS TEXT) FROM {USERS} u WHERE u.id = t.created_by_id)"
            ),
            "creator" => "'user ' || CAST(t.created_by_id AS TEXT)".to_owned(),
            PREFERENCE if !self.has_preference => "CAST(NULL AS TEXT)".to_owned(),
            later if self.layout == Layout::First && LATER.contains(&later) => {
                "CAST(NULL AS TEXT)".to_owned()
            }
            stored => text(stored),
        }
    }
}

/// The statement that reads all hosts.
pub(crate) fn hosts() -> String {
    select(
        HOST.iter().map(|column| text(column)),
        HOSTS,
        "ORDER BY t.id",
    )
}

/// The statement that reads all environment templates.
pub(crate) fn templates() -> String {
    let columns = TEMPLATE.iter().map(|column| text(column));
    select(columns, TEMPLATES, "ORDER BY t.id")
}

/// The statement that reads what one job wrote.
pub(crate) fn log(id: &str) -> String {
    let which = format!("WHERE t.id = {}", quoted(id));
    select(LOG.iter().map(|column| text(column)), JOBS, &which)
}

/// Columns that the table of jobs has.
fn stored(layout: Layout) -> impl Iterator<Item = &'static str> {
    let may_lack = [PREFERENCE, "has_log", "creator"];
    let is_there = move |column: &&str| {
        let is_later = layout == Layout::First && LATER.contains(column);
        !is_later && !may_lack.contains(column)
    };
    JOB.iter()
        .copied()
        .filter(is_there)
        .chain(["created_by_id"])
}

/// What a table lacks of these columns; the whole table, if it has none at all.
fn lacking(table: &str, wanted: &[&str], found: &[String]) -> Vec<String> {
    if found.is_empty() {
        return vec![format!("table {table}")];
    }
    wanted
        .iter()
        .filter(|column| !found.iter().any(|name| name == *column))
        .map(|column| format!("{table}.{column}"))
        .collect()
}

fn text(column: &str) -> String {
    format!("CAST(t.{column} AS TEXT)")
}

fn select(columns: impl Iterator<Item = String>, table: &str, rest: &str) -> String {
    let columns: Vec<String> = columns.collect();
    format!("SELECT {} FROM {table} t {rest}", columns.join(", "))
}
