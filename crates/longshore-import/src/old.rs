//! What stands in the old tables, as plain values: nothing is judged here.

use longshore_core::{JobId, Timestamp};

use crate::cells::{Cells, Unreadable};
use crate::connection::{Connection, Texts};
use crate::error::ImportError;
use crate::tables::{self, Tables};

/// A row that could be read, or the key and the name of one that could not, and why.
pub(crate) type Read<T> = Result<T, BadRow>;

/// A row that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub(crate) id: String,
    pub(crate) why: Unreadable,
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct OldHost {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `unix` or `tcp`.
    pub(crate) host_type: String,
    pub(crate) connection_string: String,
    pub(crate) tls_enabled: bool,
    pub(crate) is_active: bool,
    pub(crate) auto_pull_images: bool,
    pub(crate) executor_type: String,
    pub(crate) max_concurrent_jobs: i64,
    pub(crate) weight: i64,
    pub(crate) created_at: Option<Timestamp>,
}

/// An environment template.
#[derive(Clone, Debug)]
pub(crate) struct OldTemplate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) text: String,
}

/// A job, without what it wrote.
#[derive(Clone, Debug)]
pub(crate) struct OldJob {
    pub(crate) id: JobId,
    /// The id as the database has it.
    pub(crate) key: String,
    pub(crate) host: String,
    pub(crate) name: Option<String>,
    pub(crate) status: String,
    pub(crate) description: Option<String>,
    pub(crate) docker_image: String,
    pub(crate) command: Option<String>,
    pub(crate) working_directory: Option<String>,
    /// Mebibytes.
    pub(crate) memory_limit: Option<i64>,
    pub(crate) cpu_limit: Option<f64>,
    pub(crate) timeout_seconds: i64,
    /// A JSON text.
    pub(crate) network_configuration: Option<String>,
    pub(crate) override_environment: String,
    pub(crate) environment_template: Option<String>,
    pub(crate) execution_id: Option<String>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) max_memory_usage: Option<i64>,
    pub(crate) cpu_usage_percent: Option<f64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) queue: Queue,
    pub(crate) has_log: bool,
    pub(crate) creator: Option<String>,
    /// Kind of executor that it was to be sent to, if there was one.
    pub(crate) preferred_executor: Option<String>,
}

/// What the queue of 1.0.14 knows of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    pub(crate) queued_at: Option<Timestamp>,
    pub(crate) scheduled_for: Option<Timestamp>,
    pub(crate) launched_at: Option<Timestamp>,
    pub(crate) retry_count: Option<i64>,
    pub(crate) max_retries: Option<i64>,
    pub(crate) priority: Option<i64>,
    pub(crate) last_error: Option<String>,
    pub(crate) retry_strategy: Option<String>,
}

/// What a job wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct OldLog {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) docker: String,
}

/// Reads all hosts.
pub(crate) async fn read_hosts(from: &mut Connection) -> Result<Vec<Read<OldHost>>, ImportError> {
    let rows = from.rows(tables::hosts()).await?;
    Ok(read(tables::HOST, rows, host))
}

/// Reads all environment templates.
pub(crate) async fn read_templates(from: &mut Connection) -> Result<Vec<OldTemplate>, ImportError> {
    let rows = from.rows(tables::templates()).await?;
    let cells = |texts| Cells::new(tables::TEMPLATE, texts);
    Ok(rows.into_iter().map(cells).map(template).collect())
}

/// Reads the jobs behind `last`, at most so many, and says which was the last one now.
pub(crate) async fn read_jobs(
    from: &mut Connection,
    tables: &Tables,
    last: Option<&str>,
    most: u32,
) -> Result<(Vec<Read<OldJob>>, Option<String>), ImportError> {
    let rows = from.rows(tables.jobs(last, most)).await?;
    let last = rows.last().and_then(|row| row.first().cloned().flatten());
    Ok((read(tables::JOB, rows, job), last))
}

/// Reads what a job wrote; nothing, if it is gone by now.
pub(crate) async fn read_log(from: &mut Connection, key: &str) -> Result<OldLog, ImportError> {
    let rows = from.rows(tables::log(key)).await?;
    let mut cells = Cells::new(tables::LOG, rows.into_iter().next().unwrap_or_default());
    Ok(OldLog {
        stdout: cells.text("stdout_log"),
        stderr: cells.text("stderr_log"),
        docker: cells.text("docker_log"),
    })
}

fn read<T>(
    columns: &'static [&'static str],
    rows: Vec<Texts>,
    one: fn(String, &mut Cells<'_>) -> Result<T, Unreadable>,
) -> Vec<Read<T>> {
    let read = |texts: Texts| {
        let mut cells = Cells::new(columns, texts);
        let id = cells.text("id");
        one(id.clone(), &mut cells).map_err(|why| BadRow { id, why })
    };
    rows.into_iter().map(read).collect()
}

fn host(id: String, cells: &mut Cells<'_>) -> Result<OldHost, Unreadable> {
    Ok(OldHost {
        id,
        name: cells.text("name"),
        host_type: cells.text("host_type"),
        connection_string: cells.text("connection_string"),
        tls_enabled: cells.is_true("tls_enabled"),
        is_active: cells.is_true("is_active"),
        auto_pull_images: cells.is_true("auto_pull_images"),
        executor_type: cells.text("executor_type"),
        max_concurrent_jobs: cells.needed("max_concurrent_jobs")?,
        weight: cells.needed("weight")?,
        created_at: cells.time("created_at")?,
    })
}

fn template(mut cells: Cells<'_>) -> OldTemplate {
    OldTemplate {
        id: cells.text("id"),
        name: cells.text("name"),
        description: cells.filled("description"),
        text: cells.text("environment_variables_text"),
    }
}

fn job(key: String, cells: &mut Cells<'_>) -> Result<OldJob, Unreadable> {
    let id = key.parse().map_err(|_| "its id is no UUID".to_owned())?;
    let moment = |cells: &mut Cells<'_>, column| {
        let time = cells.time(column)?;
        time.ok_or_else(|| format!("{column} is empty"))
    };
    Ok(OldJob {
        id,
        key,
        host: cells.text("docker_host_id"),
        name: cells.filled("name"),
        status: cells.text("status"),
        description: cells.filled("description"),
        docker_image: cells.text("docker_image"),
        command: cells.filled("command"),
        working_directory: cells.filled("working_directory"),
        memory_limit: cells.optional("memory_limit")?,
        cpu_limit: cells.optional("cpu_limit")?,
        timeout_seconds: cells.needed("timeout_seconds")?,
        network_configuration: cells.filled("network_configuration"),
        override_environment: cells.text("override_environment"),
        environment_template: cells.filled("environment_template_id"),
        execution_id: cells.filled("execution_id"),
        exit_code: cells.optional("exit_code")?,
        started_at: cells.time("started_at")?,
        completed_at: cells.time("completed_at")?,
        max_memory_usage: cells.optional("max_memory_usage")?,
        cpu_usage_percent: cells.optional("cpu_usage_percent")?,
        created_at: moment(cells, "created_at")?,
        updated_at: moment(cells, "updated_at")?,
        queue: queue(cells)?,
        has_log: cells.is_true("has_log"),
        creator: cells.filled("creator"),
        preferred_executor: cells.filled("preferred_executor"),
    })
}

fn queue(cells: &mut Cells<'_>) -> Result<Queue, Unreadable> {
    Ok(Queue {
        queued_at: cells.time("queued_at")?,
        scheduled_for: cells.time("scheduled_for")?,
        launched_at: cells.time("launched_at")?,
        retry_count: cells.optional("retry_count")?,
        max_retries: cells.optional("max_retries")?,
        priority: cells.optional("priority")?,
        last_error: cells.filled("last_error"),
        retry_strategy: cells.filled("retry_strategy"),
    })
}

#[cfg(test)]
pub(crate) mod samples {
    //! Rows for the tests of what becomes of them.

    use longshore_core::{JobId, Timestamp};
    use uuid::Uuid;

    use super::{OldJob, Queue};

    /// A pending job with an image and nothing else.
    pub(crate) fn job() -> OldJob {
        OldJob {
            id: JobId::new(Uuid::from_u128(7)),
            key: "7".into(),
            host: "1".into(),
            name: None,
            status: "pending".into(),
            description: None,
            docker_image: "demo:1".into(),
            command: None,
            working_directory: None,
            memory_limit: None,
            cpu_limit: None,
            timeout_seconds: 3600,
            network_configuration: None,
            override_environment: String::new(),
            environment_template: None,
            execution_id: None,
            exit_code: None,
            started_at: None,
            completed_at: None,
            max_memory_usage: None,
            cpu_usage_percent: None,
            created_at: second(100),
            updated_at: second(200),
            queue: Queue::default(),
            has_log: false,
            creator: None,
            preferred_executor: None,
        }
    }

    pub(crate) fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }
}
