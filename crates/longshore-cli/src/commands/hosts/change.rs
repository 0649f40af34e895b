//! Changing what is said of hosts: their terms, and whether they get anything new.

use longshore_core::health::Showing;
use longshore_core::host::{Host, HostState};
use longshore_core::limits::DRAIN_DEADLINE;
use longshore_core::spec::TimeLimit;

use crate::args::{HostDrain, HostSet, HostTerms};
use crate::exit_code::SUCCESS;
use crate::failure::Failure;
use crate::session::Session;

/// Lays terms over a host's own.
pub(super) fn apply(host: &mut Host, terms: &HostTerms) -> Result<(), Failure> {
    host.slots = terms.slots.unwrap_or(host.slots);
    host.weight = terms.weight.unwrap_or(host.weight);
    host.cpus = terms.cpus.or(host.cpus);
    host.memory = terms.memory.or(host.memory);
    if terms.maintenance.is_empty() {
        return Ok(());
    }
    let windows = terms.maintenance.iter().cloned();
    let windows: Result<Vec<_>, _> = match &terms.time_zone {
        Some(zone) => windows.map(|window| window.in_zone(zone)).collect(),
        None => Ok(windows.collect()),
    };
    host.maintenance =
        windows.map_err(|invalid| Failure::usage(format!("--time-zone: {invalid}")))?;
    Ok(())
}

/// Sets labels (`KEY=VALUE`) and takes them away (`KEY-`).
pub(super) fn label(host: &mut Host, texts: &[String]) -> Result<(), Failure> {
    for text in texts {
        match (text.split_once('='), text.strip_suffix('-')) {
            (Some((key, value)), _) if !key.is_empty() => {
                host.labels.insert(key.to_owned(), value.to_owned());
            }
            (None, Some(key)) if !key.is_empty() => {
                host.labels.remove(key);
            }
            _ => {
                return Err(Failure::usage(format!(
                    "--label: `{text}` is none: use KEY=VALUE"
                )));
            }
        }
    }
    Ok(())
}

pub(super) async fn set(session: &Session, args: HostSet) -> Result<u8, Failure> {
    let store = session.store().await?;
    let mut host = store.host_by_name(&args.name).await?;
    label(&mut host, &args.label)?;
    host.auto_pull = args.auto_pull.unwrap_or(host.auto_pull);
    if args.whole {
        (host.cpus, host.memory) = (None, None);
    }
    if args.no_maintenance {
        host.maintenance.clear();
    }
    apply(&mut host, &args.terms)?;
    save(session, host).await?;
    session.console.print(&args.name)?;
    Ok(SUCCESS)
}

pub(super) async fn cordon(session: &Session, names: &[String]) -> Result<u8, Failure> {
    change_all(session, names, HostState::CORDONED).await?;
    Ok(SUCCESS)
}

pub(super) async fn uncordon(session: &Session, names: &[String]) -> Result<u8, Failure> {
    let store = session.store().await?;
    for host in change_all(session, names, HostState::Active).await? {
        store
            .host_showed(host.id, Showing::Vouched, session.now())
            .await?;
    }
    Ok(SUCCESS)
}

pub(super) async fn drain(session: &Session, args: HostDrain) -> Result<u8, Failure> {
    let deadline = args.deadline.map_or(DRAIN_DEADLINE, TimeLimit::duration);
    let until = session.now() + deadline;
    let state = HostState::Draining { until: Some(until) };
    for host in change_all(session, std::slice::from_ref(&args.name), state).await? {
        session.console.say(&format!(
            "what still runs on {} at {until:.0} is stopped and tried again elsewhere",
            host.name
        ));
        if args.wait {
            wait_until_empty(session, &host).await?;
        }
    }
    Ok(SUCCESS)
}

/// Sets the state of hosts that are all there, and prints their names.
async fn change_all(
    session: &Session,
    names: &[String],
    state: HostState,
) -> Result<Vec<Host>, Failure> {
    let hosts = super::select(session, names).await?;
    for host in &hosts {
        let host = Host {
            state,
            ..host.clone()
        };
        session.console.print(&host.name)?;
        save(session, host).await?;
    }
    Ok(hosts)
}

async fn save(session: &Session, host: Host) -> Result<(), Failure> {
    let host = Host {
        updated_at: session.now(),
        ..host
    };
    Ok(session.store().await?.update_host(&host).await?)
}

async fn wait_until_empty(session: &Session, host: &Host) -> Result<(), Failure> {
    let store = session.store().await?;
    let mut changes = store.changes();
    while store.loads().await?.contains_key(&host.id) {
        changes.changed().await;
    }
    session
        .console
        .say(&format!("nothing runs on {}", host.name));
    Ok(())
}
