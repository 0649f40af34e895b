//! On which hosts a job may run, when the pool has none of its own yet.
//!
//! A pool whose operator added hosts uses those. Any other takes the host that the environment
//! names, registers it with a mark, and pins the job to it: another environment, another host.

use jiff::Timestamp;
use longshore_core::HostId;
use longshore_core::host::{Endpoint, Host, HostKind, HostState};
use longshore_core::limits::DEFAULT_SLOTS;
use longshore_core::spec::JobSpec;
use longshore_store::{Store, StoreError};
use uuid::Uuid;

use crate::backstage::Trouble;
use crate::draft::{Checked, nearest};
use crate::failure::Failure;
use crate::session::Session;

/// Label of hosts that were registered because the environment names them.
const MARK: (&str, &str) = ("registered-by", "environment");
/// Preference of a host that names none, 1 to 1000.
const DEFAULT_WEIGHT: u32 = 100;

/// The hosts that jobs may be given to.
pub(crate) struct Places {
    hosts: Vec<Host>,
    /// The environment's host, where it counts; new if it is not registered yet.
    default: Option<(Host, Registration)>,
    /// Why the environment names no host.
    trouble: Option<Trouble>,
    /// What people should know of the environment's host.
    note: Option<String>,
}

/// Whether the pool knows a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Registration {
    Known,
    New,
}

impl Places {
    /// Looks at the pool and at the environment.
    pub(crate) async fn look(session: &Session, store: &Store) -> Result<Self, Failure> {
        let hosts = store.hosts().await?;
        let is_marked = |host: &Host| {
            host.labels
                .get(MARK.0)
                .is_some_and(|value| value.as_str() == MARK.1)
        };
        let asks_for_context = session.global.context.is_some();
        if hosts.iter().any(|host| !is_marked(host)) && !asks_for_context {
            return Ok(Self {
                hosts,
                default: None,
                trouble: None,
                note: None,
            });
        }
        let named = match session
            .backstage
            .default_host(session.global.context.as_deref())
        {
            Ok(named) => named,
            Err(trouble) => {
                return Ok(Self {
                    hosts,
                    default: None,
                    trouble: Some(trouble),
                    note: None,
                });
            }
        };
        let known = hosts
            .iter()
            .find(|host| host.kind == named.kind && host.endpoint == named.endpoint);
        let default = if let Some(host) = known {
            (host.clone(), Registration::Known)
        } else {
            let name = free_name(&named.name, &hosts);
            let host = new_host(name, named.kind, named.endpoint, session.now());
            (marked(host), Registration::New)
        };
        Ok(Self {
            hosts,
            default: Some(default),
            trouble: None,
            note: named.note,
        })
    }

    /// What people should know of the choice of the environment's host.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Says where a job may run; what stands against it becomes a problem of the job.
    pub(crate) fn place(&mut self, session: &Session, checked: &mut Checked) {
        let wanted = checked.spec.host.clone();
        let candidates: Vec<&Host> = match (&wanted, &self.default) {
            (Some(name), _) => self.all().filter(|host| host.name == *name).collect(),
            (None, Some((host, _))) => vec![host],
            (None, None) => self.meant(&checked.spec),
        };
        match candidates[..] {
            [] => {
                let text = self.no_host(wanted.as_deref());
                checked.add("host", text);
            }
            [first, ..] => {
                let refusals = candidates
                    .iter()
                    .map(|host| session.backstage.unsupported(host, &checked.spec));
                if let Some(refusal) = refusals
                    .min_by_key(Vec::len)
                    .filter(|list| !list.is_empty())
                {
                    let name = first.name.clone();
                    for text in refusal {
                        checked.add("host", format!("host {name} cannot do this: {text}"));
                    }
                }
                if wanted.is_none() && self.default.is_some() {
                    checked.spec.host = Some(first.name.clone());
                }
            }
        }
    }

    /// Those with the labels that the job wants. It may wait for a host that is not there yet.
    fn meant(&self, spec: &JobSpec) -> Vec<&Host> {
        let has = |host: &Host, key: &str, value: &String| host.label(key) == Some(value.as_str());
        let is_meant = |host: &&Host| {
            spec.on
                .iter()
                .all(|(key, value)| has(host, key.as_str(), value))
        };
        let meant: Vec<&Host> = self.hosts.iter().filter(is_meant).collect();
        if meant.is_empty() {
            return self.hosts.iter().collect();
        }
        meant
    }

    fn all(&self) -> impl Iterator<Item = &Host> {
        let new = self
            .default
            .iter()
            .filter(|(_, known)| *known == Registration::New);
        self.hosts.iter().chain(new.map(|(host, _)| host))
    }

    fn no_host(&self, wanted: Option<&str>) -> String {
        let Some(wanted) = wanted else {
            let why = self
                .trouble
                .as_ref()
                .map(|trouble| format!(": {trouble}"))
                .unwrap_or_default();
            return format!("there is no host to run on{why}; add one by `longshore hosts add`");
        };
        match nearest(wanted, self.all().map(|host| host.name.as_str())) {
            Some(known) => format!("no host `{wanted}`: did you mean `{known}`?"),
            None => format!("no host `{wanted}`: `longshore hosts list` shows them"),
        }
    }

    /// Registers the environment's host, if it is new and counts; says what is to be known of it.
    pub(crate) async fn register(&self, session: &Session, store: &Store) -> Result<(), Failure> {
        if let Some(note) = &self.note {
            session.console.say(note);
        }
        let Some((host, Registration::New)) = &self.default else {
            return Ok(());
        };
        let now = session.now();
        let host = Host {
            created_at: now,
            updated_at: now,
            ..host.clone()
        };
        match store.add_host(&host).await {
            Ok(()) => Ok(()),
            // Another process of ours was quicker, with the same name for the same place.
            Err(StoreError::NameTaken { .. })
                if store.host_by_name(&host.name).await?.endpoint == host.endpoint =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whoever waits for these jobs shall not wait for an engine that is not there. Hosts that
    /// were added by hand may come back; their jobs wait for them.
    pub(crate) async fn require_answer(
        &self,
        session: &Session,
        specs: &[JobSpec],
    ) -> Result<(), Failure> {
        let Some((host, _)) = &self.default else {
            return Ok(());
        };
        let is_meant = |spec: &JobSpec| spec.host.as_ref() == Some(&host.name);
        if specs.iter().any(is_meant)
            && let Err(trouble) = session.backstage.probe(host).await
        {
            if let Some(note) = &self.note {
                session.console.say(note);
            }
            return Err(trouble.into());
        }
        Ok(())
    }

    /// The environment's host, where it counts.
    pub(crate) fn environment_host(&self) -> Option<&Host> {
        self.default.as_ref().map(|(host, _)| host)
    }

    /// For a worker: somewhere to run must exist.
    pub(crate) fn require_some(&self) -> Result<(), Failure> {
        if self.all().next().is_some() {
            return Ok(());
        }
        Err(Failure::refused(self.no_host(None)))
    }
}

/// A host as it is first registered.
pub(crate) fn new_host(name: String, kind: HostKind, endpoint: Endpoint, now: Timestamp) -> Host {
    Host {
        id: HostId::new(Uuid::now_v7()),
        name,
        kind,
        endpoint,
        state: HostState::Active,
        slots: DEFAULT_SLOTS,
        weight: DEFAULT_WEIGHT,
        cpus: None,
        memory: None,
        maintenance: Vec::new(),
        auto_pull: true,
        labels: std::collections::BTreeMap::new(),
        created_at: now,
        updated_at: now,
    }
}

fn marked(mut host: Host) -> Host {
    host.labels.insert(MARK.0.to_owned(), MARK.1.to_owned());
    host
}

/// The name itself, or with the first number that makes it new.
fn free_name(wanted: &str, hosts: &[Host]) -> String {
    let is_free = |name: &String| hosts.iter().all(|host| host.name != *name);
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.to_owned())
        .chain(numbered)
        .find(is_free)
        .unwrap_or_else(|| wanted.to_owned())
}
