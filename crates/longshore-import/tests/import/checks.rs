//! What must hold after an import, whatever release and database it is from; one fact each.

use futures::StreamExt;
use longshore_core::attempt::Phase;
use longshore_core::host::HostState;
use longshore_core::job::Driver;
use longshore_core::log::Stream;
use longshore_core::outcome::{CancelReason, FailReason, JobStatus, Limit, Outcome, Provenance};
use longshore_import::{Layout, Report};
use longshore_store::LogQuery;
use longshore_testkit::LegacyRelease;

use crate::world::{World, at, id, said, said_of};

pub(crate) fn every_row_is_counted(world: &World, report: &Report) {
    let (layout, jobs) = match world.release {
        LegacyRelease::First => (Layout::First, 15),
        LegacyRelease::Last => (Layout::Last, 18),
    };
    assert_eq!(report.layout, layout);
    let counted =
        |part: &longshore_import::Part| (part.taken, part.already_there, part.not_taken.len());
    assert_eq!(counted(&report.hosts), (2, 0, 1));
    assert_eq!(counted(&report.templates), (1, 0, 0));
    assert_eq!(counted(&report.jobs), (jobs - 4, 0, 4));
}

pub(crate) async fn hosts_are_taken_with_their_flags(world: &World) {
    let local = world.store.host_by_name("local").await.unwrap();
    assert_eq!(local.endpoint.address, "unix:///var/run/docker.sock");
    assert_eq!((local.state, local.auto_pull), (HostState::Active, true));
    assert_eq!((local.slots, local.weight), (10, 100));
    let far = world.store.host_by_name("far").await.unwrap();
    assert_eq!((far.state, far.auto_pull), (HostState::CORDONED, false));
    assert_eq!((far.slots, far.weight), (3, 7));
    assert!(far.endpoint.tls.is_some_and(|tls| tls.verify));
    assert!(world.store.host_by_name("cloud").await.is_err());
}

pub(crate) async fn a_template_is_taken_without_the_line_that_we_refuse(
    world: &World,
    report: &Report,
) {
    let base = world.store.template("base").await.unwrap();
    assert_eq!(base.text, "A=template\nB=template\nD = x=y");
    assert_eq!(base.description.as_deref(), Some("for all"));
    let told = said(&report.templates.changed, "base");
    assert!(told.len() == 1 && told[0].contains("line 3"), "{told:?}");
}

pub(crate) async fn a_job_keeps_what_it_wished(world: &World, report: &Report) {
    let job = world.job(1).await;
    let spec = serde_json::to_value(&job.spec).unwrap();
    let wanted = serde_json::json!({
        "image": "demo-image:1",
        "command": ["sh", "-c", "echo $A"],
        "workdir": "/work",
        "env": { "A": "template", "B": "own", "C": "3", "D": "x=y" },
        "memory": "64m",
        "cpus": "0.5",
        "networks": ["app:api", "db"],
        "labels": { "created_by": "anna" },
        "name": "nightly",
        "description": "every night",
        "host": "local",
    });
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&spec[key], value, "{key}");
    }
    assert_eq!(spec["timeouts"]["run"], "1m30s");
    if world.release == LegacyRelease::Last {
        assert_eq!((&spec["priority"], job.retries_used), (&80.into(), 1));
        assert_eq!(spec["retry"]["strategy"], "aggressive");
        assert_eq!(spec["retry"]["infra_retries"], 2);
    }
    assert_eq!(said_of(&report.jobs.changed, 1), [""; 0]);
}

pub(crate) async fn a_job_that_is_over_keeps_its_history(world: &World) {
    let job = world.job(1).await;
    assert_eq!(
        (job.driver, job.outcome),
        (Driver::Service, Some(Outcome::Completed))
    );
    let (noon, later) = (at("2025-08-01T12:00:00.25Z"), at("2025-08-01T12:05:00.25Z"));
    assert_eq!((job.created_at, job.exit_code), (noon, Some(0)));
    assert_eq!((job.started_at, job.finished_at), (Some(noon), Some(later)));
    let attempt = world.store.attempts(job.id).await.unwrap().remove(0);
    assert_eq!((attempt.phase, attempt.removed_at), (Phase::Ended, None));
    assert!(attempt.handle.unwrap().content.starts_with("c0ffee"));
    assert_eq!(attempt.verdict.unwrap().provenance, Provenance::Import);
    let usage = attempt.usage.unwrap();
    assert_eq!(usage.peak_memory_bytes, 1 << 20);
    assert!((usage.cpu_mean_percent - 12.5).abs() < 1e-9);
}

pub(crate) async fn its_log_reads_back_in_order(world: &World) {
    let attempt = world.store.attempts(id(1)).await.unwrap().remove(0);
    let frames = world.store.logs().read(attempt.id, LogQuery::default());
    let frames: Vec<_> = frames.map(|frame| frame.unwrap()).collect().await;
    let told: Vec<(Stream, &str)> = frames
        .iter()
        .map(|frame| (frame.stream, std::str::from_utf8(&frame.bytes).unwrap()))
        .collect();
    let wanted = [
        (Stream::Stdout, "one\n"),
        (Stream::Stderr, "two: error\n"),
        (Stream::Stdout, "  three\n"),
        (Stream::Note, "harvested\n"),
    ];
    assert_eq!(told, wanted);
    assert_eq!(frames[0].at, at("2025-08-01T12:00:01.000000001Z"));
}

pub(crate) async fn every_end_has_its_reason(world: &World, report: &Report) {
    let failed = Outcome::Failed;
    let table = [
        (2, failed(FailReason::Exit(3))),
        (3, failed(FailReason::Lost)),
        (4, Outcome::TimedOut(Limit::Run)),
        (5, Outcome::Cancelled(CancelReason::User)),
        (8, failed(FailReason::Lost)),
        (15, failed(FailReason::Exit(1))),
    ];
    for (number, outcome) in table {
        assert_eq!(world.job(number).await.outcome, Some(outcome), "{number}");
    }
    for number in [8, 15] {
        assert_eq!(said_of(&report.jobs.changed, number).len(), 1, "{number}");
    }
    if world.release == LegacyRelease::Last {
        let message = world.job(3).await.message;
        assert_eq!(message.as_deref(), Some("Failed to create container"));
    }
    assert!(world.store.attempts(id(5)).await.unwrap().is_empty());
}

pub(crate) async fn what_waits_is_pending(world: &World) {
    let with_queue: &[u128] = match world.release {
        LegacyRelease::First => &[],
        LegacyRelease::Last => &[16, 17, 18],
    };
    for number in [&[6, 9], with_queue].concat() {
        let job = world.job(number).await;
        assert_eq!(
            (job.status, job.attempt),
            (JobStatus::Pending, 0),
            "{number}"
        );
    }
    if world.release == LegacyRelease::Last {
        let later = at("2025-08-01T12:05:00.25Z");
        assert_eq!(world.job(6).await.not_before, Some(later));
        assert_eq!(world.job(16).await.queued_at, None);
        assert!(world.job(17).await.queued_at.is_some());
        assert_eq!(world.job(18).await.message.as_deref(), Some("no luck"));
    }
    assert!(world.store.queued(10).await.unwrap().is_empty());
}

pub(crate) async fn a_running_container_is_left_to_be_harvested(world: &World) {
    let job = world.job(7).await;
    assert_eq!(job.status, JobStatus::Running);
    let attempt = world.store.attempts(job.id).await.unwrap().remove(0);
    assert_eq!((attempt.phase, attempt.lease), (Phase::Running, None));
    assert_eq!(attempt.started_at, Some(at("2025-08-01T12:00:00.25Z")));
    assert!(attempt.handle.unwrap().content.starts_with("c0ffee"));
    let local = world.store.host_by_name("local").await.unwrap();
    assert_eq!(attempt.host, local.id);
}

pub(crate) fn what_cannot_be_taken_is_told_with_its_reason(report: &Report) {
    let table = [
        (10, "`cloud` was not taken"),
        (11, "no image"),
        (12, "no image that can be used"),
        (14, "unknown status `paused`"),
    ];
    for (number, reason) in table {
        let why = said_of(&report.jobs.not_taken, number).concat();
        assert!(why.contains(reason), "{number}: {why}");
    }
    let why = said(&report.hosts.not_taken, "cloud").concat();
    assert!(why.contains("cloudrun"), "{why}");
}

pub(crate) async fn what_our_spec_refuses_is_left_out_and_told(world: &World, report: &Report) {
    let spec = world.job(13).await.spec;
    let policy = world.store.policy().await.unwrap();
    spec.validate(&policy).unwrap();
    assert_eq!((spec.name, spec.workdir), (None, None));
    assert_eq!(spec.command.argv(), ["echo 'open"]);
    assert_eq!(spec.cpus, Some(policy.default_cpus));
    assert_eq!(spec.memory, Some(policy.default_memory));
    assert!(spec.networks.is_empty() && spec.env.len() == 1);
    let told = said_of(&report.jobs.changed, 13).join("\n");
    let mut fields = vec![
        "name was left out",
        "cpu_limit was left out",
        "memory was left out",
        "workdir was left out",
        "networks was left out",
        "override_environment was left out: line 1",
        "timeout_seconds 0 became 1",
        "the command became one argument",
    ];
    if world.release == LegacyRelease::Last {
        assert_eq!(spec.priority.get(), 100);
        fields.push("priority 9999 became 100");
    }
    for field in fields {
        assert!(told.contains(field), "{field}: {told}");
    }
}
