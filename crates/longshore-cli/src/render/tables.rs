//! Tables for people: jobs, hosts, images.

use comfy_table::{Cell, Color, ContentArrangement, Table};
use jiff::Timestamp;
use longshore_core::census::Census;
use longshore_core::health::{Breaker, Position};
use longshore_core::host::{Host, HostFacts, HostState};
use longshore_core::job::Job;
use longshore_core::outcome::JobStatus;
use longshore_store::{HostLoad, HostReport};

use crate::render::image_view::ImageRow;
use crate::render::silences::{self, Silences, Unknown};
use crate::render::spans;
use crate::render::views::{self, HostNames};

/// Longest text in one cell, unless nothing is to be cut.
const CELL_CHARS: usize = 40;

/// How tables look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Colour by meaning.
    pub(crate) color: bool,
    /// Full ids and texts.
    pub(crate) full: bool,
    /// What ages are relative to.
    pub(crate) now: Timestamp,
}

/// The table of `jobs`.
pub(crate) fn jobs(jobs: &[Job], hosts: &HostNames, silences: &Silences, look: Look) -> String {
    let head = [
        "ID", "NAME", "IMAGE", "STATUS", "ATTEMPT", "HOST", "CREATED", "DURATION",
    ];
    let mut table = empty(&head, look);
    for job in jobs {
        let name = job
            .spec
            .name
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let host = job.host.map(|host| hosts.name(host)).unwrap_or_default();
        let id = if look.full {
            job.id.to_string()
        } else {
            job.id.short()
        };
        table.add_row([
            Cell::new(id),
            Cell::new(cut(&name, look)),
            Cell::new(cut(&job.spec.image.to_string(), look)),
            standing(job, silences, look),
            Cell::new(job.attempt),
            Cell::new(cut(&host, look)),
            Cell::new(spans::age(job.created_at, look.now)),
            Cell::new(run_time(job, look.now)),
        ]);
    }
    finish(&table)
}

/// The status, and since when it is not known whether it still holds.
fn standing(job: &Job, silences: &Silences, look: Look) -> Cell {
    let (status, color) = (status(job), status_color(job.status));
    let Some(since) = silences.of_job(job.id) else {
        return colored(Cell::new(status), color, look);
    };
    let text = format!("{status}, {}", silences::unknown(since, look.now));
    colored(Cell::new(text), Some(Color::Yellow), look)
}

/// Status and reason: `failed exit(7)`.
pub(crate) fn status(job: &Job) -> String {
    match views::reason(job) {
        Some(reason) => format!("{} {reason}", job.status),
        None => job.status.to_string(),
    }
}

fn run_time(job: &Job, now: Timestamp) -> String {
    match job.started_at {
        Some(started) => spans::duration(spans::between(started, job.finished_at.unwrap_or(now))),
        None => String::new(),
    }
}

fn status_color(status: JobStatus) -> Option<Color> {
    match status {
        JobStatus::Completed => Some(Color::Green),
        JobStatus::Failed | JobStatus::Timeout => Some(Color::Red),
        JobStatus::Running | JobStatus::Launching => Some(Color::Cyan),
        JobStatus::Retrying => Some(Color::Yellow),
        JobStatus::Cancelled => Some(Color::DarkGrey),
        JobStatus::Pending | JobStatus::Queued => None,
    }
}

/// A host and what is known of it.
pub(crate) struct HostRow {
    pub(crate) host: Host,
    /// What attempts take of it.
    pub(crate) load: HostLoad,
    /// What stands there beside them; `None` before anybody has looked.
    pub(crate) census: Option<Census>,
    pub(crate) breaker: Breaker,
    /// Attempts there of which nobody knows how they stand.
    pub(crate) unknown: Unknown,
    /// What the probes said; `None` before the first.
    pub(crate) report: Option<HostReport>,
}

impl HostRow {
    /// What the last probe found that succeeded.
    pub(crate) fn facts(&self) -> Option<&HostFacts> {
        self.report.as_ref()?.facts.as_ref()
    }

    /// Why the last probe failed, if it did.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.report.as_ref()?.error.as_deref()
    }

    /// How it stands, in few words, and whether that is good.
    fn state(&self, now: Timestamp) -> (String, Option<Color>) {
        let (state, color) = self.own_state(now);
        let Unknown { attempts, since } = self.unknown;
        let Some(since) = since else {
            return (state, color);
        };
        let unknown = silences::unknown(since, now);
        let attempts = if attempts == 1 {
            "1 attempt".to_owned()
        } else {
            format!("{attempts} attempts")
        };
        (format!("{state}, {attempts} {unknown}"), Some(Color::Red))
    }

    fn own_state(&self, now: Timestamp) -> (String, Option<Color>) {
        if self.trouble().is_some() {
            let since = self.report.as_ref().and_then(|report| report.failing_since);
            let since = since.map(|since| format!(" since {}", spans::age(since, now)));
            let state = format!("unreachable{}", since.unwrap_or_default());
            return (state, Some(Color::Red));
        }
        let breaker = self.breaker.position();
        if breaker != Position::Closed {
            return (format!("breaker {breaker}"), Some(Color::Red));
        }
        match self.host.state {
            HostState::Active if self.host.maintained_until(now).is_some() => {
                ("maintenance".to_owned(), Some(Color::Yellow))
            }
            HostState::Active => (self.host.state.word().to_owned(), None),
            HostState::Draining { .. } => (self.host.state.word().to_owned(), Some(Color::Yellow)),
        }
    }

    /// When it was last seen, and how often it was looked for in vain since then.
    fn seen(&self, now: Timestamp) -> String {
        let Some(report) = &self.report else {
            return "never".to_owned();
        };
        let seen = report
            .seen_at
            .map_or("never".to_owned(), |at| spans::age(at, now));
        match report.failed_probes {
            0 => seen,
            failed => format!("{seen}, {failed} in vain"),
        }
    }
}

/// The table of `hosts list` and `hosts check`.
pub(crate) fn hosts(rows: &[HostRow], look: Look) -> String {
    let head = [
        "NAME", "KIND", "ADDRESS", "STATE", "SLOTS", "ENGINE", "CPUS", "MEMORY", "LATENCY", "SEEN",
    ];
    let mut table = empty(&head, look);
    for row in rows {
        let facts = row.facts().filter(|_| row.trouble().is_none());
        let fact = |show: &dyn Fn(&HostFacts) -> String| facts.map(show).unwrap_or_default();
        let (state, color) = row.state(look.now);
        table.add_row([
            Cell::new(&row.host.name),
            Cell::new(row.host.kind),
            Cell::new(&row.host.endpoint.address),
            colored(Cell::new(state), color, look),
            Cell::new(format!("{}/{}", row.load.busy, row.host.slots)),
            Cell::new(fact(&|facts| format!("{} {}", facts.engine, facts.version))),
            Cell::new(fact(&|facts| facts.cpus.to_string())),
            Cell::new(fact(&|facts| spans::size(facts.memory_bytes))),
            Cell::new(fact(&|facts| format!("{} ms", facts.latency.as_millis()))),
            Cell::new(row.seen(look.now)),
        ]);
    }
    finish(&table)
}

/// The table of `images list`.
pub(crate) fn images(rows: &[ImageRow], look: Look) -> String {
    let head = [
        "HOST",
        "IMAGE",
        "ID",
        "SIZE",
        "CREATED",
        "PULLED BY",
        "LAST USE",
    ];
    let mut table = empty(&head, look);
    for row in rows {
        let ImageRow { host, image, .. } = row;
        let last_use = row.last_used_at.map(|at| spans::age(at, look.now));
        let last_use = last_use.unwrap_or_default();
        let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
        let names = if image.tags.is_empty() {
            &image.digests
        } else {
            &image.tags
        };
        let created = image
            .created_at
            .map(|at| spans::age(at, look.now))
            .unwrap_or_default();
        let id = if look.full {
            id
        } else {
            id.get(..12).unwrap_or(id)
        };
        let size = spans::size(image.size_bytes);
        // As in Docker, an image has a line for each of its names.
        let unnamed = names.is_empty().then_some("<none>");
        for name in names.iter().map(String::as_str).chain(unnamed) {
            let cells = [host, name, id, &size, &created, row.owner(), &last_use];
            table.add_row(cells.map(Cell::new));
        }
    }
    finish(&table)
}

/// Any table of plain texts.
pub(crate) fn plain<const N: usize>(head: [&str; N], rows: &[[String; N]], look: Look) -> String {
    let mut table = empty(&head, look);
    for row in rows {
        table.add_row(row.iter().map(Cell::new));
    }
    finish(&table)
}

fn empty(head: &[&str], look: Look) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head);
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    if look.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn colored(cell: Cell, color: Option<Color>, look: Look) -> Cell {
    match color.filter(|_| look.color) {
        Some(color) => cell.fg(color),
        None => cell,
    }
}

pub(crate) fn cut(text: &str, look: Look) -> String {
    if look.full || text.chars().count() <= CELL_CHARS {
        return text.to_owned();
    }
    text.chars().take(CELL_CHARS - 1).chain(['…']).collect()
}

fn finish(table: &Table) -> String {
    table.trim_fmt()
}
