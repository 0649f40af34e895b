//! What a job has printed and used, in the fields of the legacy model, done right.

use std::time::Duration;

use futures::TryStreamExt;
use longshore_core::JobId;
use longshore_core::job::Job;
use longshore_core::legacy_text::{ParsedOutput, parsed_output};
use longshore_core::limits::OUTPUT_TEXT_BYTES;
use longshore_core::log::{Frame, Stream};
use longshore_core::outcome::Outcome;
use longshore_store::LogQuery;

use crate::error::ServiceError;
use crate::get_container_logs::legacy_line;
use crate::service::DockerService;

/// What a job has printed and used. Texts that are very long have lost their beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobOutput {
    /// Standard output, each line behind its time stamp.
    pub stdout_log: String,
    /// Standard error, each line behind its time stamp.
    pub stderr_log: String,
    /// Both in the engine's order, what longshore says about the log, and the error of a job that
    /// did not complete.
    pub docker_log: String,
    /// Standard output alone, exactly as it was printed.
    pub clean_output: String,
    /// The value that the clean output is; `None` when it is blank.
    pub parsed_output: Option<ParsedOutput>,
    /// How long its container ran, by the host's clock.
    pub duration: Option<Duration>,
    /// Largest memory that was met, in bytes.
    pub max_memory_usage: Option<u64>,
    /// Mean CPU use in percent of one core.
    pub cpu_usage_percent: Option<f64>,
}

impl DockerService {
    /// What the job's current or last attempt has printed, as far as it is kept, and used.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be used.
    pub async fn output_of_job(&self, job: JobId) -> Result<JobOutput, ServiceError> {
        let subject = self.subject(job).await?;
        let mut output = JobOutput::default();
        if let Some(attempt) = &subject.attempt {
            let mut frames = self.store().logs().read(attempt.id, LogQuery::default());
            while let Some(frame) = frames.try_next().await? {
                output.take(&frame);
            }
            let verdict = attempt.verdict.as_ref();
            output.duration = verdict.and_then(|verdict| {
                let ran = verdict.finished_at?.duration_since(verdict.started_at?);
                Duration::try_from(ran).ok()
            });
            let usage = attempt.usage.as_ref();
            output.max_memory_usage = usage.map(|usage| usage.peak_memory_bytes);
            output.cpu_usage_percent = usage.map(|usage| usage.cpu_mean_percent);
        }
        output.parsed_output = parsed_output(&output.clean_output);
        output.tell(&subject.job);
        Ok(output)
    }
}

impl JobOutput {
    fn take(&mut self, frame: &Frame) {
        let line = legacy_line(frame);
        match frame.stream {
            Stream::Stdout => {
                let text = String::from_utf8_lossy(&frame.bytes);
                append(&mut self.clean_output, &text);
                append(&mut self.stdout_log, &line);
            }
            Stream::Stderr => append(&mut self.stderr_log, &line),
            Stream::Note => {}
        }
        append(&mut self.docker_log, &line);
    }

    /// Adds the error of a job that did not complete.
    fn tell(&mut self, job: &Job) {
        let is_error = job.outcome.is_some_and(|outcome| match outcome {
            Outcome::Completed => false,
            Outcome::Failed(_) | Outcome::TimedOut(_) | Outcome::Cancelled(_) => true,
        });
        if let Some(message) = job.message.as_ref().filter(|_| is_error) {
            append(&mut self.docker_log, &format!("ERROR: {message}\n"));
        }
    }
}

/// Adds to a text, which loses its beginning when it is too long.
fn append(text: &mut String, more: &str) {
    text.push_str(more);
    // In large steps, so that a long log is not moved for each of its lines.
    if text.len() > 2 * OUTPUT_TEXT_BYTES {
        let surplus = text.ceil_char_boundary(text.len() - OUTPUT_TEXT_BYTES);
        text.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_text_loses_its_beginning() {
        let mut text = "begin".to_owned();
        let piece = "é".repeat(OUTPUT_TEXT_BYTES / 2);
        for _ in 0..3 {
            append(&mut text, &piece);
        }
        append(&mut text, "end");
        assert!(!text.starts_with("begin") && text.ends_with("end"));
        assert!(text.len() <= 2 * OUTPUT_TEXT_BYTES);
    }
}
