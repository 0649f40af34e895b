//! What runs in a container, and as whom.

use std::path::PathBuf;

use oci_spec::runtime::{
    Capabilities, LinuxCapabilities, LinuxCapabilitiesBuilder, PosixRlimit, PosixRlimitBuilder,
    PosixRlimitType, Process, ProcessBuilder, UserBuilder,
};

use super::{SpecError, Target};
use crate::account::Account;
use crate::capabilities::CapabilitySet;
use crate::config::{ContainerConfig, ResourceLimit};

pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn of(
    config: &ContainerConfig,
    account: &Account,
    target: Target,
) -> Result<Process, SpecError> {
    let wanted = &config.process;
    let mut user = UserBuilder::default()
        .uid(account.uid)
        .gid(account.gid)
        .build()?;
    match target {
        // The last steps inside do it, with one call.
        Target::Library => {}
        Target::Binary => {
            user.set_additional_gids(Some(account.groups.clone()));
        }
    }
    let limits: Result<Vec<_>, _> = wanted.limits.iter().map(limit).collect();
    let mut process = ProcessBuilder::default()
        .terminal(false)
        .user(user)
        .args(wanted.argv.clone())
        .env(joined(environment(config, account)))
        .cwd(match target {
            Target::Library => PathBuf::from("/"),
            Target::Binary => wanted.workdir.clone(),
        })
        .rlimits(limits?)
        .no_new_privileges(wanted.no_new_privileges)
        .build()?;
    match target {
        Target::Library => process.set_capabilities(None),
        Target::Binary => process
            .set_capabilities(Some(capabilities(CapabilitySet::of(wanted)?)?))
            .set_oom_score_adj(Some(0)),
    };
    Ok(process)
}

/// The environment of a container's process: what every container has, unless the configuration
/// sets it, and what the configuration says, each name once.
pub(crate) fn environment(config: &ContainerConfig, account: &Account) -> Vec<(String, String)> {
    let mut all = Vec::new();
    set(&mut all, "PATH", PATH);
    set(&mut all, "HOSTNAME", &config.hostname);
    for (name, value) in &config.process.env {
        set(&mut all, name, value);
    }
    let is_home = |(name, value): &(String, String)| name == "HOME" && !value.is_empty();
    if !all.iter().any(is_home) {
        set(&mut all, "HOME", &account.home);
    }
    all
}

fn set(all: &mut Vec<(String, String)>, name: &str, value: &str) {
    match all.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => value.clone_into(old),
        None => all.push((name.to_owned(), value.to_owned())),
    }
}

fn joined(environment: Vec<(String, String)>) -> Vec<String> {
    let pairs = environment.into_iter();
    pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn capabilities(set: CapabilitySet) -> Result<LinuxCapabilities, SpecError> {
    let held = set.to_oci();
    Ok(LinuxCapabilitiesBuilder::default()
        .bounding(held.clone())
        .effective(held.clone())
        .permitted(held)
        .inheritable(Capabilities::new())
        .ambient(Capabilities::new())
        .build()?)
}

fn limit(limit: &ResourceLimit) -> Result<PosixRlimit, SpecError> {
    let kind = kind_of(&limit.name).ok_or_else(|| SpecError::UnknownLimit(limit.name.clone()))?;
    // What is below nothing is no limit.
    let bytes = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
    Ok(PosixRlimitBuilder::default()
        .typ(kind)
        .soft(bytes(limit.soft))
        .hard(bytes(limit.hard))
        .build()?)
}

fn kind_of(name: &str) -> Option<PosixRlimitType> {
    Some(match name {
        "core" => PosixRlimitType::RlimitCore,
        "cpu" => PosixRlimitType::RlimitCpu,
        "data" => PosixRlimitType::RlimitData,
        "fsize" => PosixRlimitType::RlimitFsize,
        "locks" => PosixRlimitType::RlimitLocks,
        "memlock" => PosixRlimitType::RlimitMemlock,
        "msgqueue" => PosixRlimitType::RlimitMsgqueue,
        "nice" => PosixRlimitType::RlimitNice,
        "nofile" => PosixRlimitType::RlimitNofile,
        "nproc" => PosixRlimitType::RlimitNproc,
        "rss" => PosixRlimitType::RlimitRss,
        "rtprio" => PosixRlimitType::RlimitRtprio,
        "rttime" => PosixRlimitType::RlimitRttime,
        "sigpending" => PosixRlimitType::RlimitSigpending,
        "stack" => PosixRlimitType::RlimitStack,
        _ => return None,
    })
}
