//! The import: hosts, then templates, then jobs page by page.
//!
//! Flow of a page: read the jobs → leave out what is here → translate → write the logs → add the jobs
//! in one transaction. Whatever stops it, a repeated import goes on behind the last page; a log
//! without its job is written anew.

use std::collections::BTreeMap;

use longshore_core::limits::IMPORT_PAGE;
use longshore_core::policy::Policy;
use longshore_core::spec::EnvText;
use longshore_core::{HostId, Timestamp};
use longshore_store::Store;

use crate::address::Database;
use crate::connection::Connection;
use crate::error::ImportError;
use crate::old;
use crate::report::Report;
use crate::standing::HandleOf;
use crate::tables::Tables;

mod jobs;
mod places;

/// Whether an import only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Looks, and says what it would do.
    Plan,
    /// Takes.
    Apply,
}

/// How an import is done.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether it only looks.
    pub doing: Doing,
    /// What time it is.
    pub now: Timestamp,
    /// Makes the handle of a container from the engine's full id.
    pub handle_of: HandleOf<'a>,
}

/// Takes hosts, environment templates and jobs with their history and logs from a database of
/// django-container-manager. Nothing is changed there.
///
/// Guarantees: what is here already stays as it is (hosts and templates by their name, jobs by their
/// id), so that a repeated import adds nothing twice; every row of the old tables is counted in the
/// report.
///
/// # Errors
/// The database cannot be read or has other tables, or the store is busy, full or damaged. What was
/// taken until then stays.
pub async fn import(
    store: &Store,
    database: &Database,
    options: Options<'_>,
) -> Result<Report, ImportError> {
    let mut from = Connection::open(database).await?;
    let tables = Tables::recognise(&mut from).await?;
    let mut import = Import {
        store,
        options,
        policy: store.policy().await?,
        hosts: BTreeMap::new(),
        templates: BTreeMap::new(),
        report: Report::new(tables.layout),
    };
    import.take_hosts(old::read_hosts(&mut from).await?).await?;
    let templates = old::read_templates(&mut from).await?;
    import.take_templates(templates).await?;
    let mut last = None;
    loop {
        let page = old::read_jobs(&mut from, &tables, last.as_deref(), IMPORT_PAGE);
        let (jobs, end) = page.await?;
        if jobs.is_empty() {
            return Ok(import.report);
        }
        import.take_jobs(&mut from, jobs).await?;
        last = end;
    }
}

struct Import<'a> {
    store: &'a Store,
    options: Options<'a>,
    policy: Policy,
    /// By the old id: which host of ours it is, or why it is none.
    hosts: BTreeMap<String, Result<Known, String>>,
    /// By the old id.
    templates: BTreeMap<String, EnvText>,
    report: Report,
}

/// A host of ours.
#[derive(Clone)]
struct Known {
    id: HostId,
    name: String,
}
