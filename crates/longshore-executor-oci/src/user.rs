//! What the containers of an ordinary user cannot have; each text says what to do about it.

use std::fs;

use longshore_core::spec::{JobSpec, Ulimit, UserSpec};
use longshore_runtime::{Standing, cgroup_facts, standing};

/// How a user comes by a folder of control groups.
const GROUPS: &str = "have longshore started in a folder of control groups of version 2 that is the user's own \
    and has cpu, memory and pids, as `systemd-run --user --scope` does, or as root";
/// How a user comes by more numbers.
const NUMBERS: &str = "install the package uidmap and give the user lines in /etc/subuid and /etc/subgid, as \
    `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER` does";

/// What of `spec` this process, if it is an ordinary user's, cannot give.
pub(crate) fn refusals(spec: &JobSpec) -> Vec<String> {
    let standing = standing();
    if standing == Standing::Root {
        return Vec::new();
    }
    let mut all = Vec::new();
    if standing == Standing::Single {
        all.extend(spec.user.as_ref().and_then(another_user));
    }
    if spec.memory_swap.is_some() && !has_groups() {
        all.push(format!("swap cannot be bounded for this user: {GROUPS}"));
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    all.extend(
        spec.ulimits
            .iter()
            .filter_map(|limit| beyond(limit, &limits)),
    );
    all
}

/// What is different for all jobs of this process, if it is an ordinary user's.
pub(crate) fn warnings() -> Vec<String> {
    let standing = standing();
    if standing == Standing::Root {
        return Vec::new();
    }
    let mut all = Vec::new();
    if !has_groups() {
        all.push(format!(
            "limits of memory, CPUs and processes are not kept for this user: {GROUPS}"
        ));
    }
    if standing == Standing::Single {
        all.push(format!("images have one user here, root: {NUMBERS}"));
    }
    all
}

/// What people should know before a job runs, in few words; nothing where all is as usual.
pub fn short_of() -> Option<&'static str> {
    let is_short = standing() != Standing::Root && !has_groups();
    is_short.then_some("limits of memory, CPUs and processes are not kept (see `longshore doctor`)")
}

/// Was this user given control groups?
fn has_groups() -> bool {
    cgroup_facts().is_ok_and(|facts| facts.version > 0)
}

fn another_user(user: &UserSpec) -> Option<String> {
    let text = user.to_string();
    let mut parts = text.split(':');
    let is_root = parts.all(|part| ["0", "root", ""].contains(&part));
    (!is_root).then(|| format!("there is no user `{text}` here, only root: {NUMBERS}"))
}

/// A limit of processes above the highest that this process may set.
fn beyond(limit: &Ulimit, limits: &str) -> Option<String> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix(title(limit.name())?))?;
    // What is not bounded may be set to anything.
    let most: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    // What is below nothing is no limit.
    let wanted = u64::try_from(limit.hard()).unwrap_or(u64::MAX);
    (wanted > most).then(|| {
        format!(
            "the limit `{}` can be {most} at most for this user: ask for less, or raise it in \
             /etc/security/limits.conf",
            limit.name()
        )
    })
}

/// How the kernel calls a limit where it lists them.
fn title(name: &str) -> Option<&'static str> {
    Some(match name {
        "core" => "Max core file size",
        "cpu" => "Max cpu time",
        "data" => "Max data size",
        "fsize" => "Max file size",
        "locks" => "Max file locks",
        "memlock" => "Max locked memory",
        "msgqueue" => "Max msgqueue size",
        "nice" => "Max nice priority",
        "nofile" => "Max open files",
        "nproc" => "Max processes",
        "rss" => "Max resident set",
        "rtprio" => "Max realtime priority",
        "rttime" => "Max realtime timeout",
        "sigpending" => "Max pending signals",
        "stack" => "Max stack size",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &str = "\
        Limit                     Soft Limit           Hard Limit           Units     \n\
        Max file size             unlimited            unlimited            bytes     \n\
        Max open files            1024                 4096                 files     \n";

    #[test]
    fn a_limit_goes_as_high_as_the_callers_own() {
        let said = |text: &str| beyond(&text.parse().unwrap(), LIMITS);
        assert_eq!(said("nofile=1024:4096"), None);
        assert_eq!(said("fsize=-1"), None);
        for high in ["nofile=1024:4097", "nofile=-1"] {
            assert!(said(high).unwrap().contains("4096 at most"), "{high}");
        }
    }

    #[test]
    fn root_by_any_name_is_no_other_user() {
        let said = |text: &str| another_user(&text.parse().unwrap());
        for root in ["0", "root", "0:0", "root:root"] {
            assert_eq!(said(root), None, "{root}");
        }
        for other in ["5", "nobody", "0:5"] {
            assert!(said(other).unwrap().contains("uidmap"), "{other}");
        }
    }
}
