//! Whose turn it is: the order in which waiting jobs are offered free slots.
//!
//! Of the owners with jobs that may start, the one whose attempts hold the fewest slots has the next
//! turn; of owners that are equal, the one with the job that comes first. Of one owner, that job is
//! next whose [place](Job::place) is first. Jobs behind a full limit let others pass.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::job::{Job, Place};
use crate::lane::{Holding, Lane};

/// The first jobs of one lane, in their order.
#[derive(Clone, Debug)]
pub struct Line {
    /// The lane.
    pub lane: Lane,
    /// Its jobs.
    pub jobs: VecDeque<Job>,
}

/// Jobs that wait, offered one after the other.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    lines: Vec<Line>,
    /// Slots that the owner held, place of the first job, number of the line. What an owner holds
    /// only grows, so that an entry is never too late in the order; one that is too early is renewed.
    order: BinaryHeap<Reverse<(u32, Place, usize)>>,
    holding: Holding,
    has_more: bool,
}

impl Turns {
    /// Of these lines. `has_more` says whether there are jobs in the queue that are in none of them.
    pub fn new(lines: Vec<Line>, holding: Holding, has_more: bool) -> Self {
        let mut turns = Self {
            lines,
            order: BinaryHeap::new(),
            holding,
            has_more,
        };
        for number in 0..turns.lines.len() {
            turns.line_up(number);
        }
        turns
    }

    /// Whether the queue has jobs that were not looked at.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// The job whose turn it is; it is not offered again.
    pub fn next_job(&mut self) -> Option<Job> {
        while let Some(Reverse((held, _, number))) = self.order.pop() {
            let line = &mut self.lines[number];
            if self.holding.full(&line.lane).is_some() {
                continue;
            }
            let is_true = self.holding.of_owner(&line.lane) == held;
            let job = if is_true { line.jobs.pop_front() } else { None };
            self.line_up(number);
            if job.is_some() {
                return job;
            }
        }
        None
    }

    /// Says that the job takes a slot.
    pub fn took(&mut self, job: &Job) {
        self.holding.add(&job.lane(), 1);
    }

    /// The order in which the first jobs start if each that is offered a slot takes it.
    pub fn in_order(mut self, most: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        while jobs.len() < most
            && let Some(job) = self.next_job()
        {
            self.took(&job);
            jobs.push(job);
        }
        jobs
    }

    fn line_up(&mut self, number: usize) {
        let line = &self.lines[number];
        if let Some(job) = line.jobs.front() {
            let held = self.holding.of_owner(&line.lane);
            self.order.push(Reverse((held, job.place(), number)));
        }
    }
}

/// What an owner has in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stake {
    /// Attempts that hold a slot.
    pub held: u32,
    /// Jobs that wait.
    pub waiting: u64,
}

/// How many jobs start before one, if every job that is offered a slot takes it: those of its own
/// owner before it, and those of others whose turn comes first. Equal owners are not counted as first.
pub fn ahead(own: Stake, others: impl IntoIterator<Item = Stake>) -> u64 {
    let turn = u64::from(own.held) + own.waiting;
    let turns_of = |other: Stake| turn.saturating_sub(other.held.into()).min(other.waiting);
    own.waiting + others.into_iter().map(turns_of).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::ids::JobId;
    use crate::job::Driver;
    use crate::outcome::JobStatus;
    use crate::spec::JobSpec;

    /// A job of a lane that is queued at a second; `number` is also its id.
    fn job(number: u8, lane: &str, queued_at: i64, priority: &str) -> Job {
        let lane: Lane = lane.parse().unwrap();
        let limits = lane.limits().map(|(key, most)| (key.clone(), most));
        let spec = JobSpec {
            queue: lane.queue.clone(),
            owner: lane.owner.clone(),
            limits: limits.collect(),
            priority: priority.parse().unwrap(),
            ..JobSpec::new("busybox:1".parse().unwrap())
        };
        Job {
            id: JobId::new(Uuid::from_u128(number.into())),
            spec,
            driver: Driver::Engine,
            status: JobStatus::Queued,
            outcome: None,
            exit_code: None,
            message: None,
            attempt: 0,
            retries_used: 0,
            infra_retries_used: 0,
            created_at: Timestamp::UNIX_EPOCH,
            queued_at: Some(Timestamp::from_second(queued_at).unwrap()),
            not_before: None,
            started_at: None,
            finished_at: None,
            cancel_requested_at: None,
            total_deadline: None,
            image_digest: None,
            host: None,
            array: None,
        }
    }

    /// Which jobs are taken of lines that hold so much, in their order.
    fn check(jobs: &[Job], holding: &[(&str, u32)], expected: &[u8]) {
        let mut lines: Vec<Line> = Vec::new();
        for job in jobs {
            let lane = job.lane();
            match lines.iter_mut().find(|known| known.lane == lane) {
                Some(known) => known.jobs.push_back(job.clone()),
                None => lines.push(Line {
                    lane,
                    jobs: [job.clone()].into(),
                }),
            }
        }
        let holding = holding
            .iter()
            .map(|(lane, held)| (lane.parse().unwrap(), *held));
        let order = Turns::new(lines, holding.collect(), false).in_order(99);
        let numbers: Vec<u128> = order.iter().map(|job| job.id.uuid().as_u128()).collect();
        let expected: Vec<u128> = expected.iter().map(|number| u128::from(*number)).collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_point_of_priority_is_worth_a_minute_of_waiting_to_jobs_of_one_owner() {
        let jobs = [
            job(1, "q//", 0, "51"),
            job(2, "r//", 59, "52"),
            job(3, "s//", 61, "52"),
            job(4, "t//", 0, "50"),
        ];
        check(&jobs, &[], &[2, 1, 3, 4]);
    }

    #[test]
    fn owners_take_turns_and_whoever_holds_least_is_first() {
        let jobs = [
            job(1, "q/a/", 0, "100"),
            job(2, "q/a/", 1, "100"),
            job(3, "q/a/", 2, "100"),
            job(4, "q/b/", 9, "0"),
            job(5, "q//", 8, "0"),
        ];
        check(&jobs, &[], &[1, 5, 4, 2, 3]);
        check(&jobs, &[("q/a/", 2), ("q/b/", 1)], &[5, 4, 1, 2, 3]);
    }

    #[test]
    fn one_owner_has_one_order_in_all_its_lanes() {
        let jobs = [job(1, "q/a/", 0, "50"), job(3, "q/a/", 2, "50")];
        let others = [job(2, "r/a/x=9", 1, "50")];
        check(&[&jobs[..], &others[..]].concat(), &[], &[1, 2, 3]);
    }

    #[test]
    fn jobs_behind_a_full_limit_let_others_pass() {
        let jobs = [
            job(1, "q/a/gpu=2", 0, "50"),
            job(2, "q/a/gpu=2", 0, "50"),
            job(3, "q/a/", 9, "50"),
        ];
        check(&jobs, &[("q/b/gpu=7", 1)], &[1, 3]);
        check(&jobs, &[("q/b/gpu=7", 2)], &[3]);
    }

    #[test]
    fn a_job_that_no_host_takes_costs_its_owner_no_turn() {
        let lines = ["q/a/", "q/b/"].map(|lane| Line {
            lane: lane.parse().unwrap(),
            jobs: (0..2)
                .map(|age| job(u8::from(lane == "q/b/") * 2 + age, lane, age.into(), "50"))
                .collect(),
        });
        let mut turns = Turns::new(lines.into(), Holding::default(), false);
        let mut next = || turns.next_job().unwrap().id.uuid().as_u128();
        assert_eq!([next(), next(), next(), next()], [0, 2, 1, 3]);
    }

    #[test]
    fn what_is_ahead_is_what_starts_before() {
        let stake = |held, waiting| Stake { held, waiting };
        for (own, others, expected) in [
            (stake(0, 0), vec![stake(0, 100_000)], 0),
            (stake(5, 0), vec![stake(0, 100_000)], 5),
            (
                stake(5, 2),
                vec![stake(4, 1), stake(9, 9), stake(0, 9)],
                2 + 1 + 7,
            ),
            (stake(0, 7), vec![], 7),
        ] {
            assert_eq!(ahead(own, others), expected);
        }
    }
}
