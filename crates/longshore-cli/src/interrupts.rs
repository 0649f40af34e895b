//! Ctrl-C and its like.

use futures::stream::{BoxStream, StreamExt};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// What asks this process to stop, one at a time.
pub(crate) struct Interrupts(BoxStream<'static, ()>);

impl Interrupts {
    /// Those of the process, which from now on does not end by itself.
    pub(crate) fn of_process() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::refused(format!("cannot listen to signals: {error}")))
        };
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        Ok(Self::new(futures::stream::poll_fn(move |context| {
            if interrupt.poll_recv(context).is_ready() {
                return std::task::Poll::Ready(Some(()));
            }
            terminate.poll_recv(context)
        })))
    }

    /// Any others.
    pub(crate) fn new(interrupts: impl futures::Stream<Item = ()> + Send + 'static) -> Self {
        Self(interrupts.boxed())
    }

    /// The next one. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        if self.0.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
