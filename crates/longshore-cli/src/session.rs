//! What every command has at hand: console, store, backstage, the caller's surroundings.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_core::JobId;
use longshore_core::dependency::Upstream;
use longshore_core::job::Job;
use longshore_core::limits::SILENCES;
use longshore_store::{Location, Store};
use tokio::sync::OnceCell;

use crate::args::Global;
use crate::backstage::Backstage;
use crate::console::{Console, Manners};
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::render::silences::Silences;
use crate::render::tables::Look;
use crate::render::views::HostNames;
use crate::surroundings::Surroundings;
use crate::whereabouts::locate;

/// Begins to hear Ctrl-C.
pub(crate) type Listen = Box<dyn Fn() -> Result<Interrupts, Failure> + Send + Sync>;

/// One command line being carried out.
pub(crate) struct Session {
    pub(crate) console: Arc<Console>,
    pub(crate) backstage: Arc<dyn Backstage>,
    pub(crate) around: Surroundings,
    pub(crate) global: Global,
    /// How Ctrl-C is heard.
    pub(crate) listen: Listen,
    pub(crate) store: OnceCell<Store>,
}

impl Session {
    pub(crate) fn new(global: Global, backstage: Arc<dyn Backstage>) -> Self {
        let around = Surroundings::of_process();
        let console = Console::of_process(Manners {
            color: global.color,
            no_color: around.variable("NO_COLOR").is_some(),
            quiet: global.quiet,
        });
        Self {
            console: Arc::new(console),
            backstage,
            around,
            global,
            listen: Box::new(Interrupts::of_process),
            store: OnceCell::new(),
        }
    }

    /// From now on Ctrl-C is the command's own matter.
    pub(crate) fn interrupts(&self) -> Result<Interrupts, Failure> {
        (self.listen)()
    }

    /// Where the store is.
    pub(crate) fn location(&self) -> Result<Location, Failure> {
        let (store, logs) = (self.global.store.as_deref(), self.global.logs.as_deref());
        Ok(locate(&self.around, store, logs)?)
    }

    /// The store, opened at first use.
    pub(crate) async fn store(&self) -> Result<&Store, Failure> {
        let location = self.location()?;
        let open = || async { Store::open_at(&location).await.map_err(Failure::from) };
        // Every command has this in it, and it is large.
        Box::pin(self.store.get_or_try_init(open)).await
    }

    /// The job that somebody named.
    pub(crate) async fn job(&self, text: &str) -> Result<Job, Failure> {
        let id = self.store().await?.resolve(text).await?;
        self.job_by_id(id).await
    }

    /// All jobs that somebody named, those of arrays by their index; none is touched before all are
    /// found.
    pub(crate) async fn jobs(&self, texts: &[String]) -> Result<Vec<Job>, Failure> {
        let store = self.store().await?;
        let mut jobs = Vec::with_capacity(texts.len());
        for text in texts {
            let ids = match store.resolve_upstream(text).await? {
                Upstream::Job(job) => vec![job],
                Upstream::Array(array) => store.jobs_of_array(array).await?,
            };
            for id in ids {
                jobs.push(self.job_by_id(id).await?);
            }
        }
        Ok(jobs)
    }

    pub(crate) async fn job_by_id(&self, id: JobId) -> Result<Job, Failure> {
        Ok(self.store().await?.job(id).await?)
    }

    pub(crate) async fn host_names(&self) -> Result<HostNames, Failure> {
        Ok(HostNames::new(&self.store().await?.hosts().await?))
    }

    /// Attempts whose hosts do not answer.
    pub(crate) async fn silences(&self) -> Result<Silences, Failure> {
        let silences = self.store().await?.silences(SILENCES).await?;
        Ok(Silences::new(silences))
    }

    #[expect(
        clippy::unused_self,
        reason = "the one place where commands learn the time"
    )]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// How tables look here.
    pub(crate) fn look(&self) -> Look {
        Look {
            color: self.console.colors_out(),
            full: false,
            now: self.now(),
        }
    }
}
