//! The mock's streams: events of a pool, and a container's output while it is printed.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use longshore_core::PoolId;
use longshore_core::launch::Handle;
use longshore_core::log::Frame;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::calls::unreachable;
use super::knobs::Call;
use super::{Link, MockExecutor};
use crate::{ExecutorError, HostEvent};

type Item<T> = Result<T, ExecutorError>;
type Queues = (
    broadcast::Receiver<(PoolId, HostEvent)>,
    watch::Receiver<()>,
);

/// Frames that are all there already.
pub(super) fn frames(frames: Vec<Frame>) -> BoxStream<'static, Item<Frame>> {
    stream::iter(frames).map(Ok).boxed()
}

/// The events of one pool until the link breaks.
pub(super) fn events(
    mock: MockExecutor,
    pool: PoolId,
    (queue, rescheduled): Queues,
) -> BoxStream<'static, Item<HostEvent>> {
    let link = mock.host.link.subscribe();
    let breaks = link.borrow().breaks;
    let reader = EventReader {
        mock,
        pool,
        queue,
        rescheduled,
        link,
        breaks,
    };
    stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(event) => Some((Ok(event), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// Every frame from the first, as it is printed, until the container ends or the link breaks.
pub(super) fn follow(
    mock: MockExecutor,
    handle: Handle,
    began_while_running: bool,
) -> BoxStream<'static, Item<Frame>> {
    let link = mock.host.link.subscribe();
    let breaks = link.borrow().breaks;
    let reader = LogReader {
        mock,
        handle,
        number: 0,
        began_while_running,
        link,
        breaks,
    };
    stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(frame)) => Some((Ok(frame), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct EventReader {
    mock: MockExecutor,
    pool: PoolId,
    queue: broadcast::Receiver<(PoolId, HostEvent)>,
    rescheduled: watch::Receiver<()>,
    link: watch::Receiver<Link>,
    breaks: u64,
}

impl EventReader {
    async fn next(&mut self) -> Item<HostEvent> {
        loop {
            self.rescheduled.mark_unchanged();
            let due = self.mock.look(|world, _| world.next_due());
            let breaks = self.breaks;
            tokio::select! {
                biased;
                received = self.queue.recv() => match received {
                    Ok((pool, event)) if pool == self.pool => return Ok(event),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(unreachable(Call::Events)),
                },
                _ = self.link.wait_for(|link| link.breaks != breaks) => {
                    return Err(unreachable(Call::Events));
                }
                _ = self.rescheduled.changed() => {}
                () = self.mock.host.clock.wait_until(due) => {}
            }
        }
    }
}

struct LogReader {
    mock: MockExecutor,
    handle: Handle,
    number: usize,
    began_while_running: bool,
    link: watch::Receiver<Link>,
    breaks: u64,
}

enum Step {
    Printed(Frame),
    Over,
    Wait(Option<Timestamp>, watch::Receiver<()>),
}

impl LogReader {
    async fn next(&mut self) -> Item<Option<Frame>> {
        let breaks = self.breaks;
        loop {
            if self.link.borrow().breaks != breaks {
                return Err(unreachable(Call::Logs));
            }
            let (due, mut changed) = match self.step() {
                Step::Printed(frame) => {
                    self.number += 1;
                    return Ok(Some(frame));
                }
                Step::Over => return Ok(None),
                Step::Wait(due, changed) => (due, changed),
            };
            tokio::select! {
                _ = self.link.wait_for(|link| link.breaks != breaks) => {}
                _ = changed.changed() => {}
                () = self.mock.host.clock.wait_until(due) => {}
            }
        }
    }

    fn step(&self) -> Step {
        let number = self.number;
        self.mock.look(|world, now| {
            let Some(container) = world.container(&self.handle) else {
                return Step::Over;
            };
            let printed = container.printed(now);
            let is_over = container.has_ended();
            let loses_last = world.knobs.follow_loses_last_frame && self.began_while_running;
            let is_last = is_over && number + 1 == printed.len();
            match printed.get(number) {
                Some(frame) if !(is_last && loses_last) => Step::Printed(frame.clone()),
                Some(_) => Step::Over,
                None if is_over => Step::Over,
                None => {
                    let due = container
                        .prints_at(number)
                        .into_iter()
                        .chain(container.due())
                        .min();
                    Step::Wait(due, container.changed.subscribe())
                }
            }
        })
    }
}
