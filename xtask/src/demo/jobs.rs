//! The jobs of the demo, in the order in which they run.

use std::fs;

use anyhow::Result;

use super::place::DemoImages;
use super::{Expectation, demo_dir};

/// What a retried job does: it fails once, leaves a note in a named volume, then succeeds.
const FAILS_ONCE: &str = "test -e /state/seen && echo 'second try works' && exit; \
    touch /state/seen; echo 'first try fails' >&2; exit 1";

/// All of them; `volume` is a named volume that does not exist yet.
pub(crate) fn all(volume: &str, images: &DemoImages) -> Result<Vec<Expectation>> {
    let mut all = work(images)?;
    all.extend(trouble(volume));
    all.extend(queue());
    all.extend(looking_back(images));
    Ok(all)
}

fn work(images: &DemoImages) -> Result<Vec<Expectation>> {
    let folder = demo_dir().display().to_string();
    let allow = "jobs may mount the folder of the demo (the policy allows no folder by itself)";
    let build = "build a C program in a Debian image and run its tests";
    let count = "count the words of a mounted folder";
    let mut work = vec![Expectation::new(allow, "policy allow-bind").word(&folder)];
    work.extend(images.debian.then(|| {
        Expectation::new(build, "run --name build -v")
            .word(&format!("{folder}/program:/source:ro"))
            .words("demo-debian make -C /source OUT=/tmp test")
            .prints("0 failures")
    }));
    work.push(
        Expectation::new(count, "run --name count -v")
            .word(&format!("{folder}/texts:/texts:ro"))
            .words("demo-image sh -c")
            .word("cat /texts/* | wc -w")
            .prints(count_words()?.to_string()),
    );
    Ok(work)
}

fn count_words() -> Result<usize> {
    let mut words = 0;
    for entry in fs::read_dir(demo_dir().join("texts"))? {
        words += fs::read_to_string(entry?.path())?
            .split_whitespace()
            .count();
    }
    Ok(words)
}

fn trouble(volume: &str) -> Vec<Expectation> {
    let fails = "a job that fails: its streams stay apart, its exit code is ours";
    let hungry = "a job that needs more memory than it may have";
    let slow = "a job that takes too long";
    let retried = "a job that works at the second try";
    vec![
        Expectation::new(fails, "run --name fails demo-image sh -c")
            .word("echo out; echo err >&2; exit 7")
            .exits(7)
            .prints("out\n")
            .complains("err\n"),
        Expectation::new(hungry, "run --name hungry -m 64m demo-image tail /dev/zero").exits(137),
        Expectation::new(slow, "run --name slow --timeout 2s demo-image sleep 60").exits(124),
        Expectation::new(
            retried,
            "run --name retried --retries 2 --retry-strategy aggressive -v",
        )
        .word(&format!("{volume}:/state"))
        .words("demo-image sh -c")
        .word(FAILS_ONCE)
        .prints("second try works"),
    ]
}

fn queue() -> Vec<Expectation> {
    let file = demo_dir().join("jobs.toml").display().to_string();
    vec![
        Expectation::new("store three jobs from a file", "submit -f").word(&file),
        Expectation::new("they wait for a worker", "jobs --status queued")
            .prints("greeting")
            .prints("numbers")
            .prints("patient"),
        Expectation::new("a worker moves them", "worker --exit-when-empty"),
        Expectation::new("what the first one said", "logs greeting").prints("ahoy from Hamburg\n"),
        Expectation::new("the numbers", "logs numbers").prints("1\n2\n3\n"),
    ]
}

fn looking_back(images: &DemoImages) -> Vec<Expectation> {
    let build = images.debian.then_some("build");
    let names = ["count", "fails", "hungry", "slow", "retried"];
    let statuses = ["completed", "failed", "timeout"];
    let words = build.iter().chain(&names).chain(&statuses);
    vec![
        words.fold(Expectation::new("all jobs", "jobs"), |table, word| {
            table.prints(*word)
        }),
        Expectation::new("a kept log, with times", "logs --timestamps numbers").prints("T"),
        Expectation::new("one job's timeline", "events retried").prints("retry"),
        Expectation::new("how it ended, for programs", "inspect hungry").prints("oom"),
        Expectation::new("nothing is left to clean up", "cleanup --plan"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_end_is_shown() {
        let images = DemoImages { debian: false };
        let codes: Vec<i32> = all("v", &images)
            .unwrap()
            .iter()
            .map(|job| job.exit_code)
            .collect();
        for code in [0, 7, 124, 137] {
            assert!(codes.contains(&code), "{code}");
        }
    }

    #[test]
    fn the_texts_have_words() {
        assert!(count_words().unwrap() > 20);
    }
}
