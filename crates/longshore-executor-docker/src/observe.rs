//! How a container stands, read from what `inspect` says, tolerant of engines and ages.

use std::collections::HashMap;

use jiff::Timestamp;
use longshore_core::AttemptId;
use longshore_core::attempt::{Exit, ExitCause, Observed, Refusal};
use longshore_core::launch::LABEL_ATTEMPT;
use longshore_core::share::Share;
use longshore_core::spec::Cpus;
use longshore_executor::ExecutorError;
use serde::Deserialize;

use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::faults;

/// What is read of a container.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Container {
    /// Its full id.
    pub(crate) id: String,
    /// How it stands.
    pub(crate) state: State,
    config: Config,
    #[serde(default)]
    host_config: HostConfig,
}

/// The limits, 0 for none. CPUs are set in one of two ways.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    memory: i64,
    nano_cpus: i64,
    cpu_quota: i64,
    cpu_period: i64,
}

/// The exit code of what was killed at once, by the kernel, too.
const KILLED: i64 = 137;

/// The kernel's own period, where none is set.
const CPU_PERIOD_MICROS: u64 = 100_000;

impl HostConfig {
    fn share(&self) -> Share {
        let at_least_0 = |number: i64| u64::try_from(number).unwrap_or(0);
        let (nanos, quota) = (at_least_0(self.nano_cpus), at_least_0(self.cpu_quota));
        let period = match at_least_0(self.cpu_period) {
            0 => CPU_PERIOD_MICROS,
            set => set,
        };
        let by_quota = quota.saturating_mul(Cpus::ONE.nanos()) / period;
        Share {
            cpu_nanos: nanos.max(by_quota),
            memory_bytes: at_least_0(self.memory),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    labels: Option<HashMap<String, String>>,
}

/// The engine's record of a container's life. The status is text: engines invent new ones.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct State {
    status: String,
    running: bool,
    exit_code: i64,
    error: String,
    started_at: String,
    finished_at: String,
    #[serde(rename = "OOMKilled")]
    oom_killed: bool,
}

/// Looks a container up by id or name; `None` when there is none.
pub(crate) async fn inspect(
    client: &Client,
    name: &str,
) -> Result<Option<Container>, ExecutorError> {
    Ok(look(client, name).await?)
}

/// How much CPU and memory a container may use; `None` when there is none.
pub(crate) async fn limits(client: &Client, name: &str) -> Result<Option<Share>, ExecutorError> {
    let found = look(client, name).await?;
    Ok(found.map(|found| found.host_config.share()))
}

/// As [`inspect`], where people gave the name: it may be the beginning of several ids.
pub(crate) async fn look_up(
    client: &Client,
    name: &str,
) -> Result<Option<Container>, ExecutorError> {
    let looked = look(client, name).await;
    looked.map_err(|failure| failure.as_fault(faults::of_look(&failure)))
}

/// As [`inspect`], with the failure as it was.
pub(crate) async fn look(client: &Client, name: &str) -> Result<Option<Container>, Failure> {
    let path = format!("/containers/{name}/json");
    let call = Call::get(
        path,
        client.deadlines().control,
        format!("look at container {name}"),
    );
    match client.json(call).await {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Container {
    /// The value of one of its labels.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.config.labels.as_ref()?.get(key).map(String::as_str)
    }

    /// Whether it was killed, and its record does not say that it was for lack of memory.
    pub(crate) fn may_have_lacked_memory(&self) -> bool {
        self.state.exit_code == KILLED && !self.state.oom_killed && self.host_config.memory > 0
    }

    /// Whether its label names this attempt.
    pub(crate) fn is_of_attempt(&self, attempt: AttemptId) -> bool {
        self.label(LABEL_ATTEMPT) == Some(&attempt.to_string())
    }
}

impl State {
    /// In the words of the port.
    pub(crate) fn observed(&self) -> Observed {
        let has_run = self.started_at().is_some();
        match self.status.as_str() {
            "removing" => Observed::Removing,
            // Between its end and its removal, or a removal that failed.
            "dead" if !has_run => Observed::Removing,
            "running" | "paused" | "restarting" | "stopping" => self.running(),
            _ if self.running => self.running(),
            // An exit code without a start means nothing. Podman says `stopped` for a moment.
            _ if has_run => self.exited(),
            _ => Observed::Created {
                refused: self.refusal(),
            },
        }
    }

    /// The exit code that the engine noted for a start that failed: 125 unless it is 126 or 127.
    pub(crate) fn refusal_code(&self) -> u8 {
        match self.exit_code {
            126 => 126,
            127 => 127,
            _ => 125,
        }
    }

    /// Whether a start of it was given up because its caller had gone.
    pub(crate) fn start_was_abandoned(&self) -> bool {
        faults::is_abandoned_start(&self.error)
    }

    /// When it began to run, if it ever did.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        time(&self.started_at)
    }

    /// When it ended. An engine that runs it again by itself keeps the last end meanwhile.
    pub(crate) fn finished_at(&self) -> Option<Timestamp> {
        match self.observed() {
            Observed::Exited(exit) => exit.finished_at,
            Observed::Absent
            | Observed::Created { .. }
            | Observed::Running { .. }
            | Observed::Removing => None,
        }
    }

    fn running(&self) -> Observed {
        Observed::Running {
            started_at: self.started_at(),
        }
    }

    fn exited(&self) -> Observed {
        Observed::Exited(Exit {
            code: i32::try_from(self.exit_code).unwrap_or(i32::MAX),
            oom_killed: self.oom_killed,
            started_at: self.started_at(),
            finished_at: time(&self.finished_at),
            message: Some(self.error.clone()).filter(|message| !message.is_empty()),
            cause: ExitCause::Itself,
        })
    }

    fn refusal(&self) -> Option<Refusal> {
        let was_refused =
            !self.error.is_empty() && self.exit_code != 0 && !self.start_was_abandoned();
        was_refused.then(|| Refusal {
            fault: faults::of_refused_start(&self.error, self.refusal_code()),
            message: self.error.clone(),
        })
    }
}

/// A time, unless it is the engine's way of saying none.
fn time(text: &str) -> Option<Timestamp> {
    if text.starts_with("0001-") {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use longshore_core::fault::Fault;

    use super::*;

    const ZERO: &str = "0001-01-01T00:00:00Z";
    const START: &str = "2026-11-22T10:00:00.5Z";
    const END: &str = "2026-11-22T10:00:01.5Z";

    fn state(status: &str, exit_code: i64, error: &str, times: (&str, &str)) -> State {
        State {
            status: status.into(),
            running: status == "running",
            exit_code,
            error: error.into(),
            started_at: times.0.into(),
            finished_at: times.1.into(),
            oom_killed: false,
        }
    }

    fn exit(code: i32) -> Observed {
        let (started_at, finished_at) = (START.parse().ok(), END.parse().ok());
        Observed::Exited(Exit {
            code,
            oom_killed: false,
            started_at,
            finished_at,
            message: None,
            cause: ExitCause::Itself,
        })
    }

    #[test]
    fn a_container_that_never_started_is_created_whatever_its_exit_code_says() {
        let created = Observed::Created { refused: None };
        assert_eq!(state("created", 0, "", (ZERO, ZERO)).observed(), created);
        assert_eq!(state("exited", 0, "", (ZERO, ZERO)).observed(), created);
        assert_eq!(
            state("created", 128, "context canceled", (ZERO, ZERO)).observed(),
            created
        );
    }

    #[test]
    fn a_refused_start_keeps_126_and_127_and_is_125_otherwise() {
        for (engine_code, code) in [(126, 126), (127, 127), (128, 125)] {
            let refused = Some(Refusal {
                fault: Fault::StartRefused(code),
                message: "no".into(),
            });
            let observed = state("created", engine_code, "no", (ZERO, ZERO)).observed();
            assert_eq!(observed, Observed::Created { refused });
        }
    }

    #[test]
    fn a_start_that_failed_for_the_engines_own_trouble_is_not_the_jobs_fault() {
        let refused = Some(Refusal {
            fault: Fault::Internal,
            message: "task 4f: already exists".into(),
        });
        let observed = state("created", 128, "task 4f: already exists", (ZERO, ZERO)).observed();
        assert_eq!(observed, Observed::Created { refused });
    }

    #[test]
    fn an_end_is_an_end_under_every_name_that_engines_have_for_it() {
        assert_eq!(state("exited", 7, "", (START, END)).observed(), exit(7));
        assert_eq!(state("stopped", 7, "", (START, END)).observed(), exit(7));
        assert_eq!(state("dead", 7, "", (START, END)).observed(), exit(7));
        assert_eq!(
            state("dead", 0, "", (ZERO, ZERO)).observed(),
            Observed::Removing
        );
        assert_eq!(
            state("removing", 7, "", (START, END)).observed(),
            Observed::Removing
        );
    }

    #[test]
    fn a_limit_of_cpus_is_read_in_both_ways_of_setting_it() {
        let share = |config: &str| serde_json::from_str::<HostConfig>(config).unwrap().share();
        let half = Share {
            cpu_nanos: 500_000_000,
            memory_bytes: 0,
        };
        assert_eq!(share(r#"{"NanoCpus": 500000000}"#), half);
        assert_eq!(share(r#"{"CpuQuota": 50000}"#), half);
        assert_eq!(share(r#"{"CpuQuota": 25000, "CpuPeriod": 50000}"#), half);
        assert_eq!(share(r#"{"CpuQuota": -1, "Memory": -1}"#), Share::default());
    }

    #[test]
    fn a_paused_container_runs() {
        let running = Observed::Running {
            started_at: START.parse().ok(),
        };
        assert_eq!(
            state("running", 0, "container is running", (START, ZERO)).observed(),
            running
        );
        assert_eq!(state("paused", 0, "", (START, ZERO)).observed(), running);
    }
}
