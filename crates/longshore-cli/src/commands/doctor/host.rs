//! What is broken or unwise about one host.

use jiff::{SignedDuration, Timestamp};
use longshore_core::census::Census;
use longshore_core::health::Breaker;
use longshore_core::host::{HostFacts, HostKind, HostState};
use longshore_core::share::Resource;

use super::{Finding, broken, good, judge_by_size, unwise};
use crate::render::spans;
use crate::render::tables::HostRow;

/// Clocks that differ by more make time stamps and limits wrong.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

/// Everything about a host that was probed a moment ago.
pub(super) fn look(row: &HostRow, now: Timestamp) -> Vec<Finding> {
    let name = &row.host.name;
    let mut findings = judge_state(row, now);
    if let Some(said) = row.trouble() {
        let address = &row.host.endpoint.address;
        let text = format!("host {name} ({address}): {said}{}", silence(row, now));
        let fix = match row.host.kind {
            HostKind::Oci => "do what it says, or `longshore hosts rm` it and name an engine",
            HostKind::Docker | HostKind::Mock => "start the engine, or `longshore hosts rm` it",
        };
        findings.insert(0, broken(text, fix));
        return findings;
    }
    let Some(facts) = row.facts() else {
        return findings;
    };
    findings.insert(0, good(describe(name, facts)));
    findings.extend(judge_facts(name, row.host.kind, facts));
    findings.extend(
        row.census
            .as_ref()
            .and_then(|census| judge_foreign(name, census)),
    );
    if row.host.endpoint.address.starts_with("tcp://") && row.host.endpoint.tls.is_none() {
        let text =
            format!("host {name}: tcp without TLS: whoever reaches the port owns the machine");
        findings.push(unwise(text, "use TLS with client certificates, or ssh://"));
    }
    findings
}

/// Since when it is silent.
fn silence(row: &HostRow, now: Timestamp) -> String {
    let report = row.report.as_ref();
    let since = report.and_then(|report| Some((report.failing_since?, report.failed_probes)));
    match since {
        Some((since, failed)) if failed > 1 => format!(
            "; {failed} probes in a row failed, the first {}",
            spans::age(since, now)
        ),
        Some(_) | None => String::new(),
    }
}

fn describe(name: &str, facts: &HostFacts) -> String {
    format!(
        "host {name}: {} {}, API {}, {}, cgroup v{}, {} CPUs, {}, {} ms away",
        facts.engine,
        facts.version,
        facts.api_version,
        facts.platform,
        facts.cgroup_version,
        facts.cpus,
        spans::size(facts.memory_bytes),
        facts.latency.as_millis(),
    )
}

/// Why it gets nothing, or less than it could.
fn judge_state(row: &HostRow, now: Timestamp) -> Vec<Finding> {
    let name = &row.host.name;
    let mut findings = Vec::new();
    match &row.breaker {
        Breaker::Closed { .. } => {}
        Breaker::Open(trip) => {
            let (age, reason) = (spans::age(trip.since, now), &trip.reason);
            let text = format!(
                "host {name}: its breaker opened {age}: the last attempts failed by its fault: {reason}"
            );
            let fix = format!(
                "repair it; a canary goes there at {:.0}, or `longshore hosts uncordon {name}` now",
                trip.until
            );
            findings.push(broken(text, &fix));
        }
        Breaker::HalfOpen(trip) => {
            let text = format!(
                "host {name}: it failed before ({}) and gets one attempt at a time until one runs",
                trip.reason
            );
            let fix = format!("submit a job, or `longshore hosts uncordon {name}`");
            findings.push(unwise(text, &fix));
        }
    }
    if let HostState::Draining { until } = row.host.state {
        let stop = until
            .map(|until| format!(", and stops what runs at {until:.0}"))
            .unwrap_or_default();
        let text = format!("host {name}: draining: it gets nothing new{stop}");
        findings.push(unwise(
            text,
            &format!("`longshore hosts uncordon {name}` ends that"),
        ));
    }
    findings
}

/// What others run there, which jobs have to share it with.
fn judge_foreign(name: &str, census: &Census) -> Option<Finding> {
    let memory = Resource::Memory.amount(census.foreign.memory_bytes);
    let text = match census.foreign_running {
        0 => return None,
        1 => format!("host {name}: a container of others runs there, with {memory}"),
        many => format!("host {name}: {many} containers of others run there, with {memory}"),
    };
    if census.foreign_endless == 0 {
        return Some(good(text));
    }
    let text = format!(
        "{text}; {} of them may take all memory",
        census.foreign_endless
    );
    let fix = format!(
        "give them limits (`docker update --memory`), or keep room for them by \
         `longshore hosts set {name} --memory SIZE`"
    );
    Some(unwise(text, &fix))
}

fn judge_facts(name: &str, kind: HostKind, facts: &HostFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.clock_skew.abs() > SKEW {
        let text = format!("host {name}: its clock differs by {:#}", facts.clock_skew);
        findings.push(broken(
            text,
            "set both clocks by NTP (systemd-timesyncd or chrony)",
        ));
    }
    if let Some(free) = facts.free_disk_bytes {
        let size = spans::size(free);
        let text = format!("host {name}: {size} free for images and containers");
        let fix = "remove images that nobody needs (`longshore images list`), or grow the disk";
        findings.push(judge_by_size(free, text, fix));
    }
    if facts.cgroup_version == 1 {
        let text = format!("host {name}: control groups of version 1");
        findings.push(unwise(
            text,
            "boot with systemd.unified_cgroup_hierarchy=1 when you can",
        ));
    }
    let warnings = facts
        .warnings
        .iter()
        .map(|warning| format!("host {name}: {warning}"));
    let fix = match kind {
        HostKind::Oci => "do what it says where jobs need it; those that do not run all the same",
        HostKind::Docker | HostKind::Mock => "the engine says so itself; see its manual",
    };
    findings.extend(warnings.map(|text| unwise(text, fix)));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    fn facts(skew: SignedDuration, cgroup_version: u8) -> HostFacts {
        HostFacts {
            engine: "docker".into(),
            version: "28.0".into(),
            api_version: "1.48".into(),
            engine_id: "id".into(),
            platform: "linux/amd64".into(),
            cpus: 2,
            memory_bytes: 1 << 30,
            storage_driver: "overlay2".into(),
            cgroup_version,
            latency: std::time::Duration::from_millis(1),
            clock_skew: skew,
            engine_started_at: None,
            free_disk_bytes: None,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_two_seconds_is_broken() {
        let judge = |millis| {
            judge_facts(
                "a",
                HostKind::Docker,
                &facts(SignedDuration::from_millis(millis), 2),
            )
            .len()
        };
        assert_eq!([judge(1_900), judge(-2_100), judge(2_100)], [0, 1, 1]);
        let finding = &judge_facts(
            "a",
            HostKind::Docker,
            &facts(SignedDuration::from_secs(-9), 2),
        )[0];
        assert_eq!(finding.health, Health::Broken);
        assert!(finding.fix.is_some());
    }

    #[test]
    fn containers_of_others_are_told_and_those_without_a_limit_are_unwise() {
        let judge = |foreign_running, foreign_endless| {
            let census = Census {
                foreign_running,
                foreign_endless,
                ..Census::default()
            };
            judge_foreign("a", &census).map(|finding| finding.health)
        };
        let (good, unwise) = (Some(Health::Good), Some(Health::Unwise));
        assert_eq!(
            [judge(0, 0), judge(2, 0), judge(2, 1)],
            [None, good, unwise]
        );
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_found_where_it_can_be_told() {
        let judge = |free_disk_bytes| {
            let facts = HostFacts {
                free_disk_bytes,
                ..facts(SignedDuration::ZERO, 2)
            };
            judge_facts("a", HostKind::Docker, &facts)
                .pop()
                .map(|finding| finding.health)
        };
        let healths = [None, Some(1 << 40), Some(1 << 30), Some(1)].map(judge);
        let (good, unwise, broken) = (Health::Good, Health::Unwise, Health::Broken);
        assert_eq!(healths, [None, Some(good), Some(unwise), Some(broken)]);
    }
}
