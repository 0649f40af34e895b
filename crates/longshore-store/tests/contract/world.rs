//! Builders: jobs, hosts, ids and times that no two tests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::job::{AttemptRecord, Driver};
use longshore_core::launch::Handle;
use longshore_core::outcome::{FailReason, Outcome, Provenance, Verdict};
use longshore_core::retry::Next;
use longshore_core::share::Share;
use longshore_core::spec::JobSpec;
use longshore_core::{AttemptId, HostId, JobId, Timestamp, WorkerId};
use longshore_store::{Begun, Claim, End, Fenced, LogTotals, NewJob, Store};
use uuid::Uuid;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A UUID that is new in this process; in the order of the calls, and different at both ends.
pub(crate) fn uuid() -> Uuid {
    let number = u128::from(NEXT_ID.fetch_add(1, Ordering::Relaxed));
    Uuid::from_u128((number << 80) | (7 << 76) | (2 << 62) | (number.wrapping_mul(0x9e37_79b9)))
}

/// So many seconds after the beginning of the test's time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn spec() -> JobSpec {
    JobSpec::new("busybox:1".parse().unwrap())
}

pub(crate) fn new_job(spec: JobSpec) -> NewJob {
    NewJob::new(JobId::new(uuid()), spec)
}

/// A job that its caller drives.
pub(crate) fn driven(spec: JobSpec) -> NewJob {
    NewJob {
        driver: Driver::Service,
        ..new_job(spec)
    }
}

/// Submits one job and says which.
pub(crate) async fn submit(store: &Store, spec: JobSpec, now: Timestamp) -> JobId {
    store.submit(&[new_job(spec)], now).await.unwrap()[0].id
}

/// Submits one job that its caller drives and says which.
pub(crate) async fn submit_driven(store: &Store, spec: JobSpec, now: Timestamp) -> JobId {
    store.submit(&[driven(spec)], now).await.unwrap()[0].id
}

pub(crate) fn host(name: &str, slots: u32) -> Host {
    Host {
        id: HostId::new(uuid()),
        name: name.into(),
        kind: HostKind::Mock,
        endpoint: Endpoint {
            address: "mock://".into(),
            tls: None,
        },
        state: HostState::Active,
        slots,
        weight: 100,
        cpus: None,
        memory: None,
        maintenance: Vec::new(),
        auto_pull: true,
        labels: [("zone".to_owned(), "a".to_owned())].into(),
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) async fn add_host(store: &Store, slots: u32) -> HostId {
    let host = host(&format!("host-{}", uuid()), slots);
    store.add_host(&host).await.unwrap();
    host.id
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::new(uuid())
}

pub(crate) fn claim(job: JobId, host: HostId) -> Claim {
    Claim {
        job,
        attempt: AttemptId::new(uuid()),
        after: 0,
        host,
        share: Share::default(),
        most: Share::ENDLESS,
        why: "it is free".into(),
    }
}

pub(crate) fn handle() -> Handle {
    Handle {
        version: 1,
        content: "container".into(),
    }
}

/// A job that a worker has claimed, with its attempt.
pub(crate) async fn claimed(store: &Store, spec: JobSpec) -> (JobId, AttemptRecord) {
    let job = submit(store, spec, at(0)).await;
    let host = add_host(store, 4).await;
    (job, claim_one(store, job, host).await)
}

pub(crate) async fn claim_one(store: &Store, job: JobId, host: HostId) -> AttemptRecord {
    let claims = [Claim {
        after: store.job(job).await.unwrap().attempt,
        ..claim(job, host)
    }];
    let mut made = store.claim(&claims, worker(), at(30), at(1)).await.unwrap();
    made.pop()
        .expect("the job is queued and the host has a slot")
}

/// A job that its caller drives and has begun, with its attempt.
pub(crate) async fn begun(store: &Store, spec: JobSpec) -> (JobId, AttemptRecord) {
    let job = submit_driven(store, spec, at(0)).await;
    let host = add_host(store, 4).await;
    (job, begin_one(store, job, host).await)
}

pub(crate) async fn begin_one(store: &Store, job: JobId, host: HostId) -> AttemptRecord {
    let attempt = AttemptId::new(uuid());
    let begun = store.begin(job, attempt, host, at(1)).await.unwrap();
    let Begun::New(record) = begun else {
        panic!("the job is pending: {begun:?}");
    };
    record
}

/// A job whose container runs, with its attempt.
pub(crate) async fn running(store: &Store, spec: JobSpec) -> (JobId, Fenced) {
    let (job, attempt) = claimed(store, spec).await;
    let fenced = Fenced::from(&attempt);
    store.started(fenced, &handle(), at(2)).await.unwrap();
    (job, fenced)
}

pub(crate) fn exit(code: i32) -> Verdict {
    let outcome = if code == 0 {
        Outcome::Completed
    } else {
        Outcome::Failed(FailReason::Exit(code))
    };
    Verdict {
        outcome,
        exit_code: Some(code),
        oom_killed: false,
        provenance: Provenance::Event,
        started_at: Some(at(2)),
        finished_at: Some(at(3)),
        message: (code != 0).then(|| format!("exited with {code}")),
    }
}

pub(crate) fn end(code: i32, next: Next) -> End {
    let log = LogTotals {
        frames: 3,
        stdout_bytes: 20,
        stderr_bytes: 4,
        ..LogTotals::default()
    };
    End {
        verdict: exit(code),
        next,
        usage: None,
        log,
        now: at(4),
    }
}

pub(crate) fn retry_after(seconds: u64) -> Next {
    let budget = longshore_core::retry::Budget::Job;
    Next::Retry {
        after: Duration::from_secs(seconds),
        budget,
        memory: None,
    }
}
