//! Containers of this host, whoever asked for them.

use jiff::Timestamp;
use longshore_core::PoolId;
use longshore_core::fault::Fault;
use longshore_core::launch::LABEL_JOB;
use longshore_core::share::Share;
use longshore_executor::{ContainerState, ExecutorError, Listed, Owned, Which};
use longshore_runtime::{ContainerConfig, Status};

use crate::faults;
use crate::handle::ContainerId;
use crate::opened::Opened;
use crate::tags::{self, Tags};

/// A container with how it stands.
struct Found {
    config: ContainerConfig,
    tags: Tags,
    status: Status,
    created_at: Timestamp,
}

/// All containers whose pool label is exactly this pool's id.
pub(crate) fn list_owned(opened: &Opened, pool: PoolId) -> Result<Vec<Owned>, ExecutorError> {
    let containers = opened.containers()?.into_iter();
    let own = containers.filter(|(config, _)| tags::pool_of(config) == Some(pool));
    let found = own.map(|container| find(opened, container).transpose());
    found
        .flatten()
        .map(|found| found.map(Found::owned))
        .collect()
}

/// All containers, or those that run.
pub(crate) fn containers(opened: &Opened, which: Which) -> Result<Vec<Listed>, ExecutorError> {
    let containers = opened.containers()?.into_iter();
    let found = containers.map(|container| find(opened, container).transpose());
    let listed = found.flatten().map(|found| found.map(Found::listed));
    let listed: Vec<Listed> = listed.collect::<Result<_, ExecutorError>>()?;
    Ok(match which {
        Which::All => listed,
        Which::Running => {
            let running = listed.into_iter().filter(|it| it.state.is_running());
            running.collect()
        }
    })
}

/// One container by id, the beginning of an id, or name.
pub(crate) fn container(opened: &Opened, name: &str) -> Result<Option<Listed>, ExecutorError> {
    let Some(container) = look_up(opened, name)? else {
        return Ok(None);
    };
    Ok(find(opened, container)?.map(|found| {
        let finished_at = match &found.status {
            Status::Ended(ended) => Some(ended.finished_at),
            Status::Created { .. }
            | Status::Starting
            | Status::Running { .. }
            | Status::Lost { .. } => None,
        };
        Listed {
            finished_at,
            ..found.listed()
        }
    }))
}

fn look_up(opened: &Opened, name: &str) -> Result<Option<(ContainerConfig, Tags)>, ExecutorError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Ok(None);
    }
    let all = opened.containers()?;
    let named = all.iter().position(|(config, _)| config.name == name);
    let begin = |(_, tags): &&(ContainerConfig, Tags)| tags.id.as_str().starts_with(name);
    if named.is_none() && all.iter().filter(begin).count() > 1 {
        let text = format!("`{name}` is the beginning of several ids: type more of it");
        return Err(ExecutorError::new(Fault::Configuration, text));
    }
    let found = named.or_else(|| all.iter().position(|container| begin(&container)));
    Ok(found.and_then(|index| all.into_iter().nth(index)))
}

/// How much CPU and memory it may use; `None` when there is none.
pub(crate) fn limits(opened: &Opened, id: &ContainerId) -> Result<Option<Share>, ExecutorError> {
    let config = opened.container_of(id)?;
    Ok(config.map(|config| Share {
        cpu_nanos: config.bounds.cpu_nanos.unwrap_or(0),
        memory_bytes: config.bounds.memory_bytes.unwrap_or(0),
    }))
}

/// One that goes meanwhile is none.
fn find(
    opened: &Opened,
    (config, tags): (ContainerConfig, Tags),
) -> Result<Option<Found>, ExecutorError> {
    let of_runtime = |why| faults::of_runtime(&format!("look at container {}", config.name), why);
    let status = opened.runtime.status(&config.name).map_err(of_runtime)?;
    let created_at = opened
        .runtime
        .created_at(&config.name)
        .map_err(of_runtime)?;
    Ok(status.zip(created_at).map(|(status, created_at)| Found {
        config,
        tags,
        status,
        created_at,
    }))
}

impl Found {
    fn owned(self) -> Owned {
        Owned {
            handle: self.tags.id.handle(),
            attempt: tags::attempt_of(&self.config),
            job: self
                .config
                .labels
                .get(LABEL_JOB)
                .and_then(|id| id.parse().ok()),
            created_at: self.created_at,
            is_running: self.state().is_running(),
            name: self.config.name,
        }
    }

    fn listed(self) -> Listed {
        Listed {
            handle: self.tags.id.handle(),
            id: self.tags.id.to_string(),
            state: self.state(),
            status: self.words(),
            created_at: self.created_at,
            finished_at: None,
            labels: tags::shown(&self.config),
            image: self.tags.image,
            name: self.config.name,
        }
    }

    fn state(&self) -> ContainerState {
        match self.status {
            Status::Created { .. } | Status::Starting => ContainerState::Created,
            Status::Running { .. } => ContainerState::Running,
            Status::Ended(_) | Status::Lost { .. } => ContainerState::Exited,
        }
    }

    fn words(&self) -> String {
        match &self.status {
            Status::Created { refused: None } => "Created".to_owned(),
            Status::Created {
                refused: Some(refused),
            } => format!("Created, not started: {}", refused.message),
            Status::Starting => "Starting".to_owned(),
            Status::Running { started_at } => format!("Up since {started_at:.0}"),
            Status::Ended(ended) => {
                format!("Exited ({}) at {:.0}", ended.code, ended.finished_at)
            }
            Status::Lost { .. } => "Lost: its supervisor was ended".to_owned(),
        }
    }
}
