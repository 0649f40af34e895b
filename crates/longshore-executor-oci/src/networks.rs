//! Which of the networks that the runtime knows a job means.

use std::sync::OnceLock;

use longshore_core::spec::{JobSpec, NetworkAttachment};
use longshore_runtime::Network;

/// What a private network needs is there, or what to install for it.
pub(crate) type PrivateMeans = Result<(), String>;

/// The means of this machine as they were last seen. Programs that are there stay there; those that
/// are not may be installed at any time, and are looked for again.
#[derive(Default)]
pub(crate) struct SeenMeans(OnceLock<()>);

impl SeenMeans {
    /// Whether they are there.
    pub(crate) fn look(&self) -> PrivateMeans {
        if self.0.get().is_none() {
            private_means()?;
        }
        self.0.get_or_init(|| ());
        Ok(())
    }
}

/// Whether this machine can give containers a network of their own with a way out.
///
/// # Errors
/// It cannot: what to install for it.
pub fn private_means() -> Result<(), String> {
    longshore_runtime::private_means()
        .map(drop)
        .map_err(|missing| missing.to_string())
}

/// The network of a job.
///
/// One that names none gets a private network where the machine has the means, and loopback alone
/// where it has not; one that asks for it by name is refused there.
pub(crate) fn network_of(spec: &JobSpec, means: &PrivateMeans) -> Network {
    match spec.networks.first() {
        Some(named) if named.is_host() => Network::Host,
        Some(named) if named.is_none() => Network::None,
        Some(_) => Network::Private,
        None if means.is_ok() => Network::Private,
        None => Network::None,
    }
}

/// Why a network that was named cannot be had.
pub(crate) fn refuse(named: &NetworkAttachment, means: &PrivateMeans) -> Option<String> {
    let name = named.name();
    if named.is_host() || named.is_none() {
        return None;
    }
    if !named.is_default_bridge() {
        return Some(format!(
            "there is no network `{name}` without an engine: use `bridge`, `host` or `none`, or a \
             Docker host"
        ));
    }
    if !named.aliases().is_empty() {
        return Some(format!(
            "the network `{name}` has no names: leave its aliases out, or use a Docker host"
        ));
    }
    let missing = means.as_ref().err()?;
    Some(format!(
        "this machine cannot give a container a network of its own: {missing}; or use `--network \
         host` or `none`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(networks: &[&str]) -> JobSpec {
        let mut spec = JobSpec::new("i".parse().unwrap());
        spec.networks = networks.iter().map(|name| name.parse().unwrap()).collect();
        spec
    }

    fn refusal(network: &str, means: &PrivateMeans) -> Option<String> {
        refuse(&network.parse().unwrap(), means)
    }

    #[test]
    fn a_job_that_names_no_network_gets_what_the_machine_has() {
        let lacks = Err("install nftables".to_owned());
        assert_eq!(network_of(&spec(&[]), &Ok(())), Network::Private);
        assert_eq!(network_of(&spec(&[]), &lacks), Network::None);
        assert_eq!(network_of(&spec(&["none"]), &Ok(())), Network::None);
        assert_eq!(network_of(&spec(&["host"]), &lacks), Network::Host);
        assert_eq!(network_of(&spec(&["bridge"]), &lacks), Network::Private);
    }

    #[test]
    fn a_network_that_cannot_be_had_is_refused_with_what_to_do() {
        let lacks = Err("install nftables".to_owned());
        assert_eq!(refusal("host", &lacks), None);
        assert_eq!(refusal("none", &lacks), None);
        assert_eq!(refusal("bridge", &Ok(())), None);
        assert!(
            refusal("bridge", &lacks)
                .unwrap()
                .contains("install nftables")
        );
        assert!(refusal("bridge:db", &Ok(())).unwrap().contains("aliases"));
        assert!(refusal("backend", &Ok(())).unwrap().contains("Docker host"));
    }
}
