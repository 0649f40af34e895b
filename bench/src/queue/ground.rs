//! A store of ours on either database, with hosts that play containers.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use clap::Args;
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

/// Where a store is, as another process of this program is told.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The folder of everything, or of the logs alone.
    folder: PathBuf,
    /// The database, where it is on a server.
    #[arg(long)]
    database: Option<String>,
}

impl Place {
    /// The arguments that say it.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let database = self.database.iter();
        let options = database.flat_map(|url| ["--database".into(), url.into()]);
        [self.folder.clone().into()]
            .into_iter()
            .chain(options)
            .collect()
    }

    /// Opens the store once more.
    pub(super) async fn open(&self) -> Result<Store> {
        let location = match &self.database {
            None => Location::Folder {
                folder: self.folder.clone(),
                logs: None,
            },
            Some(url) => Location::Server(Served {
                database: url.parse()?,
                logs: self.folder.clone().into(),
                local: None,
            }),
        };
        Ok(Store::open_at(&location).await?)
    }
}

/// A new store, and its folder.
pub(super) struct Ground {
    pub(super) store: Store,
    pub(super) place: Place,
    /// The first host.
    pub(super) host: HostId,
    _folder: TempDir,
}

impl Ground {
    /// With one host of so many slots.
    pub(super) async fn new(database: Database, server: &Postgres, slots: u32) -> Result<Self> {
        let mock = |slots| host("mock", HostKind::Mock, "mock://", slots);
        Self::with(database, server, &[mock(slots)?]).await
    }

    /// With these hosts, of which there is at least one.
    pub(super) async fn with(
        database: Database,
        server: &Postgres,
        hosts: &[Host],
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = Place {
            folder: folder.path().to_owned(),
            database: match database {
                Database::Sqlite => None,
                Database::Postgres => Some(server.create_database()?),
            },
        };
        let store = place.open().await?;
        for host in hosts {
            store.add_host(host).await?;
        }
        let first = hosts.first().context("a host")?;
        Ok(Self {
            store,
            place,
            host: first.id,
            _folder: folder,
        })
    }
}

/// A host that is never short of CPU or memory for its slots.
pub(super) fn host(name: &str, kind: HostKind, address: &str, slots: u32) -> Result<Host> {
    let now = Timestamp::now();
    Ok(Host {
        id: HostId::new(Uuid::now_v7()),
        name: name.into(),
        kind,
        endpoint: Endpoint {
            address: address.into(),
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

/// So many jobs, for a mock.
pub(super) fn jobs(count: usize) -> Result<Vec<NewJob>> {
    Ok(jobs_of(&JobSpec::new("busybox:1".parse()?), count))
}

/// So many jobs of one kind.
pub(super) fn jobs_of(spec: &JobSpec, count: usize) -> Vec<NewJob> {
    let job = || NewJob::new(JobId::new(Uuid::now_v7()), spec.clone());
    std::iter::repeat_with(job).take(count).collect()
}

/// A mock for each host, all with the same knobs.
pub(super) struct Mocks {
    knobs: Knobs,
    made: Mutex<HashMap<HostId, MockExecutor>>,
}

impl Mocks {
    /// With these knobs.
    pub(super) fn new(knobs: Knobs) -> Arc<Self> {
        Arc::new(Self {
            knobs,
            made: Mutex::default(),
        })
    }

    /// Containers end at once.
    pub(super) fn ending_at_once() -> Arc<Self> {
        Self::new(Knobs::new(Timestamp::now()))
    }

    /// The mock of this host. It reads this machine's clock, so that its time stamps can be compared.
    pub(super) fn of(&self, host: HostId) -> MockExecutor {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || MockExecutor::with_clock(self.knobs.clone(), Timestamp::now);
        made.entry(host).or_insert_with(new).clone()
    }
}

impl ExecutorSource for Mocks {
    fn open(&self, host: &Host) -> Result<SharedExecutor, ExecutorError> {
        Ok(Arc::new(self.of(host.id)))
    }
}
