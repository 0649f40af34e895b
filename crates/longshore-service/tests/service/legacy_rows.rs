//! The behaviours of the legacy system, method by method and situation by situation, against a real
//! engine. Where an answer differs from the legacy one, `docs/legacy.md` says why.

use std::time::Duration;

use longshore_core::JobId;
use longshore_executor::Force;
use longshore_service::{LogWish, ServiceError};
use longshore_testkit::{Fault, FaultProxy, Rule, shared_engine};

use crate::rig::text;
use crate::scene::{Scene, forever, script};

/// A job-based operation.
#[derive(Clone, Copy, Debug)]
enum Method {
    Create,
    Start,
    Stop,
    Remove,
    Logs,
    Stats,
    Wait,
    Launch,
    Status,
    Harvest,
}

/// What the operation meets.
#[derive(Clone, Copy, Debug)]
enum Situation {
    /// A container that was made.
    Created,
    /// A container that runs.
    Running,
    /// A container that has ended with 3.
    Exited,
    /// No container at all.
    None,
    /// A container that runs, as far as we know, and was taken away.
    Missing,
    /// A container that runs on a host that nobody reaches.
    Unreachable,
    /// No container, and a host that nobody reaches.
    NoneUnreachable,
    /// A container that runs on a host that answers everything with an error.
    OtherError,
    /// No container, and a host that answers everything with an error.
    NoneOtherError,
}

const ROWS: &[(Method, Situation, &str, &str)] = {
    use Method as M;
    use Situation as S;
    &[
        (M::Create, S::None, "id", "pending"),
        (M::Create, S::NoneUnreachable, "connection error", "pending"),
        (M::Create, S::NoneOtherError, "execution error", "pending"),
        (M::Start, S::Created, "true", "running"),
        (M::Start, S::Running, "true", "running"),
        (M::Start, S::None, "execution error", "pending"),
        (M::Start, S::Missing, "false", "failed lost"),
        (M::Start, S::Unreachable, "false", "running"),
        (M::Start, S::OtherError, "false", "running"),
        (M::Stop, S::Running, "true", "running"),
        (M::Stop, S::Exited, "true", "running"),
        (M::Stop, S::None, "false", "pending"),
        (M::Stop, S::Missing, "false", "running"),
        (M::Stop, S::Unreachable, "false", "running"),
        (M::Stop, S::OtherError, "false", "running"),
        (M::Remove, S::Exited, "true", "failed exit(3)"),
        (M::Remove, S::Created, "true", "pending"),
        (M::Remove, S::Running, "false", "running"),
        (M::Remove, S::None, "false", "pending"),
        (M::Remove, S::Missing, "false", "failed lost"),
        (M::Remove, S::Unreachable, "false", "running"),
        (M::Remove, S::OtherError, "false", "running"),
        (M::Logs, S::Exited, "said", "running"),
        (M::Logs, S::None, "", "pending"),
        (M::Logs, S::Missing, "", "running"),
        (M::Logs, S::Unreachable, "connection error", "running"),
        (M::Logs, S::OtherError, "execution error", "running"),
        (M::Stats, S::Running, "statistics", "running"),
        (M::Stats, S::Exited, "none", "running"),
        (M::Stats, S::None, "none", "pending"),
        (M::Stats, S::Missing, "none", "running"),
        (M::Stats, S::Unreachable, "connection error", "running"),
        (M::Stats, S::OtherError, "none", "running"),
        (M::Wait, S::Exited, "3", "failed exit(3)"),
        (M::Wait, S::Created, "execution error", "pending"),
        (M::Wait, S::None, "none", "pending"),
        (M::Wait, S::Missing, "none", "failed lost"),
        (M::Wait, S::Unreachable, "connection error", "running"),
        (M::Wait, S::OtherError, "execution error", "running"),
        (M::Launch, S::None, "true", "running"),
        (M::Launch, S::Running, "false", "running"),
        (M::Launch, S::NoneUnreachable, "false", "failed lost"),
        (M::Launch, S::NoneOtherError, "false", "failed lost"),
        (M::Status, S::Created, "created", "pending"),
        (M::Status, S::Running, "running", "running"),
        (M::Status, S::Exited, "exited", "running"),
        (M::Status, S::None, "no-container", "pending"),
        (M::Status, S::Missing, "not-found", "running"),
        (M::Status, S::Unreachable, "error", "running"),
        (M::Status, S::OtherError, "error", "running"),
        (M::Harvest, S::Exited, "true", "failed exit(3)"),
        (M::Harvest, S::Running, "false", "running"),
        (M::Harvest, S::Created, "false", "pending"),
        (M::Harvest, S::None, "false", "pending"),
        (M::Harvest, S::Missing, "false", "failed lost"),
        (M::Harvest, S::Unreachable, "false", "running"),
        (M::Harvest, S::OtherError, "false", "running"),
    ]
};

/// A scene with a job in this situation.
async fn met(situation: Situation, proxy: &FaultProxy) -> (Scene, JobId) {
    let mut scene = Scene::through(proxy).await;
    let job = match situation {
        Situation::Created => scene.created(forever()).await,
        Situation::Exited => scene.started(script("echo said; exit 3")).await,
        Situation::Running
        | Situation::Missing
        | Situation::Unreachable
        | Situation::OtherError => scene.started(forever()).await,
        Situation::None | Situation::NoneUnreachable | Situation::NoneOtherError => {
            scene.job(forever()).await
        }
    };
    match situation {
        Situation::Created | Situation::Running | Situation::None => {}
        Situation::Exited => {
            scene.docker(job, &["wait"]).await;
        }
        Situation::Missing => scene.docker(job, &["rm", "--force"]).await,
        Situation::Unreachable | Situation::NoneUnreachable => scene.lose_host().await,
        Situation::OtherError | Situation::NoneOtherError => {
            let (status, body) = (500, r#"{"message":"something else"}"#.to_owned());
            proxy.add(Rule::every(
                "/containers/",
                Fault::Answer {
                    status,
                    body: body.clone(),
                },
            ));
            proxy.add(Rule::every("/images/", Fault::Answer { status, body }));
        }
    }
    (scene, job)
}

async fn call(scene: &Scene, method: Method, job: JobId) -> Result<String, ServiceError> {
    let service = &scene.service;
    Ok(match method {
        Method::Create => {
            let id = scene.create(job).await?;
            assert_eq!(id.len(), 64);
            "id".to_owned()
        }
        Method::Start => service.start_container(job).await?.to_string(),
        Method::Stop => {
            let grace = Duration::from_secs(10);
            service.stop_container(job, grace).await?.to_string()
        }
        Method::Remove => {
            let removed = service.remove_container(job, Force::Never).await?;
            removed.to_string()
        }
        Method::Logs => {
            let frames = scene.frames(job, LogWish::default()).await?;
            text(&frames).trim_end().to_owned()
        }
        Method::Stats => match service.get_container_stats(job).await? {
            Some(stats) if stats.raw["memory_stats"].is_object() => "statistics".to_owned(),
            Some(stats) => format!("{stats:?}"),
            None => "none".to_owned(),
        },
        Method::Wait => match service.wait_for_container(job, None).await? {
            Some(code) => code.to_string(),
            None => "none".to_owned(),
        },
        Method::Launch => service.launch_job(job).await?.to_string(),
        Method::Status => service.check_container_status(job).await?.to_string(),
        Method::Harvest => service.harvest_completed_job(job).await?.to_string(),
    })
}

async fn check(row: &(Method, Situation, &str, &str)) -> Result<(), String> {
    let (method, situation, answer, standing) = *row;
    let proxy = FaultProxy::start(&shared_engine()).unwrap();
    let (scene, job) = met(situation, &proxy).await;
    let got = match call(&scene, method, job).await {
        Ok(text) => text,
        Err(error) if error.is_connection() => "connection error".to_owned(),
        Err(_) => "execution error".to_owned(),
    };
    let stands = scene.standing(job).await;
    if (got.as_str(), stands.as_str()) == (answer, standing) {
        return Ok(());
    }
    Err(format!(
        "{method:?}, {situation:?}: answered `{got}` (wanted `{answer}`), job {stands} (wanted {standing})"
    ))
}

#[tokio::test]
async fn every_method_answers_in_every_situation_as_the_contract_says() {
    let mut wrong = Vec::new();
    for rows in ROWS.chunks(4) {
        let checks = futures::future::join_all(rows.iter().map(check)).await;
        wrong.extend(checks.into_iter().filter_map(Result::err));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_engine_s_states_are_told_in_the_words_of_the_legacy_system() {
    let scene = Scene::new().await;
    let created = scene.created(forever()).await;
    let paused = scene.started(forever()).await;
    scene.docker(paused, &["pause"]).await;
    let exited = scene.started(script("true")).await;
    scene.docker(exited, &["wait"]).await;
    let gone = scene.started(script("true")).await;
    scene.docker(gone, &["rm", "--force"]).await;
    let unbegun = scene.job(forever()).await;
    for (job, word) in [
        (created, "created"),
        (paused, "running"),
        (exited, "exited"),
        (gone, "not-found"),
        (unbegun, "no-container"),
    ] {
        let status = scene.service.check_container_status(job).await.unwrap();
        assert_eq!(status.word(), word);
    }
    scene.docker(paused, &["unpause"]).await;
    // A job that was harvested had a container, which is gone.
    assert!(scene.service.harvest_completed_job(exited).await.unwrap());
    let status = scene.service.check_container_status(exited).await.unwrap();
    assert_eq!(status.word(), "not-found");
}

#[tokio::test]
async fn a_log_is_told_with_its_time_stamps_and_its_tail_by_number() {
    let scene = Scene::new().await;
    let job = scene.started(script("echo one; echo '  two'")).await;
    scene.docker(job, &["wait"]).await;
    let wish = LogWish {
        follow: true,
        tail: "1".parse().unwrap(),
    };
    let frames = scene.frames(job, wish).await.unwrap();
    assert_eq!(text(&frames), "  two\n");
    let line = longshore_service::legacy_line(&frames[0]);
    assert_eq!(line.len(), "2026-11-25T10:00:00.000000000Z   two\n".len());
}
