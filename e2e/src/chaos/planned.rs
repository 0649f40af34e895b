//! Jobs whose end and output are known beforehand.

use fastrand::Rng;
use longshore_testkit::DEMO_IMAGE;
use serde_json::{Value, json};

/// Where the containers see the folder of their marks.
const MARKS: &str = "/marks";

/// A job, and how it must end.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) infra_retries: u32,
}

/// What a job does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Prints so many lines with pauses between them and exits with this code.
    Lines {
        lines: u32,
        pause_ms: u32,
        code: i32,
    },
    /// Prints so many lines to each of its streams.
    TwoStreams { lines: u32 },
    /// Prints so many bytes as fast as it can.
    Bulk { bytes: usize },
    /// Fails the first time that it runs to its end, and not again.
    Flaky,
    /// Takes more memory than it may.
    Hungry,
    /// Runs longer than it may, and does not listen.
    TooLong,
    /// Runs until somebody cancels it.
    Unwanted,
    /// Its image is nowhere.
    Imageless,
}

impl Planned {
    pub(super) fn draw(rng: &mut Rng, number: usize) -> Self {
        let kind = match rng.u32(..100) {
            0..45 => Kind::Lines {
                lines: rng.u32(1..40),
                pause_ms: rng.u32(..60),
                code: if rng.bool() { 0 } else { rng.i32(1..125) },
            },
            45..60 => Kind::TwoStreams {
                lines: rng.u32(1..200),
            },
            60..68 => Kind::Bulk {
                bytes: rng.usize(1..4_000_000),
            },
            68..78 => Kind::Flaky,
            78..84 => Kind::Hungry,
            84..90 => Kind::TooLong,
            90..96 => Kind::Unwanted,
            _ => Kind::Imageless,
        };
        Self {
            name: format!("job-{number:04}"),
            kind,
            // Some may not be tried again, whatever happens to them.
            infra_retries: if rng.u32(..5) == 0 { 0 } else { 20 },
        }
    }

    pub(super) fn is_unwanted(&self) -> bool {
        matches!(self.kind, Kind::Unwanted)
    }

    /// As a job file has it. `marks` is a folder of the hosts that its containers write to.
    pub(super) fn spec(&self, marks: &str) -> Value {
        let image = if matches!(self.kind, Kind::Imageless) {
            "nowhere-to-be-found:1"
        } else {
            DEMO_IMAGE
        };
        json!({
            "name": self.name,
            "image": image,
            "pull": "never",
            "command": ["sh", "-c", self.script()],
            "volumes": [format!("{marks}:{MARKS}")],
            "memory": "24MiB",
            "timeouts": {
                "run": if matches!(self.kind, Kind::TooLong) { "2s" } else { "10m" },
                "stop_grace": "1s",
            },
            "retry": {
                "strategy": "aggressive",
                "retries": u32::from(matches!(self.kind, Kind::Flaky)),
                "infra_retries": self.infra_retries,
            },
        })
    }

    /// Each container notes its id when it begins, and those that come to their end note that too.
    fn script(&self) -> String {
        let mark = |what: &str| format!("echo $HOSTNAME >> {MARKS}/{}.{what}; ", self.name);
        let (begin, end) = (mark("starts"), mark("ends"));
        let body = match self.kind {
            Kind::Lines {
                lines,
                pause_ms,
                code,
            } => format!(
                "i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; usleep {}; done; \
                 {end} exit {code}",
                pause_ms * 1000
            ),
            Kind::TwoStreams { lines } => format!(
                "i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo out $i; echo err $i >&2; done; \
                 {end} exit 0"
            ),
            Kind::Bulk { bytes } => format!("yes 0123456789 | head -c {bytes}; {end} exit 0"),
            Kind::Flaky => {
                let again = format!("{MARKS}/{}.again", self.name);
                format!("[ -e {again} ]; code=$?; touch {again}; echo tried; {end} exit $code")
            }
            Kind::Hungry => "tail /dev/zero".to_owned(),
            Kind::TooLong => "trap '' TERM; while :; do sleep 1; done".to_owned(),
            Kind::Unwanted => "while :; do sleep 1; done".to_owned(),
            Kind::Imageless => String::new(),
        };
        format!("{begin}{body}")
    }

    /// Status and reason of its end, if nothing gets between.
    pub(super) fn end(&self) -> (&'static str, Option<String>) {
        match self.kind {
            Kind::Lines { code, .. } if code != 0 => ("failed", Some(format!("exit({code})"))),
            Kind::Lines { .. } | Kind::TwoStreams { .. } | Kind::Bulk { .. } | Kind::Flaky => {
                ("completed", None)
            }
            Kind::Hungry => ("failed", Some("oom".to_owned())),
            Kind::TooLong => ("timeout", Some("run".to_owned())),
            Kind::Unwanted => ("cancelled", Some("user".to_owned())),
            Kind::Imageless => ("failed", Some("image_not_found".to_owned())),
        }
    }

    /// Whether a container of it that ends by itself notes that it did.
    pub(super) fn notes_its_end(&self) -> bool {
        match self.kind {
            Kind::Lines { .. } | Kind::TwoStreams { .. } | Kind::Bulk { .. } | Kind::Flaky => true,
            Kind::Hungry | Kind::TooLong | Kind::Unwanted | Kind::Imageless => false,
        }
    }

    /// Whether its container is ended by us, so that it may be before it began.
    pub(super) fn may_end_before_it_begins(&self) -> bool {
        matches!(self.kind, Kind::Unwanted | Kind::Imageless)
    }

    /// What its last container printed to stdout, where that is known.
    pub(super) fn stdout(&self) -> String {
        let lines = |lines: u32, word: &str| {
            let each = (1..=lines).map(|number| format!("{word} {number}\n"));
            each.collect()
        };
        match self.kind {
            Kind::Lines { lines: count, .. } => lines(count, "line"),
            Kind::TwoStreams { lines: count } => lines(count, "out"),
            Kind::Bulk { bytes } => "0123456789\n".chars().cycle().take(bytes).collect(),
            Kind::Flaky => "tried\n".to_owned(),
            Kind::Hungry | Kind::TooLong | Kind::Unwanted | Kind::Imageless => String::new(),
        }
    }
}
