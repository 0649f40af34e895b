//! The folder of one host, opened at the first call; every call waits for the disk elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use longshore_core::fault::Fault;
use longshore_core::limits;
use longshore_executor::ExecutorError;
use tokio::sync::OnceCell;

use crate::lookout::Lookout;
use crate::networks::{PrivateMeans, SeenMeans};
use crate::opened::Opened;
use crate::options::OciOptions;

/// One host.
pub(crate) struct Ground {
    root: PathBuf,
    options: OciOptions,
    means: Arc<SeenMeans>,
    opened: OnceCell<Arc<Opened>>,
    lookout: OnceCell<Lookout>,
}

impl Ground {
    pub(crate) fn new(root: PathBuf, options: OciOptions) -> Self {
        Self {
            root,
            options,
            means: Arc::default(),
            opened: OnceCell::new(),
            lookout: OnceCell::new(),
        }
    }

    /// Where its folder is, or is to be.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn options(&self) -> &OciOptions {
        &self.options
    }

    /// Whether there is a private network here. Waits for nothing but the disk, and for that once.
    pub(crate) fn means(&self) -> PrivateMeans {
        self.means.look()
    }

    /// The folder, made if it is missing.
    pub(crate) async fn opened(&self) -> Result<Arc<Opened>, ExecutorError> {
        let open = || async {
            let (root, options) = (self.root.clone(), self.options.clone());
            let means = Arc::clone(&self.means);
            wait(limits::CONTROL_CALL, "open its folder", move || {
                Opened::open(&root, &options, means).map(Arc::new)
            })
            .await
        };
        self.opened.get_or_try_init(open).await.map(Arc::clone)
    }

    /// Does what waits for the disk or for a supervisor. It goes on to its end when this is dropped,
    /// or takes too long.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        deadline: Duration,
        tried: &str,
        work: impl FnOnce(&Opened) -> Result<T, ExecutorError> + Send + 'static,
    ) -> Result<T, ExecutorError> {
        let opened = self.opened().await?;
        wait(deadline, tried, move || work(&opened)).await
    }

    /// Who hears what happens to containers; listens from the first time that it is asked for.
    pub(crate) async fn lookout(&self) -> Result<&Lookout, ExecutorError> {
        let opened = self.opened().await?;
        let start = || async move {
            let runtime = Arc::clone(&opened);
            // Whoever listens is about to start containers; if this fails, so does the first start.
            tokio::task::spawn_blocking(move || runtime.runtime.prepare());
            Lookout::start(opened)
        };
        self.lookout.get_or_try_init(start).await
    }
}

async fn wait<T: Send + 'static>(
    deadline: Duration,
    tried: &str,
    work: impl FnOnce() -> Result<T, ExecutorError> + Send + 'static,
) -> Result<T, ExecutorError> {
    let done = tokio::task::spawn_blocking(work);
    match tokio::time::timeout(deadline, done).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(why)) => {
            let text = format!("cannot {tried}: it was broken off");
            Err(ExecutorError::new(Fault::Internal, text).with_source(why))
        }
        Err(_) => {
            let text = format!("cannot {tried} within {deadline:?}");
            Err(ExecutorError::new(Fault::TimedOut, text))
        }
    }
}
