//! How containers of the mock behave: run time, exit code, output, start refusal, answer to TERM.
//!
//! A behaviour is read when a container starts; changing it later touches only later starts.

use std::time::Duration;

use bytes::Bytes;
use longshore_core::attempt::Refusal;
use longshore_core::fault::Fault;
use longshore_core::launch::Launch;
use longshore_core::log::Stream;
use longshore_core::share::Share;
use longshore_core::spec::ImageReference;
use longshore_core::{AttemptId, JobId};

/// How long a container runs when nobody stops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTime {
    /// Exactly so long.
    Fixed(Duration),
    /// Drawn anew for each start, evenly between the two.
    Between(Duration, Duration),
    /// Until it is stopped or killed.
    Forever,
}

/// The exit code of a container that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitCodes {
    /// The same at every run.
    Always(i32),
    /// Drawn for each start, as pairs of weight and code; no weight at all means 0.
    Weighted(Vec<(u32, i32)>),
}

/// What a container does when it is asked to stop (TERM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnTerm {
    /// It ends after this time with this code, unless the grace is over before.
    Ends(Duration, i32),
    /// It runs on until it is killed (137).
    Ignores,
}

/// One piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// So long after the start.
    pub after: Duration,
    /// Where it is written.
    pub stream: Stream,
    /// The bytes; each line becomes a frame of its own.
    pub bytes: Bytes,
}

/// What the counters of a running container show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// Memory at the start.
    pub memory_bytes: u64,
    /// Further memory for each second.
    pub memory_growth_per_sec: u64,
    /// CPU use in percent of one core.
    pub cpu_percent: u32,
    /// Bytes received, and as many sent, each second.
    pub network_bytes_per_sec: u64,
    /// Bytes read, and as many written, each second.
    pub block_bytes_per_sec: u64,
}

impl Default for Consumption {
    fn default() -> Self {
        Self {
            memory_bytes: 16 << 20,
            memory_growth_per_sec: 0,
            cpu_percent: 50,
            network_bytes_per_sec: 1024,
            block_bytes_per_sec: 4096,
        }
    }
}

/// How a container behaves from its start on. The default ends at once with 0 and prints nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// How long it runs.
    pub run_time: RunTime,
    /// Its exit code.
    pub exit: ExitCodes,
    /// Whether its end is marked as a kill for lack of memory.
    pub oom_killed: bool,
    /// Memory that it cannot do without: under a smaller limit it ends at once, killed for lack of it.
    pub needs_bytes: u64,
    /// What it prints, and when; what is due after its end is never printed.
    pub output: Vec<Output>,
    /// The start is refused like this, and the container stays as created.
    pub refusal: Option<Refusal>,
    /// What it does on TERM.
    pub on_term: OnTerm,
    /// What its counters show.
    pub consumption: Consumption,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            run_time: RunTime::Fixed(Duration::ZERO),
            exit: ExitCodes::Always(0),
            oom_killed: false,
            needs_bytes: 0,
            output: Vec::new(),
            refusal: None,
            on_term: OnTerm::Ends(Duration::ZERO, 143),
            consumption: Consumption::default(),
        }
    }
}

impl Behaviour {
    /// Ends with this code, at once unless a run time is given.
    #[must_use]
    pub fn exits(code: i32) -> Self {
        Self {
            exit: ExitCodes::Always(code),
            ..Self::default()
        }
    }

    /// Runs until it is stopped.
    #[must_use]
    pub fn forever() -> Self {
        Self {
            run_time: RunTime::Forever,
            ..Self::default()
        }
    }

    /// Ends at once, killed (137) for lack of memory.
    #[must_use]
    pub fn oom() -> Self {
        Self {
            oom_killed: true,
            ..Self::exits(137)
        }
    }

    /// Ends like [`oom`](Self::oom) under a memory limit below this.
    #[must_use]
    pub fn needs(mut self, bytes: u64) -> Self {
        self.needs_bytes = bytes;
        self
    }

    /// The same in a container with these limits.
    pub(super) fn within(self, limits: Share) -> Self {
        let most = Some(limits.memory_bytes).filter(|bytes| *bytes > 0);
        match most {
            Some(most) if most < self.needs_bytes => Self::oom(),
            Some(_) | None => self,
        }
    }

    /// Cannot be started: 126 cannot execute, 127 not found, 125 anything else.
    #[must_use]
    pub fn refuses_start(code: u8, message: impl Into<String>) -> Self {
        Self {
            refusal: Some(Refusal {
                fault: Fault::StartRefused(code),
                message: message.into(),
            }),
            ..Self::default()
        }
    }

    /// Runs for exactly so long.
    #[must_use]
    pub fn runs_for(mut self, run_time: Duration) -> Self {
        self.run_time = RunTime::Fixed(run_time);
        self
    }

    /// Prints this so long after the start.
    #[must_use]
    pub fn prints(mut self, after: Duration, stream: Stream, bytes: impl Into<Bytes>) -> Self {
        self.output.push(Output {
            after,
            stream,
            bytes: bytes.into(),
        });
        self
    }

    /// Runs on when it is asked to stop.
    #[must_use]
    pub fn ignores_term(mut self) -> Self {
        self.on_term = OnTerm::Ignores;
        self
    }
}

/// Which containers a behaviour is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Every one.
    Any,
    /// Those whose job asks for this image.
    Image(ImageReference),
    /// Those whose job has this label.
    Label(String, String),
    /// Those whose job has this name.
    Name(String),
    /// Every attempt of this job.
    Job(JobId),
    /// This attempt alone.
    Attempt(AttemptId),
}

impl Selector {
    /// Whether it means the container of this launch.
    pub fn matches(&self, launch: &Launch) -> bool {
        match self {
            Self::Any => true,
            Self::Image(image) => image.canonical() == launch.spec.image.canonical(),
            Self::Label(key, value) => launch
                .spec
                .labels
                .iter()
                .any(|(own_key, own_value)| own_key.as_str() == key && own_value == value),
            Self::Name(name) => launch
                .spec
                .name
                .as_ref()
                .is_some_and(|own| own.as_str() == name),
            Self::Job(job) => launch.job == *job,
            Self::Attempt(attempt) => launch.attempt == *attempt,
        }
    }
}

impl RunTime {
    /// Draws a run time; `None` is for ever.
    pub(super) fn draw(&self, rng: &mut fastrand::Rng) -> Option<Duration> {
        match self {
            Self::Fixed(run_time) => Some(*run_time),
            Self::Between(least, most) => {
                Some(*least + most.saturating_sub(*least).mul_f64(rng.f64()))
            }
            Self::Forever => None,
        }
    }
}

impl ExitCodes {
    /// Draws an exit code.
    pub(super) fn draw(&self, rng: &mut fastrand::Rng) -> i32 {
        let weighted = match self {
            Self::Always(code) => return *code,
            Self::Weighted(weighted) => weighted,
        };
        let total: u32 = weighted.iter().map(|(weight, _)| weight).sum();
        let mut left = if total == 0 {
            return 0;
        } else {
            rng.u32(0..total)
        };
        for (weight, code) in weighted {
            if left < *weight {
                return *code;
            }
            left -= weight;
        }
        0
    }
}
