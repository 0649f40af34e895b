//! `doctor`: looks for what is broken or unwise, and says how to repair it.

use std::path::Path;

use longshore_core::policy::Policy;
use longshore_core::spec::PidsLimit;
use longshore_core::with_causes;
use longshore_store::{Location, LogPlace};

use crate::commands::hosts;
use crate::commands::placement::Places;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::spans;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

mod host;

/// Less free space than this is a matter of hours.
const SPACE_LOW: u64 = 2 << 30;
/// Less free space than this loses logs.
const SPACE_OUT: u64 = 100 << 20;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Unwise,
    Broken,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Unwise => "warning",
            Self::Broken => "broken",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    health: Health,
    text: String,
    fix: Option<String>,
}

fn good(text: String) -> Finding {
    Finding {
        health: Health::Good,
        text,
        fix: None,
    }
}

fn unwise(text: String, fix: &str) -> Finding {
    Finding {
        health: Health::Unwise,
        text,
        fix: Some(fix.to_owned()),
    }
}

fn broken(text: String, fix: &str) -> Finding {
    Finding {
        health: Health::Broken,
        text,
        fix: Some(fix.to_owned()),
    }
}

pub(super) async fn run(session: &Session, names: &[String]) -> Result<u8, Failure> {
    let findings = if names.is_empty() {
        look_at_pool(session).await?
    } else {
        look_at_hosts(session, names).await?
    };
    show(session, &findings)?;
    let is_broken = findings
        .iter()
        .any(|finding| finding.health == Health::Broken);
    Ok(if is_broken { FAILURE } else { SUCCESS })
}

async fn look_at_pool(session: &Session) -> Result<Vec<Finding>, Failure> {
    let location = session.location()?;
    let mut findings = match session.store().await {
        Ok(_) => look_at_store(&location),
        Err(failure) => vec![unusable(&location, &failure)],
    };
    if let Ok(store) = session.store().await {
        findings.extend(look_at_policy(&store.policy().await?));
        findings.extend(look_at_hosts(session, &[]).await?);
    }
    Ok(findings)
}

fn look_at_store(location: &Location) -> Vec<Finding> {
    match location {
        Location::Folder { folder, logs } => {
            let logs = logs.iter().flat_map(look_at_logs);
            look_at_folder(folder).into_iter().chain(logs).collect()
        }
        Location::Server(served) => {
            let mut findings = vec![good(format!("store {} answers", served.database))];
            findings.extend(look_at_logs(&served.logs));
            findings
        }
    }
}

/// A bucket that does not answer is told when the store is opened.
fn look_at_logs(place: &LogPlace) -> Vec<Finding> {
    match place {
        LogPlace::Folder(folder) => look_at_folder(folder),
        LogPlace::Bucket(bucket) => vec![good(format!("logs are kept in {bucket}"))],
    }
}

fn unusable(location: &Location, failure: &Failure) -> Finding {
    let (place, fix) = match location {
        Location::Folder { folder, .. } => (
            folder.display().to_string(),
            "make the folder writable, or name another one by --store",
        ),
        Location::Server(served) => (
            served.database.to_string(),
            "see that the server runs and lets you in, and that the logs are those of the pool",
        ),
    };
    broken(format!("store {place}: {failure}"), fix)
}

fn look_at_folder(folder: &Path) -> Vec<Finding> {
    let place = folder.display();
    let trial = folder.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::write(&trial, b"trial").and_then(|()| std::fs::remove_file(&trial));
    let mut findings = vec![match written {
        Ok(()) => good(format!("store {place} can be written")),
        Err(error) => broken(
            format!("store {place}: {}", with_causes(&error)),
            "make the folder writable",
        ),
    }];
    match rustix::fs::statvfs(folder) {
        Ok(space) => findings.push(judge_space(space.f_bavail.saturating_mul(space.f_frsize))),
        Err(error) => findings.push(unwise(
            format!("free space of {place}: {error}"),
            "look yourself",
        )),
    }
    findings
}

fn judge_space(free_bytes: u64) -> Finding {
    let text = format!(
        "{} free for the store and its logs",
        spans::size(free_bytes)
    );
    let fix = "free some space, or move the store by --store";
    judge_by_size(free_bytes, text, fix)
}

fn judge_by_size(free_bytes: u64, text: String, fix: &str) -> Finding {
    match free_bytes {
        0..SPACE_OUT => broken(text, fix),
        SPACE_OUT..SPACE_LOW => unwise(text, fix),
        SPACE_LOW.. => good(text),
    }
}

fn look_at_policy(policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    if policy.allow_privileged {
        let text = "the policy lets jobs take all rights of the hosts".to_owned();
        findings.push(unwise(
            text,
            "`longshore policy set allow_privileged false`, unless you mean it",
        ));
    }
    if policy.allow_bind.iter().any(|path| path == Path::new("/")) {
        let text = "the policy lets jobs mount the whole file system of the hosts".to_owned();
        findings.push(unwise(
            text,
            "`longshore policy deny-bind /`, and allow single folders",
        ));
    }
    if policy.default_pids == PidsLimit::Unlimited {
        let text = "jobs may start any number of processes".to_owned();
        findings.push(unwise(text, "`longshore policy set default_pids 1024`"));
    }
    findings
}

async fn look_at_hosts(session: &Session, names: &[String]) -> Result<Vec<Finding>, Failure> {
    let registered = hosts::select(session, names).await?;
    if registered.is_empty() {
        return Ok(vec![look_at_environment(session).await?]);
    }
    let rows = hosts::probe_all(session, registered).await?;
    let now = session.now();
    Ok(rows.iter().flat_map(|row| host::look(row, now)).collect())
}

/// No host yet: would the environment's own do?
async fn look_at_environment(session: &Session) -> Result<Finding, Failure> {
    let places = Places::look(session, session.store().await?).await?;
    if let Err(failure) = places.require_some() {
        return Ok(broken(
            failure.to_string(),
            "start a Docker Engine, or set DOCKER_HOST",
        ));
    }
    let Some(host) = places.environment_host() else {
        return Ok(good("hosts are registered".to_owned()));
    };
    let address = &host.endpoint.address;
    Ok(match session.backstage.probe(host).await {
        Ok(facts) => good(format!(
            "{address}: {} {}, not registered yet",
            facts.engine, facts.version
        )),
        Err(trouble) => {
            let fix = trouble
                .hint
                .as_deref()
                .unwrap_or("start the engine, or set DOCKER_HOST");
            let said = places.note().map(|note| format!("; {note}"));
            broken(format!("{trouble}{}", said.unwrap_or_default()), fix)
        }
    })
}

fn show(session: &Session, findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        let (word, text) = (finding.health.word(), &finding.text);
        if session.global.json {
            let view = serde_json::json!({
                "schema": SCHEMA, "health": word, "text": text, "fix": finding.fix,
            });
            session.console.print(&views::line(&view))?;
            continue;
        }
        session.console.print(&format!("{word:<8} {text}"))?;
        if let Some(fix) = &finding.fix {
            session.console.print(&format!("{:<8} fix: {fix}", ""))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_space_is_unwise_and_none_is_broken() {
        let healths = [10 << 20, 1 << 30, 10 << 30].map(|free| judge_space(free).health);
        assert_eq!(healths, [Health::Broken, Health::Unwise, Health::Good]);
    }

    #[test]
    fn a_policy_of_defaults_has_no_findings() {
        assert!(look_at_policy(&Policy::default()).is_empty());
    }
}
