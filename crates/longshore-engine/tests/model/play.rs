//! What may happen in a play, and its performance.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::fault::Fault;
use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::log::Stream;
use longshore_core::spec::JobSpec;
use longshore_core::{HostId, JobId};
use longshore_engine::Clock;
use longshore_executor::mock::{Behaviour, Call, Knobs, Mischief, MockExecutor, Restart, Selector};
use longshore_store::{NewJob, Store};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tempfile::TempDir;
use uuid::Uuid;

use crate::books;
use crate::stage::{Actor, PlayClock};

/// A job, and how it must end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) code: u8,
    pub(crate) seconds: u8,
    pub(crate) lines: u8,
    /// Whether a host's fault may be made good by another attempt.
    pub(crate) is_retried: bool,
}

/// One thing that happens. Jobs and workers are meant by their places among those that are there.
#[derive(Clone, Debug)]
pub(crate) enum Scene {
    Submit(Part),
    Cancel(Index),
    Retry(Index),
    Enter,
    Kill(Index),
    Leave(Index),
    Freeze(Index),
    Thaw(Index),
    Cut,
    Heal,
    Restart(Restart),
    Disturb(Call, Mischief),
    Release,
    Pass(Duration),
}

fn part() -> impl Strategy<Value = Part> {
    (0..4_u8, 0..40_u8, 0..5_u8, prop::bool::weighted(0.8)).prop_map(
        |(code, seconds, lines, is_retried)| Part {
            code,
            seconds,
            lines,
            is_retried,
        },
    )
}

fn mischief() -> impl Strategy<Value = Mischief> {
    prop_oneof![
        Just(Mischief::Fail(Fault::Unreachable)),
        Just(Mischief::Fail(Fault::Internal)),
        Just(Mischief::LoseReply(Fault::TimedOut)),
        Just(Mischief::HangBefore),
        Just(Mischief::HangAfter),
    ]
}

const DISTURBED: [Call; 9] = [
    Call::Find,
    Call::Create,
    Call::Start,
    Call::Observe,
    Call::Events,
    Call::Logs,
    Call::Stop,
    Call::Remove,
    Call::Probe,
];

fn scene() -> impl Strategy<Value = Scene> {
    let restart = select(&[Restart::Orderly, Restart::Crash, Restart::LiveRestore][..]);
    prop_oneof![
        12 => part().prop_map(Scene::Submit),
        2 => any::<Index>().prop_map(Scene::Cancel),
        2 => any::<Index>().prop_map(Scene::Retry),
        3 => Just(Scene::Enter),
        3 => any::<Index>().prop_map(Scene::Kill),
        1 => any::<Index>().prop_map(Scene::Leave),
        2 => any::<Index>().prop_map(Scene::Freeze),
        2 => any::<Index>().prop_map(Scene::Thaw),
        1 => Just(Scene::Cut),
        3 => Just(Scene::Heal),
        1 => restart.prop_map(Scene::Restart),
        6 => (select(&DISTURBED[..]), mischief()).prop_map(|(call, how)| Scene::Disturb(call, how)),
        3 => Just(Scene::Release),
        30 => (1..3000_u64).prop_map(|millis| Scene::Pass(Duration::from_millis(millis))),
        2 => (3..60_u64).prop_map(|seconds| Scene::Pass(Duration::from_secs(seconds))),
    ]
}

/// Anything between nothing and a long evening.
pub(crate) fn play() -> impl Strategy<Value = Vec<Scene>> {
    prop::collection::vec(scene(), 1..150)
}

/// A play under way.
pub(crate) struct Play {
    actors: Vec<Actor>,
    pub(crate) clock: PlayClock,
    pub(crate) mock: MockExecutor,
    pub(crate) store: Store,
    pub(crate) jobs: Vec<(JobId, Part)>,
    /// How often somebody wished each job cancelled, and tried again.
    pub(crate) cancels: BTreeMap<JobId, u32>,
    pub(crate) revivals: BTreeMap<JobId, u32>,
    /// Goes when everybody has gone who uses it.
    folder: TempDir,
}

/// Time passes in steps no longer than this in the end, so that timers come in their order.
const STEP: Duration = Duration::from_millis(500);
/// The shortest time that something takes.
const MOMENT: Duration = Duration::from_millis(1);
/// Everything is over after so many of them.
const STEPS: usize = 6000;
/// So many of them pass as fast as they can. The store works in the time of the machine: where that is
/// short, the time of the play runs away from it, and leases pass before they can be renewed.
const FAST_STEPS: usize = 500;
/// How often the store is asked in each step after those, which takes the machine's time.
const QUESTIONS: usize = 20;

impl Play {
    /// Performs the scenes, lets calm return, and says what is wrong then.
    pub(crate) fn perform(scenes: &[Scene]) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut play = runtime.block_on(Self::open());
        for scene in scenes {
            runtime.block_on(play.go_on(scene));
        }
        let is_over = runtime.block_on(play.end());
        let mut wrong = runtime.block_on(books::wrong(&play));
        if !is_over {
            wrong.insert(0, "it does not come to an end".to_owned());
        }
        wrong
    }

    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = PlayClock::new(Timestamp::from_second(1_800_000_000).unwrap());
        let (now, seen) = (clock.now(), clock.clone());
        let store = Store::open(folder.path()).await.unwrap();
        store.add_host(&host(now)).await.unwrap();
        Self {
            mock: MockExecutor::with_clock(Knobs::new(now), move || seen.now()),
            folder,
            clock,
            store,
            jobs: Vec::new(),
            cancels: BTreeMap::new(),
            revivals: BTreeMap::new(),
            actors: Vec::new(),
        }
    }

    async fn go_on(&mut self, scene: &Scene) {
        match scene {
            Scene::Submit(part) => self.submit(*part).await,
            Scene::Cancel(which) => {
                if let Some(job) = self.job(*which) {
                    self.store
                        .request_cancel(job, self.clock.now())
                        .await
                        .unwrap();
                    *self.cancels.entry(job).or_default() += 1;
                }
            }
            Scene::Retry(which) => {
                if let Some(job) = self.job(*which) {
                    self.retry(job).await;
                }
            }
            Scene::Enter if self.actors.len() < 3 => self.enter(),
            Scene::Enter => {}
            Scene::Kill(which) => drop(self.take_actor(*which)),
            Scene::Leave(which) => {
                if let Some(actor) = self.actor(*which) {
                    actor.leave();
                }
            }
            Scene::Freeze(which) => {
                if let Some(actor) = self.actor(*which) {
                    actor.freeze();
                }
            }
            Scene::Thaw(which) => {
                if let Some(actor) = self.actor(*which) {
                    actor.thaw();
                }
            }
            Scene::Cut => self.mock.cut(),
            Scene::Heal => self.mock.heal(),
            Scene::Restart(how) => {
                // It takes a moment at least: no container starts at the moment of the engine's start.
                self.pass(MOMENT).await;
                self.mock.restart_engine(*how);
                self.pass(MOMENT).await;
            }
            Scene::Disturb(call, how) => self.mock.disturb(*call, 1, *how),
            Scene::Release => self.release(),
            Scene::Pass(time) => self.pass(*time).await,
        }
    }

    async fn submit(&mut self, part: Part) {
        let mut spec = JobSpec::new("busybox".parse().unwrap());
        spec.retry.infra_retries = if part.is_retried { 100 } else { 0 };
        let id = JobId::new(Uuid::now_v7());
        let mut behaviour =
            Behaviour::exits(part.code.into()).runs_for(Duration::from_secs(part.seconds.into()));
        for line in 0..part.lines {
            let after = Duration::from_secs(part.seconds.into()) * line.into() / 5;
            behaviour = behaviour.prints(after, Stream::Stdout, format!("{line}\n"));
        }
        self.mock
            .tune(|knobs| knobs.behave(Selector::Job(id), behaviour));
        let job = NewJob::new(id, spec);
        self.store.submit(&[job], self.clock.now()).await.unwrap();
        self.jobs.push((id, part));
    }

    async fn retry(&mut self, job: JobId) {
        let now = self.clock.now();
        let answer = self.store.request_retry(job, now).await.unwrap();
        if answer == longshore_store::RetryAnswer::Queued {
            *self.revivals.entry(job).or_default() += 1;
            // From now on the wishes count that come after.
            self.cancels.remove(&job);
        }
    }

    fn enter(&mut self) {
        let folder = self.folder.path().to_owned();
        let actor = Actor::enter(folder, self.mock.clone(), self.clock.clone());
        self.actors.push(actor);
    }

    async fn pass(&mut self, mut time: Duration) {
        while !time.is_zero() {
            let step = time.min(STEP);
            time -= step;
            self.clock.advance(step);
            for actor in &mut self.actors {
                actor.advance(step);
            }
            // The workers' own requests come before it, more or less.
            self.store.loads().await.unwrap();
        }
    }

    fn release(&self) {
        for call in DISTURBED {
            self.mock.release(call);
        }
    }

    /// All trouble is over, and one worker has all the time that it needs.
    async fn end(&mut self) -> bool {
        self.mock.heal();
        self.release();
        self.actors.iter_mut().for_each(Actor::thaw);
        for step in 0..STEPS {
            if self.actors.iter().all(Actor::is_gone) {
                self.enter();
            }
            for _ in 0..if step < FAST_STEPS { 0 } else { QUESTIONS } {
                self.store.loads().await.unwrap();
            }
            self.pass(STEP).await;
            if self.is_over().await {
                return true;
            }
        }
        false
    }

    async fn is_over(&self) -> bool {
        self.mock.containers() == 0
            && !self.store.has_open_jobs().await.unwrap()
            && self.store.unremoved(1, None).await.unwrap().is_empty()
    }

    fn job(&self, which: Index) -> Option<JobId> {
        let is_some = !self.jobs.is_empty();
        is_some.then(|| which.get(&self.jobs).0)
    }

    fn actor(&mut self, which: Index) -> Option<&mut Actor> {
        let count = self.actors.len();
        (count > 0).then(|| &mut self.actors[which.index(count)])
    }

    fn take_actor(&mut self, which: Index) -> Option<Actor> {
        let count = self.actors.len();
        (count > 0).then(|| self.actors.swap_remove(which.index(count)))
    }
}

fn host(now: Timestamp) -> Host {
    Host {
        id: HostId::new(Uuid::now_v7()),
        name: "mock".into(),
        kind: HostKind::Mock,
        endpoint: Endpoint {
            address: "mock://".into(),
            tls: None,
        },
        state: HostState::Active,
        slots: 4,
        weight: 100,
        cpus: None,
        memory: None,
        maintenance: Vec::new(),
        auto_pull: true,
        labels: [].into(),
        created_at: now,
        updated_at: now,
    }
}
