//! What stands between a job and each host, and when it may be expected to start.
//!
//! Judged by the same rules as the workers do, from what they wrote down about the hosts.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_core::HostId;
use longshore_core::forecast::{History, expected_start};
use longshore_core::host::Host;
use longshore_core::job::Job;
use longshore_core::limits::{FORECAST_QUEUE, FORECAST_RUNS};
use longshore_core::placement::{Candidate, Lacks, Refusal, Score, Sight, Wish, admit};
use longshore_store::{RunUnderWay, Store, StoreError};

use crate::commands::gates;
use crate::session::Session;

/// What a host says to a job.
pub(super) struct HostAnswer {
    /// The host's name.
    pub(super) host: String,
    /// How good it is for the job, or why it does not take it.
    pub(super) answer: Result<Score, Refusal>,
    id: HostId,
    slots: u32,
    busy: u32,
}

impl HostAnswer {
    /// In words.
    pub(super) fn text(&self) -> String {
        match &self.answer {
            Ok(score) => format!("takes it: {score}"),
            Err(refusal) => refusal.to_string(),
        }
    }

    /// What would let it take the job, where it does not.
    pub(super) fn remedy(&self) -> Option<String> {
        self.answer.as_ref().err()?.remedy(&self.host)
    }

    /// Whether it takes the job, now or as soon as others end.
    fn is_waited_for(&self) -> bool {
        self.answer
            .as_ref()
            .map_or_else(Refusal::is_for_load, |_| true)
    }
}

/// What every host of the pool says to a job.
pub(super) async fn answers(
    session: &Session,
    store: &Store,
    job: &Job,
) -> Result<Vec<HostAnswer>, StoreError> {
    let now = session.now();
    let (mut standings, loads) = (store.host_standings().await?, store.loads().await?);
    let mut answers = Vec::new();
    for host in store.hosts().await? {
        let Some(standing) = standings.remove(&host.id) else {
            continue;
        };
        let report = store.facts(host.id).await?;
        let census = store.census(host.id).await?;
        let load = loads.get(&host.id).copied().unwrap_or_default();
        let sight = Sight {
            busy: load.busy,
            given: load.given,
            silence: standing.error,
            breaker: standing.breaker,
            on_trial: standing.on_trial,
            facts: report.as_ref().and_then(|report| report.facts.as_ref()),
            census: census.as_ref(),
            lacks: lacks_of(session, &host),
        };
        let candidate = Candidate::seen(&host, sight, now);
        answers.push(HostAnswer {
            answer: admit(&job.spec, &candidate).map(|()| Score::of(Wish::from(job), &candidate)),
            id: host.id,
            slots: host.slots,
            busy: load.busy,
            host: host.name.clone(),
        });
    }
    Ok(answers)
}

fn lacks_of(session: &Session, host: &Host) -> Lacks {
    let (backstage, host) = (Arc::clone(&session.backstage), host.clone());
    Lacks::by(move |spec| backstage.unsupported(&host, spec))
}

/// When a queued job may be expected to start.
pub(super) struct Forecast {
    /// Jobs before it in the queue.
    pub(super) ahead: u64,
    /// When; `None` if nobody knows.
    pub(super) start: Option<Timestamp>,
    /// How many runs of the past that is told from.
    pub(super) runs: usize,
}

/// Looks ahead for a queued job, by what the hosts said to it.
pub(super) async fn forecast(
    store: &Store,
    job: &Job,
    answers: &[HostAnswer],
    now: Timestamp,
) -> Result<Forecast, StoreError> {
    let ahead = store.ahead_of(job).await?;
    let history = History::of(&store.past_runs(FORECAST_RUNS).await?);
    let under_way = store.runs_under_way(FORECAST_QUEUE).await?;
    let slots: Vec<_> = answers
        .iter()
        .filter(|answer| answer.is_waited_for())
        .flat_map(|answer| slots_of(answer, &under_way, &history, now))
        .collect();
    let queue = store.queued(FORECAST_QUEUE).await?;
    let before = queue.iter().take_while(|other| other.id != job.id);
    let durations: Vec<_> = before
        .map(|other| history.duration(&other.spec.image.canonical(), None))
        .collect();
    Ok(Forecast {
        ahead,
        start: expected_start(&slots, &durations),
        runs: history.runs(),
    })
}

/// When each slot of a host gets free: now, or when what runs in it has taken as long as usual.
fn slots_of(
    answer: &HostAnswer,
    under_way: &[RunUnderWay],
    history: &History,
    now: Timestamp,
) -> Vec<Option<Timestamp>> {
    let here = under_way.iter().filter(|run| run.host == answer.id);
    let mut slots: Vec<_> = here
        .map(|run| {
            let image = run.spec.image.canonical();
            let usual = history.duration(&image, Some(run.host))?;
            let end = run.claimed_at.checked_add(usual).ok()?;
            Some(end.max(now))
        })
        .collect();
    // Slots that are free take it at once, unless it is refused for want of something else.
    if answer.answer.is_ok() {
        let free = answer.slots.saturating_sub(answer.busy);
        slots.extend((0..free).map(|_| Some(now)));
    }
    slots
}

/// What stands in the way of a job, in one line; `None` if a host takes it.
pub(super) async fn obstacle(
    session: &Session,
    store: &Store,
    job: &Job,
) -> Result<Option<String>, StoreError> {
    if let Some(gate) = gates::shut(store, job).await?.pop() {
        return Ok(Some(gate.why));
    }
    let answers = answers(session, store, job).await?;
    if answers.iter().any(|answer| answer.answer.is_ok()) {
        return Ok(None);
    }
    // What several hosts say is said once.
    let mut said: HashMap<String, Vec<&str>> = HashMap::new();
    for answer in &answers {
        said.entry(answer.text()).or_default().push(&answer.host);
    }
    let mut lines: Vec<_> = said
        .into_iter()
        .map(|(text, hosts)| format!("{}: {text}", hosts.join(", ")))
        .collect();
    lines.sort_unstable();
    Ok((!lines.is_empty()).then(|| lines.join("; ")))
}
