//! A restart of the mock host's engine, in the three ways that engines go down.

use std::time::Duration;

use jiff::Timestamp;

use super::container::{Ending, KILLED, Stage, TERM};
use super::world::World;

/// How the engine of the host is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Containers are stopped first and end by TERM or kill; their events are still sent.
    Orderly,
    /// Containers end with 255 and nobody is told.
    Crash,
    /// Containers live on.
    LiveRestore,
}

impl World {
    pub(super) fn restart(&mut self, restart: Restart, now: Timestamp) {
        let running: Vec<u64> = self
            .containers()
            .filter(|container| container.is_running())
            .map(|container| container.serial)
            .collect();
        for serial in running {
            match restart {
                Restart::Orderly => self.shut_down(serial, now),
                Restart::Crash => self.lose(serial, now),
                Restart::LiveRestore => {}
            }
        }
        self.settle(now);
        self.engine_started_at = now;
    }

    fn shut_down(&mut self, serial: u64, now: Timestamp) {
        let Stage::Running(run, _) = &self.containers[&serial].stage else {
            return;
        };
        let obeys = run.asked_to_stop(now, Duration::MAX);
        let code = obeys.map_or(KILLED, |ending| ending.code);
        self.signal(serial, TERM);
        self.end_by(serial, Ending::with_code(now, code));
    }

    fn lose(&mut self, serial: u64, now: Timestamp) {
        self.end_by(serial, Ending::with_code(now, 255));
        let drops_events = std::mem::replace(&mut self.knobs.drops_events, true);
        self.settle(now);
        self.knobs.drops_events = drops_events;
    }
}
