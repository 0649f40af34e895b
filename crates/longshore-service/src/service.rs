//! The service itself: what all operations share.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use longshore_core::HostId;
use longshore_core::host::Host;
use longshore_executor::{ExecutorSource, PerHost};
use longshore_store::Store;
use tokio_util::task::TaskTracker;

use crate::error::{ServiceError, Why};
use crate::options::ServiceOptions;
use crate::place::Place;
use crate::watches::Watches;

/// Direct container operations. Cheap to clone, and to be shared between threads and tasks.
///
/// Guarantees: executors are kept one a host and renewed when the host's record changes; a call to a
/// host that cannot be reached is tried again a few times and then reported; every call to a host
/// has a deadline; a call that is dropped midway leaves a record from which the next one goes on.
#[derive(Clone)]
pub struct DockerService {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    source: Arc<dyn ExecutorSource>,
    places: PerHost<Arc<Place>>,
    options: ServiceOptions,
    watches: Watches,
    tasks: TaskTracker,
}

impl DockerService {
    /// A service for the hosts and jobs of this store.
    pub fn new(store: Store, source: Arc<dyn ExecutorSource>, options: ServiceOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                source,
                places: PerHost::default(),
                options,
                watches: Watches::default(),
                tasks: TaskTracker::new(),
            }),
        }
    }

    /// The store that it works on.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Waits until everything that dropped calls left under way is written down. For the end of a
    /// process; the service can be used on.
    pub async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.tasks.reopen();
    }

    pub(crate) fn options(&self) -> &ServiceOptions {
        &self.inner.options
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.inner.watches
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.inner.tasks
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.options.now)()
    }

    /// A host, and the executor that speaks to it.
    pub(crate) fn place(&self, host: &Host) -> Result<Arc<Place>, ServiceError> {
        let inner = &self.inner;
        let opened = inner.places.get_or_make(host, || {
            let place = Place {
                host: host.clone(),
                executor: inner.source.open(host)?,
                retries: inner.options.retries,
            };
            Ok(Arc::new(place))
        });
        // Whatever is wrong with its record: the host cannot be spoken to.
        opened.map_err(|error| ServiceError::connection(host.id, &host.name, error))
    }

    /// The host of this id, as its record was changed then, if it is spoken to already.
    pub(crate) fn place_as_of(&self, host: HostId, updated_at: Timestamp) -> Option<Arc<Place>> {
        self.inner.places.get(host, updated_at)
    }

    /// The host of this id, and the executor that speaks to it.
    pub(crate) async fn place_of(&self, host: HostId) -> Result<Arc<Place>, ServiceError> {
        self.place(&self.inner.store.host(host).await?)
    }

    /// Work that goes on to its end even if nobody waits for it any more.
    pub(crate) async fn carry_through<T: Send + 'static>(
        &self,
        work: BoxFuture<'static, Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        match self.inner.tasks.spawn(work).await {
            Ok(done) => done,
            Err(_) => Err(ServiceError::execution(
                "the end of the container cannot be written down",
                Why::Interrupted,
            )),
        }
    }
}
