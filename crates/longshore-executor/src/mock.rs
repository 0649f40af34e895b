//! A real executor without containers: a host in memory whose behaviour is set by knobs.
//!
//! It keeps the contract of the port like any other executor, and misbehaves on demand like a real
//! host. Its time is tokio's, so that tests with paused time work. Clones share one host.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use longshore_core::AttemptId;
use longshore_core::launch::Handle;
use longshore_core::spec::ImageReference;
use tokio::sync::watch;

mod behaviour;
mod calls;
mod clock;
mod container;
mod foreign;
mod images;
mod inventory;
mod knobs;
mod port;
mod resources;
mod restart;
mod shelf;
mod streams;
#[cfg(test)]
mod tests;
mod world;

pub use behaviour::{Behaviour, Consumption, ExitCodes, OnTerm, Output, RunTime, Selector};
pub use foreign::Foreign;
pub use knobs::{Call, ImageKnobs, Knobs, Mischief, Registry};
pub use restart::Restart;
pub use world::Counts;

use clock::HostClock;
use world::World;

/// A mock host. Clones are the same host.
#[derive(Clone, Debug)]
pub struct MockExecutor {
    host: Arc<MockHost>,
}

#[derive(Debug)]
struct MockHost {
    clock: HostClock,
    world: Mutex<World>,
    calls: Mutex<Calls>,
    link: watch::Sender<Link>,
    /// How often hung calls were let go.
    releases: watch::Sender<HashMap<Call, u64>>,
}

/// How the host can be reached.
#[derive(Clone, Copy, Debug)]
struct Link {
    is_up: bool,
    /// How often every open connection was broken.
    breaks: u64,
}

#[derive(Debug, Default)]
struct Calls {
    made: HashMap<Call, u64>,
    planned: HashMap<Call, VecDeque<Mischief>>,
}

impl MockExecutor {
    /// A host with these knobs.
    pub fn new(knobs: Knobs) -> Self {
        let clock = HostClock::starting_at(knobs.base);
        Self::at(clock, knobs)
    }

    /// The same, with a clock of the caller's own, which moves as fast as tokio's in every runtime that
    /// calls the mock.
    pub fn with_clock(knobs: Knobs, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self::at(HostClock::Given(Arc::new(now)), knobs)
    }

    fn at(clock: HostClock, knobs: Knobs) -> Self {
        let host = MockHost {
            clock,
            world: Mutex::new(World::new(knobs)),
            calls: Mutex::default(),
            link: watch::Sender::new(Link {
                is_up: true,
                breaks: 0,
            }),
            releases: watch::Sender::default(),
        };
        Self {
            host: Arc::new(host),
        }
    }

    /// What the host's clock shows.
    pub fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    /// Turns knobs; containers that run already keep the behaviour that they started with.
    pub fn tune<T>(&self, turn: impl FnOnce(&mut Knobs) -> T) -> T {
        self.look(|world, _| turn(&mut world.knobs))
    }

    /// Disturbs the next calls of this kind, after those that are planned already.
    pub fn disturb(&self, call: Call, times: u32, mischief: Mischief) {
        let mischiefs = (0..times).map(|_| mischief);
        self.calls()
            .planned
            .entry(call)
            .or_default()
            .extend(mischiefs);
    }

    /// Lets all hung calls of this kind go on, and forgets what was planned for later ones.
    pub fn release(&self, call: Call) {
        self.calls().planned.remove(&call);
        self.host
            .releases
            .send_modify(|releases| *releases.entry(call).or_default() += 1);
    }

    /// Makes the host unreachable: calls fail, open streams break, containers run on.
    pub fn cut(&self) {
        self.host.link.send_modify(|link| {
            link.is_up = false;
            link.breaks += 1;
        });
    }

    /// Makes the host reachable again.
    pub fn heal(&self) {
        self.host.link.send_modify(|link| link.is_up = true);
    }

    /// Restarts the engine within no time; every open call and stream breaks. For an engine that
    /// stays away for a while, cut the host before and heal it later.
    pub fn restart_engine(&self, restart: Restart) {
        self.look(|world, now| world.restart(restart, now));
        self.host.link.send_modify(|link| link.breaks += 1);
    }

    /// Takes a container away, whatever it does, as somebody else with rights on the host would.
    pub fn vanish(&self, attempt: AttemptId) {
        self.look(|world, _| world.vanish(attempt));
    }

    /// Kills a running container with this signal, as somebody else would.
    pub fn kill(&self, attempt: AttemptId, signal: i32) {
        self.look(|world, now| world.kill(attempt, signal, now));
    }

    /// Puts a container on the host that somebody else made.
    pub fn add_foreign(&self, foreign: Foreign) -> Handle {
        self.look(|world, now| world.add(foreign, now))
    }

    /// Takes an image off the host, as a prune would.
    pub fn take_image(&self, image: &ImageReference) {
        self.look(|world, _| world.shelf.take(image));
    }

    /// What was done to one attempt's container.
    pub fn counts(&self, attempt: AttemptId) -> Counts {
        self.look(|world, _| world.counts.get(&attempt).copied().unwrap_or_default())
    }

    /// What was done to the containers of every attempt that ever had one.
    pub fn all_counts(&self) -> HashMap<AttemptId, Counts> {
        self.look(|world, _| world.counts.clone())
    }

    /// How many calls of this kind were made, failed ones too.
    pub fn calls_made(&self, call: Call) -> u64 {
        self.calls().made.get(&call).copied().unwrap_or_default()
    }

    /// How many pulls of this image were begun; those that joined one are not counted.
    pub fn pulls_begun(&self, image: &ImageReference) -> u64 {
        self.look(|world, _| world.shelf.pulls_begun(image))
    }

    /// How many containers run at this moment.
    pub fn running(&self) -> usize {
        self.look(|world, _| world.running())
    }

    /// The largest number of containers that ever ran at one time.
    pub fn max_running(&self) -> usize {
        self.look(|world, _| world.max_running)
    }

    /// How many containers are on the host, running or not.
    pub fn containers(&self) -> usize {
        self.look(|world, _| world.containers().count())
    }

    /// Lets everything happen that is due, and looks at the host as it is then.
    fn look<T>(&self, at: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let mut world = self
            .host
            .world
            .lock()
            .expect("nothing panics while it looks at the world");
        let now = self.host.clock.now();
        world.settle(now);
        at(&mut world, now)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.host
            .calls
            .lock()
            .expect("nothing panics while it counts calls")
    }
}
