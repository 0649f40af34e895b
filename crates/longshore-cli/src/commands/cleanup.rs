//! `cleanup`: what is left on the hosts of jobs that ended. Foreign things are shown, never touched.

use futures::future::join_all;

use crate::args::CleanupArgs;
use crate::backstage::{Cleanup, Fate, Leftover};
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::tables;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: CleanupArgs) -> Result<u8, Failure> {
    let cleanup = if args.apply {
        Cleanup::Apply
    } else {
        Cleanup::Plan
    };
    let store = session.store().await?;
    let hosts = store.hosts().await?;
    let answers = join_all(
        hosts
            .iter()
            .map(|host| session.backstage.cleanup(store, host, cleanup)),
    )
    .await;
    let mut found: Vec<(&str, Leftover)> = Vec::new();
    let mut code = SUCCESS;
    for (host, answer) in hosts.iter().zip(answers) {
        match answer {
            Ok(leftovers) => found.extend(leftovers.into_iter().map(|it| (host.name.as_str(), it))),
            Err(trouble) => {
                Failure::from(trouble)
                    .lines()
                    .for_each(|line| session.console.complain(&line));
                code = FAILURE;
            }
        }
    }
    if found
        .iter()
        .any(|(_, leftover)| leftover.fate == Fate::Failed)
    {
        code = FAILURE;
    }
    show(session, &found, cleanup)?;
    Ok(code)
}

/// Shows what was found, and what became of it.
pub(super) fn show(
    session: &Session,
    found: &[(&str, Leftover)],
    cleanup: Cleanup,
) -> Result<(), Failure> {
    print(session, found)?;
    if session.global.json {
        return Ok(());
    }
    let planned = found
        .iter()
        .filter(|(_, leftover)| leftover.fate == Fate::Planned)
        .count();
    match cleanup {
        Cleanup::Plan if planned > 0 => {
            session.console.say(&format!(
                "{planned} to remove: the same with --apply does it"
            ));
        }
        Cleanup::Plan => session.console.say("nothing to remove"),
        Cleanup::Apply => {}
    }
    Ok(())
}

/// Prints what was found on the hosts.
pub(super) fn print(session: &Session, found: &[(&str, Leftover)]) -> Result<(), Failure> {
    if session.global.json {
        let view = |(host, leftover): &(&str, Leftover)| {
            serde_json::json!({
                "schema": SCHEMA,
                "host": host,
                "what": leftover.what,
                "fate": leftover.fate.word().replace(' ', "_"),
                "why": leftover.why,
            })
        };
        session
            .console
            .print(&views::pretty(&found.iter().map(view).collect::<Vec<_>>()))?;
        return Ok(());
    }
    let rows: Vec<[String; 4]> = found
        .iter()
        .map(|(host, leftover)| {
            let fate = leftover.fate.word().to_owned();
            [
                (*host).to_owned(),
                fate,
                leftover.what.clone(),
                leftover.why.clone(),
            ]
        })
        .collect();
    session.console.print(&tables::plain(
        ["HOST", "FATE", "WHAT", "WHY"],
        &rows,
        session.look(),
    ))?;
    Ok(())
}
