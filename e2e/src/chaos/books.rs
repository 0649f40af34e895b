//! What the store says of each job, held against what the containers themselves noted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::planned::Planned;
use super::stage::Stage;
use super::trouble::{ENGINE_KILLED, ENGINE_STOPPED};

/// Everything that is known of each job.
pub(super) struct Books(Vec<Entry>);

/// One job after the storm.
struct Entry {
    record: Value,
    stdout: String,
    /// Notes of ours in its log: what was lost of it.
    notes: String,
    /// Containers that began to run, by the beginnings of their ids.
    starts: Vec<String>,
    /// Containers that came to their end.
    ends: Vec<String>,
}

impl Books {
    pub(super) fn read(stage: &Stage, jobs: &[Planned]) -> Self {
        let read = |job: &Planned| Entry {
            record: stage.drill().job(&job.name),
            stdout: stage.drill().log(&job.name),
            notes: notes(stage, &job.name),
            starts: marks(&stage.marks(), &job.name, "starts"),
            ends: marks(&stage.marks(), &job.name, "ends"),
        };
        Self(jobs.iter().map(read).collect())
    }

    pub(super) fn verdicts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.0 {
            *counts.entry(entry.verdict()).or_default() += 1;
        }
        counts
    }

    pub(super) fn attempts(&self) -> usize {
        self.0.iter().map(|entry| entry.attempts().len()).sum()
    }

    /// Everything that is not as it must be.
    pub(super) fn wrong(
        &self,
        jobs: &[Planned],
        troubles: &BTreeMap<&'static str, usize>,
    ) -> Vec<String> {
        let engines_fell =
            troubles.contains_key(ENGINE_KILLED) || troubles.contains_key(ENGINE_STOPPED);
        let mut wrong = Vec::new();
        for (entry, job) in self.0.iter().zip(jobs) {
            let checks = [
                entry.ended(job, engines_fell),
                entry.ran_no_more_than_it_may(job),
                entry.told_the_truth(job),
                entry.kept_its_output(job),
                entry.let_go(),
            ];
            let found = checks.into_iter().filter_map(Result::err);
            wrong.extend(found.map(|what| format!("{} {:?}: {what}", job.name, job.kind)));
        }
        wrong
    }
}

impl Entry {
    fn verdict(&self) -> String {
        let reason = self.record["reason"].as_str().unwrap_or_default();
        let status = self.record["status"].as_str().unwrap_or_default();
        format!("{status} {reason}").trim_end().to_owned()
    }

    fn attempts(&self) -> &[Value] {
        self.record["attempts"]
            .as_array()
            .map_or(&[], Vec::as_slice)
    }

    fn is_lost(&self) -> bool {
        self.verdict() == "failed lost"
    }

    /// It has the verdict that it must have. What an engine took along with itself is lost, once
    /// there is no try left.
    fn ended(&self, job: &Planned, engines_fell: bool) -> Result<(), String> {
        let (status, reason) = job.end();
        let wanted = format!("{status} {}", reason.unwrap_or_default());
        if self.verdict() == wanted.trim_end() {
            return Ok(());
        }
        let message = &self.record["message"];
        // The engine alone knows why, and does not hear of it always.
        let says_so = message
            .as_str()
            .is_some_and(|said| said.contains("lack of memory"));
        if wanted == "failed oom" && self.verdict() == "failed exit(137)" && says_so {
            return Ok(());
        }
        let tries_left = self.record["infra_retries_used"] != job.infra_retries;
        if self.is_lost() && engines_fell && !tries_left {
            return Ok(());
        }
        Err(format!(
            "is `{}`, must be `{wanted}`: {message}",
            self.verdict()
        ))
    }

    /// No container ran twice, none ran that no attempt knows, and where nothing may be tried again
    /// there was one at most.
    fn ran_no_more_than_it_may(&self, job: &Planned) -> Result<(), String> {
        let distinct: BTreeSet<&String> = self.starts.iter().collect();
        if distinct.len() != self.starts.len() {
            return Err(format!("a container ran twice: {:?}", self.starts));
        }
        let known: Vec<&str> = self.containers().collect();
        for start in &self.starts {
            if !known.iter().any(|id| id.starts_with(start.as_str())) {
                return Err(format!("container {start} ran, known are {known:?}"));
            }
        }
        let used = |budget: &str| self.record[budget].as_u64().unwrap_or_default();
        let allowed = 1 + used("retries_used") + used("infra_retries_used");
        // A job that is cancelled while it waits for a try, the first one too, never has that try.
        let waited_for_one = u64::from(self.record["status"] == "cancelled");
        let attempts = self.attempts().len() as u64;
        if !(allowed - waited_for_one..=allowed).contains(&attempts) {
            return Err(format!("{attempts} attempts, its budgets say {allowed}"));
        }
        if used("infra_retries_used") > u64::from(job.infra_retries) {
            return Err("more retries than granted".to_owned());
        }
        Ok(())
    }

    /// A verdict that speaks of a container's own end is about a container that came to it.
    fn told_the_truth(&self, job: &Planned) -> Result<(), String> {
        let is_natural = !self.is_lost();
        let last = self.containers().last().unwrap_or_default();
        let has = |marks: &[String]| marks.iter().any(|id| last.starts_with(id.as_str()));
        if is_natural && !job.may_end_before_it_begins() && !has(&self.starts) {
            return Err(format!("its last container {last} never ran"));
        }
        if is_natural && job.notes_its_end() && !has(&self.ends) {
            return Err(format!("its last container {last} never came to its end"));
        }
        Ok(())
    }

    /// Its output is there, byte for byte, or the log says that some is missing.
    fn kept_its_output(&self, job: &Planned) -> Result<(), String> {
        let printed = job.stdout();
        if self.is_lost() || !job.notes_its_end() || self.stdout == printed {
            return Ok(());
        }
        let is_marked = self.notes.contains("[longshore:");
        if is_marked && self.stdout.len() < printed.len() {
            return Ok(());
        }
        let (kept, all) = (self.stdout.len(), printed.len());
        let first = self
            .stdout
            .bytes()
            .zip(printed.bytes())
            .position(|(kept, printed)| kept != printed);
        Err(format!(
            "{kept} of {all} bytes are kept, no note says why; first difference at {first:?}"
        ))
    }

    /// Every attempt is over, and its container is known to be gone.
    fn let_go(&self) -> Result<(), String> {
        let holds =
            |attempt: &&Value| attempt["phase"] != "ended" || attempt["removed_at"].is_null();
        match self.attempts().iter().find(holds) {
            Some(attempt) => Err(format!("an attempt is not over: {attempt}")),
            None => Ok(()),
        }
    }

    /// The ids of its attempts' containers, first to last.
    fn containers(&self) -> impl Iterator<Item = &str> {
        let attempts = self.attempts().iter();
        attempts.filter_map(|attempt| attempt["container"].as_str())
    }
}

fn marks(folder: &Path, job: &str, what: &str) -> Vec<String> {
    let file = folder.join(format!("{job}.{what}"));
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// What the log holds beside stdout.
fn notes(stage: &Stage, job: &str) -> String {
    let all = stage.drill().call(&["logs", job]).stderr;
    let ours = all.lines().filter(|line| line.contains("[longshore:"));
    ours.collect::<Vec<_>>().join("\n")
}
