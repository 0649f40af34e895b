//! A store of ours on either database, with a host that plays containers.

use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::spec::JobSpec;
use longshore_core::{HostId, JobId};
use longshore_executor::mock::{Knobs, MockExecutor};
use longshore_executor::{ExecutorError, ExecutorSource, SharedExecutor};
use longshore_store::{Location, NewJob, Served, Store};
use longshore_testkit::Postgres;
use tempfile::TempDir;
use uuid::Uuid;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A new store, and its folder.
pub(super) struct Ground {
    pub(super) store: Store,
    pub(super) host: HostId,
    _folder: TempDir,
}

impl Ground {
    /// With one host of so many slots.
    pub(super) async fn new(database: Database, server: &Postgres, slots: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let location = match database {
            Database::Sqlite => Location::Folder {
                folder: folder.path().to_owned(),
                logs: None,
            },
            Database::Postgres => Location::Server(Served {
                database: server.create_database()?.parse()?,
                logs: folder.path().join("logs"),
                local: None,
            }),
        };
        let store = Store::open_at(&location).await?;
        let host = host(slots)?;
        store.add_host(&host).await?;
        Ok(Self {
            store,
            host: host.id,
            _folder: folder,
        })
    }
}

/// A host that is never short of CPU or memory for its slots.
fn host(slots: u32) -> Result<Host> {
    let now = Timestamp::now();
    Ok(Host {
        id: HostId::new(Uuid::now_v7()),
        name: "mock".into(),
        kind: HostKind::Mock,
        endpoint: Endpoint {
            address: "mock://".into(),
            tls: None,
        },
        state: HostState::Active,
        slots,
        weight: 100,
        cpus: Some(slots.to_string().parse()?),
        memory: Some(format!("{slots}g").parse()?),
        maintenance: Vec::new(),
        auto_pull: true,
        labels: [].into(),
        created_at: now,
        updated_at: now,
    })
}

/// So many jobs that end at once.
pub(super) fn jobs(count: usize) -> Result<Vec<NewJob>> {
    let spec = JobSpec::new("busybox:1".parse()?);
    let job = || NewJob::new(JobId::new(Uuid::now_v7()), spec.clone());
    Ok(std::iter::repeat_with(job).take(count).collect())
}

/// The mock, as the executor of every host: its containers end at once.
pub(super) struct OneMock(MockExecutor);

impl OneMock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(MockExecutor::new(Knobs::new(Timestamp::now()))))
    }
}

impl ExecutorSource for OneMock {
    fn open(&self, _: &Host) -> Result<SharedExecutor, ExecutorError> {
        Ok(Arc::new(self.0.clone()))
    }
}
