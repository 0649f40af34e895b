//! Rules for what a container is connected to: networks, mounts.

use std::collections::BTreeSet;
use std::path::Path;

use super::Findings;
use crate::spec::mount::normal_path;
use crate::spec::policy::Policy;
use crate::spec::{JobSpec, MountKind, MountSpec, NetworkAttachment};

pub(super) fn check(spec: &JobSpec, policy: &Policy, findings: &mut Findings) {
    check_networks(spec, findings);
    check_host_network(spec, policy, findings);
    check_binds(spec, policy, findings);
    check_targets(spec, findings);
}

fn check_networks(spec: &JobSpec, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for network in &spec.networks {
        let name = network.name();
        if !seen.insert(name) {
            let problem = format!("{name} is named twice");
            findings.refuse("networks", problem, "keep one of the two");
        }
        let stands_alone = network.is_host() || network.is_none();
        if stands_alone && spec.networks.len() > 1 {
            let problem = format!("{name} cannot be combined with other networks");
            findings.refuse("networks", problem, format!("keep {name}, or leave it out"));
        }
        let knows_no_aliases = stands_alone || network.is_default_bridge();
        if knows_no_aliases && !network.aliases().is_empty() {
            let problem = format!("{name} knows no aliases");
            findings.refuse(
                "networks",
                problem,
                "leave them out, or name a network of your own",
            );
        }
    }
}

fn check_host_network(spec: &JobSpec, policy: &Policy, findings: &mut Findings) {
    if policy.allow_host_network || !spec.networks.iter().any(NetworkAttachment::is_host) {
        return;
    }
    let problem = "the host's network is not allowed in this pool";
    findings.refuse(
        "networks",
        problem,
        "use another network, or set allow_host_network in its policy",
    );
}

fn check_binds(spec: &JobSpec, policy: &Policy, findings: &mut Findings) {
    let binds = spec
        .volumes
        .iter()
        .filter(|mount| mount.kind() == MountKind::Bind);
    for source in binds.filter_map(MountSpec::source) {
        if policy
            .allow_bind
            .iter()
            .any(|folder| is_below(source, folder))
        {
            continue;
        }
        let problem = format!("{source} of the host is not allowed in this pool");
        findings.refuse("volumes", problem, remedy_for_bind(policy));
    }
}

fn remedy_for_bind(policy: &Policy) -> String {
    if policy.allow_bind.is_empty() {
        return "use a named volume, or add its folder to allow_bind in the policy".to_owned();
    }
    let folders: Vec<String> = policy
        .allow_bind
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    format!("use a path below {}, or a named volume", folders.join(", "))
}

/// `source` is in normal form already; a folder that is not absolute allows nothing.
fn is_below(source: &str, folder: &Path) -> bool {
    let folder = folder.to_str().and_then(normal_path);
    folder.is_some_and(|folder| Path::new(source).starts_with(folder))
}

fn check_targets(spec: &JobSpec, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    let volumes = spec.volumes.iter().map(|mount| ("volumes", mount.target()));
    let tmpfs = spec.tmpfs.iter().map(|mount| ("tmpfs", mount.target()));
    for (field, target) in volumes
        .chain(tmpfs)
        .filter(|(_, target)| !seen.insert(*target))
    {
        let problem = format!("two mounts share the target {target}");
        findings.refuse(field, problem, "give each its own path");
    }
}
