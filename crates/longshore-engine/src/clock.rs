//! Time as a parameter of the services.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::limits;
use longshore_store::{Store, StoreError};
use tokio::time::Instant;

/// Where the services read the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Goes on from a moment, whatever becomes of the clock that told it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock {
    from: Timestamp,
    since: Instant,
}

impl SteadyClock {
    /// A clock that shows this now.
    pub(crate) fn showing(now: Timestamp) -> Self {
        Self {
            from: now,
            since: Instant::now(),
        }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let passed = self.since.elapsed();
        self.from.checked_add(passed).unwrap_or(Timestamp::MAX)
    }
}

/// The clock of the database server, so that workers on machines whose clocks differ, or jump, agree
/// about leases. It goes on by itself between two questions.
#[derive(Debug)]
pub(crate) struct ServerClock(Mutex<SteadyClock>);

impl ServerClock {
    /// The clock of the store's server; `None` if it has none.
    pub(crate) async fn of(store: &Store) -> Result<Option<Self>, StoreError> {
        let told = ask(store).await?;
        Ok(told.map(|(clock, _)| Self(Mutex::new(clock))))
    }

    /// Sets it again from time to time, for ever. An answer that took long says little and is left out.
    pub(crate) async fn keep_right(&self, store: &Store) {
        loop {
            tokio::time::sleep(limits::LEASE_RENEW).await;
            match ask(store).await {
                Ok(Some((clock, took))) if took <= limits::CLOCK_ANSWER => {
                    *self.0.lock().unwrap_or_else(PoisonError::into_inner) = clock;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(error = %error, "the server does not tell its time"),
            }
        }
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now()
    }
}

/// What the server's clock shows, and how long the answer took.
async fn ask(store: &Store) -> Result<Option<(SteadyClock, Duration)>, StoreError> {
    let asked_at = Instant::now();
    let told = store.server_time().await?;
    let took = asked_at.elapsed();
    Ok(told.map(|time| {
        let now = time.checked_add(took / 2).unwrap_or(Timestamp::MAX);
        (SteadyClock::showing(now), took)
    }))
}

/// Notices when a clock is put forward.
#[derive(Debug)]
pub(crate) struct JumpWatch {
    expected: SteadyClock,
    /// Nothing is believed to have passed before this.
    wary_until: Option<Instant>,
}

impl JumpWatch {
    /// Watches a clock that shows this now.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            expected: SteadyClock::showing(now),
            wary_until: None,
        }
    }

    /// Whether leases that have passed by a clock that shows this now have really passed. After a jump
    /// those who are alive get the time to renew theirs by the new time.
    pub(crate) fn trusts(&mut self, now: Timestamp) -> bool {
        let ahead = now.duration_since(self.expected.now());
        self.expected = SteadyClock::showing(now);
        if ahead.is_positive() && ahead.unsigned_abs() > limits::CLOCK_JUMP {
            tracing::warn!("the clock was put forward by {ahead:#}");
            self.wary_until = Some(Instant::now() + limits::LEASE);
        }
        self.wary_until.is_none_or(|until| until <= Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_jump_forward_nothing_has_passed_until_all_have_renewed_their_leases() {
        let mut clock = SteadyClock::showing(Timestamp::UNIX_EPOCH);
        let mut watch = JumpWatch::new(clock.now());
        tokio::time::advance(limits::LEASE * 2).await;
        assert!(watch.trusts(clock.now()), "time that passed is no jump");
        clock.from += limits::LEASE * 2;
        assert!(!watch.trusts(clock.now()));
        tokio::time::advance(limits::LEASE_RENEW).await;
        assert!(!watch.trusts(clock.now()));
        tokio::time::advance(limits::LEASE).await;
        assert!(watch.trusts(clock.now()));
        clock.from -= limits::LEASE * 2;
        assert!(watch.trusts(clock.now()), "put back, leases last longer");
    }
}
