//! Waiting for something to become true, without fixed sleeps.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::thread;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(10);

/// What a probe may answer: `bool`, `Option` or `Result`. A value ends the wait; its absence
/// means "ask again", and what was seen instead stands in the panic message.
pub trait Seen {
    /// What the wait returns.
    type Value;

    /// The value, or a text that says what was there instead.
    ///
    /// # Errors
    /// The text.
    fn seen(self) -> Result<Self::Value, String>;
}

impl Seen for bool {
    type Value = ();
    fn seen(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(|| "false".to_owned())
    }
}

impl<T> Seen for Option<T> {
    type Value = T;
    fn seen(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: Debug> Seen for Result<T, E> {
    type Value = T;
    fn seen(self) -> Result<T, String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// Asks `probe` every few milliseconds until it has an answer.
///
/// # Panics
/// When there is none within `deadline`, naming `what`, the caller's line and the last answer.
#[track_caller]
pub fn eventually<S: Seen>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> S,
) -> S::Value {
    let started = Instant::now();
    loop {
        match probe().seen() {
            Ok(value) => return value,
            Err(last) => assert!(
                started.elapsed() < deadline,
                "{}",
                late(what, deadline, &last)
            ),
        }
        thread::sleep(PERIOD);
    }
}

/// As [`eventually`], for probes that await something. The deadline is real time, even where
/// tokio's clock is paused.
///
/// # Panics
/// As [`eventually`].
#[track_caller]
pub fn eventually_async<S: Seen, F: Future<Output = S>>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> F,
) -> impl Future<Output = S::Value> {
    let caller = Location::caller();
    async move {
        let started = Instant::now();
        loop {
            match probe().await.seen() {
                Ok(value) => return value,
                Err(last) => assert!(
                    started.elapsed() < deadline,
                    "{} (asked at {caller})",
                    late(what, deadline, &last)
                ),
            }
            tokio::time::sleep(PERIOD).await;
        }
    }
}

fn late(what: &str, deadline: Duration, last: &str) -> String {
    format!("not within {deadline:?}: {what}; last seen: {last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_waited_for() {
        let mut asked = 0;
        let value = eventually("third time", Duration::from_secs(5), || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(value, 3);
    }

    #[test]
    #[should_panic(expected = "not within 30ms: the moon; last seen: \"cheese\"")]
    fn a_missing_answer_panics_with_what_was_seen() {
        eventually("the moon", Duration::from_millis(30), || {
            Err::<(), _>("cheese")
        });
    }

    #[tokio::test]
    async fn an_async_probe_is_asked_again() {
        let mut asked = 0;
        eventually_async("second time", Duration::from_secs(5), || {
            asked += 1;
            let asked = asked;
            async move { asked == 2 }
        })
        .await;
    }
}
