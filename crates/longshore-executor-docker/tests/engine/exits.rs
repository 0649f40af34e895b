//! Every way to end, as the engine really reports it.

use longshore_core::attempt::{Observed, Refusal};
use longshore_core::fault::Fault;
use longshore_core::spec::{ByteSize, JobSpec};
use longshore_executor::{Executor, LogRange};

use crate::scene::{Scene, demo_spec};

async fn code_of(script: &str) -> (i32, bool) {
    let scene = Scene::shared();
    let (_, exit) = scene.ran(&scene.script(script)).await;
    assert!(
        exit.started_at.is_some() && exit.finished_at.is_some(),
        "{exit:?}"
    );
    (exit.code, exit.oom_killed)
}

#[tokio::test]
async fn exit_code_0_is_reported() {
    assert_eq!(code_of("true").await, (0, false));
}

#[tokio::test]
async fn exit_code_7_is_reported() {
    assert_eq!(code_of("exit 7").await, (7, false));
}

#[tokio::test]
async fn a_job_that_kills_itself_is_reported_as_137() {
    assert_eq!(code_of("kill -9 $$").await, (137, false));
}

async fn refused(argv: &[&str], user: Option<&str>) -> (Fault, String, Observed) {
    let scene = Scene::shared();
    let spec = JobSpec {
        command: argv.iter().copied().collect(),
        user: user.map(|user| user.parse().unwrap()),
        init: false,
        ..demo_spec()
    };
    let handle = scene.executor.create(&scene.launch_of(spec)).await.unwrap();
    let error = scene.executor.start(&handle).await.unwrap_err();
    (
        error.fault(),
        error.to_string(),
        scene.executor.observe(&handle).await.unwrap(),
    )
}

fn code_seen(observed: &Observed) -> Option<u8> {
    match observed {
        Observed::Created {
            refused:
                Some(Refusal {
                    fault: Fault::StartRefused(code),
                    message,
                }),
        } if !message.is_empty() => Some(*code),
        Observed::Absent
        | Observed::Created { .. }
        | Observed::Running { .. }
        | Observed::Exited(_)
        | Observed::Removing => None,
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_refused_with_127() {
    let (fault, text, observed) = refused(&["/nope"], None).await;
    assert_eq!(
        (fault, code_seen(&observed)),
        (Fault::StartRefused(127), Some(127))
    );
    assert!(
        text.starts_with("cannot start container ") && text.contains("/nope"),
        "{text}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_program_is_refused_with_126() {
    let (fault, _, observed) = refused(&["/etc/passwd"], None).await;
    assert_eq!(
        (fault, code_seen(&observed)),
        (Fault::StartRefused(126), Some(126))
    );
}

/// The engine finds the init, so that it cannot refuse; the init then says what a shell would.
#[tokio::test]
async fn with_an_init_a_program_that_cannot_run_is_an_exit_with_126_or_127() {
    let scene = Scene::shared();
    for (program, code) in [("/nope", 127), ("/etc/passwd", 126)] {
        let (handle, exit) = scene.ran(&scene.launch(&[program])).await;
        assert_eq!(exit.code, code, "{program}");
        let said = scene.frames(&handle, LogRange::All).await;
        assert!(
            String::from_utf8_lossy(&said[0].bytes).contains(program),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn any_other_refused_start_is_125() {
    let (fault, text, observed) = refused(&["true"], Some("nobody-knows-me")).await;
    assert_eq!(
        (fault, code_seen(&observed)),
        (Fault::StartRefused(125), Some(125))
    );
    assert!(text.contains("nobody-knows-me"), "{text}");
}

#[tokio::test]
async fn a_network_that_is_missing_is_the_configurations_fault() {
    let scene = Scene::shared();
    let spec = JobSpec {
        networks: vec!["longshore-no-such".parse().unwrap()],
        ..demo_spec()
    };
    let handle = scene.executor.create(&scene.launch_of(spec)).await.unwrap();
    let error = scene.executor.start(&handle).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Configuration);
    assert!(error.to_string().contains("longshore-no-such"), "{error}");
}

async fn out_of_memory(script: &str) -> (i32, bool) {
    let scene = Scene::shared();
    let spec = JobSpec {
        command: ["sh", "-c", script].into_iter().collect(),
        memory: Some(ByteSize::from_mebibytes(16)),
        ..demo_spec()
    };
    let (_, exit) = scene.ran(&scene.launch_of(spec)).await;
    (exit.code, exit.oom_killed)
}

#[tokio::test]
async fn a_job_that_takes_too_much_memory_is_killed_and_says_so() {
    let script = "tail /dev/zero; code=$?; sleep 0.5; exit $code";
    assert_eq!(out_of_memory(script).await, (137, true));
}

/// The engine hears of the end and of the reason in any order, and not of every reason.
#[tokio::test]
async fn a_lack_of_memory_that_ends_the_job_at_once_is_noticed_nearly_always() {
    let ran: Vec<_> =
        futures::future::join_all([(); 4].map(|()| out_of_memory("exec tail /dev/zero"))).await;
    assert!(ran.iter().all(|(code, _)| *code == 137), "{ran:?}");
    assert!(ran.iter().any(|(_, noticed)| *noticed), "{ran:?}");
}

#[tokio::test]
async fn a_child_that_takes_too_much_memory_is_evidence_and_no_verdict() {
    assert_eq!(
        out_of_memory("tail /dev/zero; sleep 0.5; exit 0").await,
        (0, true)
    );
}
