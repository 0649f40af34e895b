//! An old installation with rows of every kind, and a store of ours.

use jiff::Timestamp;
use longshore_core::JobId;
use longshore_core::job::Job;
use longshore_core::launch::Handle;
use longshore_import::{Database, Doing, ImportError, Options, Remark, Report, import};
use longshore_store::Store;
use longshore_testkit::{LegacyRelease, LegacySite, Postgres, temp_dir};
use tempfile::TempDir;
use uuid::Uuid;

const ROWS: &str = include_str!("rows.py");
const TABLES: [&str; 4] = [
    "auth_user",
    "container_manager_containerjob",
    "container_manager_environmentvariabletemplate",
    "container_manager_executorhost",
];

/// Which database the old installation has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Both sides of an import.
pub(crate) struct World {
    pub(crate) site: LegacySite,
    pub(crate) store: Store,
    pub(crate) release: LegacyRelease,
    postgres: Option<Postgres>,
    _folder: TempDir,
}

impl World {
    /// An installation with rows of every kind, and an empty store.
    pub(crate) async fn new(release: LegacyRelease, kind: Kind) -> Self {
        let (site, postgres) = match kind {
            Kind::Sqlite => (LegacySite::in_sqlite(release).unwrap(), None),
            Kind::Postgres => {
                let postgres = Postgres::start().unwrap();
                let database = postgres.create_database().unwrap();
                let site = LegacySite::in_postgres(release, &database).unwrap();
                (site, Some(postgres))
            }
        };
        site.script(ROWS).unwrap();
        let folder = temp_dir();
        let store = Store::open(folder.path()).await.unwrap();
        Self {
            site,
            store,
            release,
            postgres,
            _folder: folder,
        }
    }

    pub(crate) fn database(&self) -> Database {
        self.site.url().parse().unwrap()
    }

    pub(crate) async fn import(&self, doing: Doing) -> Result<Report, ImportError> {
        import(&self.store, &self.database(), options(doing)).await
    }

    /// Runs a statement in the old database, which must be one of PostgreSQL.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let postgres = self.postgres.as_ref().unwrap();
        postgres.query(self.site.url(), statement).unwrap()
    }

    /// A job by the number that it has in the rows.
    pub(crate) async fn job(&self, number: u128) -> Job {
        self.store.job(id(number)).await.unwrap()
    }

    /// Everything that stands in the old database.
    pub(crate) fn old_state(&self) -> Vec<u8> {
        if self.postgres.is_none() {
            let files = std::fs::read_dir(self.site.folder()).unwrap().flatten();
            let mut files: Vec<_> = files.map(|file| file.path()).collect();
            files.sort();
            let contents = files.iter().filter(|path| path.is_file());
            return contents
                .flat_map(|path| {
                    [
                        path.display().to_string().into(),
                        std::fs::read(path).unwrap(),
                    ]
                })
                .flatten()
                .collect();
        }
        let rows = |table| self.sql(&format!("SELECT * FROM {table} ORDER BY id"));
        TABLES.map(rows).concat().into_bytes()
    }
}

pub(crate) fn options(doing: Doing) -> Options<'static> {
    Options {
        doing,
        now: now(),
        handle_of: &|id| Handle {
            version: 1,
            content: id.to_owned(),
        },
    }
}

/// When everything is imported.
pub(crate) fn now() -> Timestamp {
    at("2026-11-25T09:00:00Z")
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn id(number: u128) -> JobId {
    JobId::new(Uuid::from_u128(number))
}

/// What was said about one thing.
pub(crate) fn said(remarks: &[Remark], what: &str) -> Vec<String> {
    let about = remarks.iter().filter(|remark| remark.what == what);
    about.map(|remark| remark.why.clone()).collect()
}

/// The same, about a job.
pub(crate) fn said_of(remarks: &[Remark], number: u128) -> Vec<String> {
    said(remarks, &id(number).to_string())
}
