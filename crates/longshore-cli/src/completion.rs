//! What shells are offered: the ids, hosts, schedules and templates of the store as it is now.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use longshore_core::job::Job;
use longshore_store::{JobFilter, Location, Store};

use crate::render::tables;
use crate::surroundings::Surroundings;
use crate::whereabouts::locate;

/// A shell waits for the answer: no longer than this.
const PATIENCE: Duration = Duration::from_millis(500);
/// So many jobs are offered, newest first.
const OFFERED_JOBS: u32 = 50;

/// Ids and names of jobs.
pub(crate) fn jobs() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let newest = JobFilter {
            limit: OFFERED_JOBS,
            ..JobFilter::default()
        };
        let jobs = ask(async |store| store.jobs(&newest).await.unwrap_or_default());
        matching(
            typed,
            jobs.iter().map(|job| (job.id.short(), describe(job))),
        )
    })
}

fn describe(job: &Job) -> String {
    let name = job
        .spec
        .name
        .as_ref()
        .map(|name| format!("{name}, "))
        .unwrap_or_default();
    format!("{name}{}, {}", job.spec.image, tables::status(job))
}

/// Names of hosts.
pub(crate) fn hosts() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let hosts = ask(async |store| store.hosts().await.unwrap_or_default());
        matching(
            typed,
            hosts
                .into_iter()
                .map(|host| (host.name, host.endpoint.address)),
        )
    })
}

/// Names of schedules.
pub(crate) fn schedules() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let schedules = ask(async |store| store.schedules().await.unwrap_or_default());
        let named = schedules
            .into_iter()
            .map(|it| (it.name.to_string(), it.timetable.to_string()));
        matching(typed, named)
    })
}

/// Names of environment templates.
pub(crate) fn templates() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let templates = ask(async |store| store.templates().await.unwrap_or_default());
        let named = templates
            .into_iter()
            .map(|it| (it.name, it.description.unwrap_or_default()));
        matching(typed, named)
    })
}

/// Asks the store that the line being typed names; nothing is also an answer.
fn ask<T>(question: impl AsyncFnOnce(Store) -> Vec<T>) -> Vec<T> {
    let around = Surroundings::of_process();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return Vec::new();
    };
    // Only what the environment says: the line is not parsed yet.
    let [store, logs] =
        ["LONGSHORE_STORE", "LONGSHORE_LOGS"].map(|name| around.variable(name).map(Path::new));
    let Ok(location) = locate(&around, store, logs) else {
        return Vec::new();
    };
    if matches!(&location, Location::Folder { folder, .. } if !folder.is_dir()) {
        return Vec::new();
    }
    let answer = async {
        match Store::open_at(&location).await {
            Ok(store) => question(store).await,
            Err(_) => Vec::new(),
        }
    };
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, answer)
            .await
            .unwrap_or_default()
    })
}

fn matching(
    typed: &OsStr,
    known: impl Iterator<Item = (String, String)>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    known
        .filter(|(word, _)| word.starts_with(typed.as_ref()))
        .map(|(word, help)| CompletionCandidate::new(word).help(Some(help.into())))
        .collect()
}
