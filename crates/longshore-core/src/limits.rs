//! Every bound of the system in one place: deadlines of outside calls, sizes of queues and pages.

use std::time::Duration;

/// A control call to an engine: inspect, start, create, list.
pub const CONTROL_CALL: Duration = Duration::from_secs(30);
/// Creating or starting a container; engines look plug-ins up for 15 s before they refuse.
pub const LAUNCH_CALL: Duration = Duration::from_secs(90);
/// A launch that is given up waits so long for the call under way, so that its effect is known.
pub const GIVE_UP_GRACE: Duration = Duration::from_secs(2);
/// A create whose reply never came may have its effect later: looked for again after these pauses.
pub const LATE_CREATE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Removing a container; a forced removal kills first.
pub const REMOVE_CALL: Duration = Duration::from_mins(1);
/// Beyond the grace, until a stop call must have returned.
pub const STOP_SLACK: Duration = Duration::from_secs(30);
/// One reading of a container's counters.
pub const USAGE_CALL: Duration = Duration::from_secs(10);
/// Until a registry must have answered anything at all.
pub const PULL_FIRST_BYTE: Duration = Duration::from_mins(3);
/// Opening a connection to an engine.
pub const CONNECT: Duration = Duration::from_secs(10);
/// A probe of a host.
pub const PROBE_CALL: Duration = Duration::from_secs(10);
/// The log that remains after an exit must have been read by then.
pub const DRAIN_CALL: Duration = Duration::from_mins(2);

/// How often a running container is looked at when no event comes.
pub const OBSERVE_PERIOD: Duration = Duration::from_secs(15);
/// How often the counters of a running container are read.
pub const USAGE_PERIOD: Duration = Duration::from_secs(10);
/// When the counters are read for the first time after the start.
pub const USAGE_FIRST: Duration = Duration::from_millis(200);
/// Pause before a failed outside call is tried again: first, and at most.
pub const RETRY_CALL_FIRST: Duration = Duration::from_millis(200);
/// See [`RETRY_CALL_FIRST`].
pub const RETRY_CALL_LAST: Duration = Duration::from_secs(10);
/// An end that somebody else forced may be the engine going down: wait so long before judging it.
pub const SETTLE: Duration = Duration::from_millis(1500);
/// Ends so shortly before an engine's start may be the engine's own doing.
pub const ENGINE_STOP_WINDOW: Duration = Duration::from_secs(15);

/// A worker's right to move an attempt, unless renewed.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often leases are renewed.
pub const LEASE_RENEW: Duration = Duration::from_secs(8);
/// A clock that is so much ahead of what it must show by now was put forward.
pub const CLOCK_JUMP: Duration = Duration::from_secs(5);
/// An answer about the time that took longer says too little.
pub const CLOCK_ANSWER: Duration = Duration::from_secs(1);
/// Fallback period of services that are normally woken.
pub const SERVICE_PERIOD: Duration = Duration::from_secs(5);
/// Fallback period of readers that are normally woken.
pub const FOLLOW_PERIOD: Duration = Duration::from_millis(500);
/// Containers that no attempt row explains are left alone for so long.
pub const STRAY_GRACE: Duration = Duration::from_mins(5);

/// Time between the stop signal and the kill when a caller of `DockerService` names none.
pub const DEFAULT_STOP: Duration = Duration::from_secs(10);
/// Further tries of a direct call to a host that cannot be reached.
pub const DIRECT_RETRIES: u32 = 2;
/// An attempt's own event stream is waited for so long before it is done without.
pub const LISTEN_WITHIN: Duration = Duration::from_secs(2);
/// How often a removal that is under way is asked for again, in a direct call.
pub const REMOVAL_ASKS: u32 = 20;

/// Jobs in one bulk call.
pub const BULK: usize = 10_000;
/// How often the log of an attempt is tried to be opened while others of this process have it.
pub const LOG_TURNS: u32 = 4;
/// Bulk calls to one host at a time.
pub const BULK_PER_HOST: usize = 16;
/// Removals on one host at a time.
pub const REMOVALS_PER_HOST: usize = 8;
/// Output of a job that is handed out as one text; its end, where it is longer.
pub const OUTPUT_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// Jobs in one page of a list.
pub const PAGE: u32 = 500;
/// Attempts of which it is told at once that their hosts do not answer.
pub const SILENCES: u32 = 10_000;
/// Jobs in one submit call.
pub const SUBMIT_BATCH: usize = 10_000;
/// Claims in one round of the dispatcher.
pub const CLAIM_BATCH: usize = 64;
/// Jobs that a round of the dispatcher looks at when none of the first ones fits anywhere.
pub const CLAIM_DEPTH: usize = 4096;
/// Time between two such rounds.
pub const CLAIM_DEEP_PERIOD: Duration = Duration::from_secs(1);
/// Last frames of a log that are read once more after the exit.
pub const LOG_END_FRAMES: usize = 64;
/// The rest of a log is given up, with a gap marked in it, when the host stays away for so long.
pub const DRAIN_GIVE_UP: Duration = Duration::from_mins(15);
/// Size of a sealed log chunk before compression.
pub const LOG_CHUNK_BYTES: usize = 256 * 1024;
/// How long a frame may wait before it is readable by others.
pub const LOG_FLUSH: Duration = Duration::from_millis(60);
/// The same where logs are kept in a bucket, in which every write is paid for.
pub const BUCKET_FLUSH: Duration = Duration::from_secs(2);
/// A request to a bucket is tried again for so long.
pub const BUCKET_PATIENCE: Duration = Duration::from_secs(10);
/// Log kept per attempt when the job names no limit.
pub const LOG_LIMIT_BYTES: u64 = 1024 * 1024 * 1024;
/// Events of one host that wait for their attempts.
pub const EVENT_QUEUE: usize = 1024;
/// Waiting that one point of priority is worth: the stored index of the queue says the same.
pub const PRIORITY_WORTH: Duration = Duration::from_mins(1);
/// Lanes of the queue that are looked at: groups of jobs that start under the same conditions.
pub const LANES: u32 = 10_000;
/// Slots of a host that names none.
pub const DEFAULT_SLOTS: u32 = 10;

/// How long a process waits for another one's write lock on the store.
pub const STORE_BUSY: Duration = Duration::from_secs(10);
/// Operations that wait for the store's writer.
pub const STORE_QUEUE: usize = 1024;
/// Operations that share one commit.
pub const STORE_BATCH: usize = 256;
/// Turns that the store's writer leaves to other tasks, so that those whom it has just answered can
/// come back with what follows.
pub const STORE_GATHER: u32 = 200;
/// A service that is in no hurry looks at a busy store so often at most.
pub const LOOK_PERIOD: Duration = Duration::from_millis(20);
/// What was seen of an attempt waits so long to be written with what is seen next.
pub const STEP_GRACE: Duration = Duration::from_millis(30);
/// Rows that one statement writes.
pub const STORE_ROWS: usize = 400;
/// Connections that read the store at the same time.
pub const STORE_READERS: u32 = 4;
/// One statement of a database server.
pub const STORE_CALL: Duration = Duration::from_secs(30);
/// Pause before a database server is connected to again: first, and at most.
pub const STORE_RECONNECT_FIRST: Duration = Duration::from_millis(50);
/// See [`STORE_RECONNECT_FIRST`].
pub const STORE_RECONNECT_LAST: Duration = Duration::from_secs(1);
/// A connection to a database server that nobody needs for so long is closed.
pub const STORE_IDLE: Duration = Duration::from_mins(5);
/// Last frames of a log that its writer remembers, to find its place when the log is read again.
pub const LOG_MEMORY: usize = 64;
/// Sealed log chunks between the one who collects and the one who stores.
pub const LOG_CHUNK_QUEUE: usize = 4;

/// One reading of a database that is imported from.
pub const IMPORT_CALL: Duration = Duration::from_mins(5);
/// Jobs in one reading of a database that is imported from, and in one step of the import.
pub const IMPORT_PAGE: u32 = 200;
/// Logs that an import writes at the same time.
pub const IMPORT_LOGS: usize = 8;

/// How often a host is asked who and how it is, and what is on it.
pub const PROBE_PERIOD: Duration = Duration::from_secs(30);
/// How soon a host is asked again when a job did not fit on it.
pub const PROBE_SOON: Duration = Duration::from_secs(3);
/// How often it is looked whether a host is to be asked.
pub const HEALTH_PERIOD: Duration = Duration::from_secs(1);
/// A worker for one job alone leaves the hosts unasked for so long: most such jobs end before.
pub const HEALTH_LATER: Duration = Duration::from_secs(2);
/// Containers of others whose limits are asked for, in one look at a host.
pub const FOREIGN_CONTAINERS: usize = 256;
/// Such questions to one host at one time.
pub const FOREIGN_AT_ONCE: usize = 8;
/// Names of images that are remembered of one host.
pub const IMAGE_NAMES: usize = 4096;
/// CPU limits that a host takes together, as a multiple of its CPUs: few programs use up theirs.
/// Memory is given once.
pub const CPU_OVERCOMMIT: u64 = 4;

/// Attempts that a host fails one after the other before it gets no more.
pub const BREAKER_STRIKES: u32 = 3;
/// Pause before a canary is sent to a host whose breaker is open: first, and at most.
pub const BREAKER_PAUSE_FIRST: Duration = Duration::from_secs(15);
/// See [`BREAKER_PAUSE_FIRST`].
pub const BREAKER_PAUSE_LAST: Duration = Duration::from_mins(10);
/// A canary must be back by then, or its worker is taken for dead and another one sends the next.
pub const CANARY_CALL: Duration = Duration::from_mins(2);

/// Runs in the past that a forecast is made from.
pub const FORECAST_RUNS: u32 = 500;
/// Jobs ahead in the queue that a forecast looks at one by one.
pub const FORECAST_QUEUE: u32 = 2000;
/// Time between the begin of a drain and the stop of what still runs, unless named.
pub const DRAIN_DEADLINE: Duration = Duration::from_hours(1);

/// Time between two pulls from a registry that limits them: first, and at most.
pub const PACE_FIRST: Duration = Duration::from_secs(2);
/// See [`PACE_FIRST`].
pub const PACE_LAST: Duration = Duration::from_mins(10);
/// What was learnt of a registry's limit is forgotten when nobody pulled from it for so long.
pub const PACE_FORGET: Duration = Duration::from_hours(1);
/// Registries whose pace is kept.
pub const PACES: u32 = 256;
/// How often the last use of an image is written down, at most.
pub const IMAGE_USE_PERIOD: Duration = Duration::from_mins(1);
/// Images that nothing has used for so long are collected, where nothing else is said.
pub const IMAGE_AGE: Duration = Duration::from_hours(14 * 24);
/// How often a worker collects images, where the policy says so.
pub const COLLECT_PERIOD: Duration = Duration::from_hours(1);
/// A time of a schedule that passed less long ago was not missed: a worker was only busy, or restarted.
pub const SCHEDULE_LATE: Duration = Duration::from_mins(1);
/// Missed times of one schedule that are made up for; those before them are passed over.
pub const SCHEDULE_MISSED: usize = 100;
/// Times of one schedule that wait for the run before them to end; further ones are skipped.
pub const SCHEDULE_WAITING: u32 = 100;
/// Schedules that are fired in one transaction.
pub const SCHEDULE_PAGE: u32 = 50;
/// Times without a job that are remembered of one schedule.
pub const SCHEDULE_HISTORY: u32 = 1000;
/// Times that a preview shows at most.
pub const SCHEDULE_PREVIEW: usize = 1000;

/// Bytes of one image layer once it is unpacked, holes of sparse files included.
pub const LAYER_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// Files, folders and links of one image layer.
pub const LAYER_ENTRIES: u64 = 2_000_000;
/// Names below each other in one path of an image layer.
pub const LAYER_DEPTH: usize = 256;
/// One header of a layer that describes the next file: its long names and attributes.
pub const LAYER_HEADER_BYTES: u64 = 1024 * 1024;
/// Pieces of one sparse file in an image layer.
pub const SPARSE_PIECES: usize = 65_536;
/// A manifest, an index or a configuration of an image.
pub const IMAGE_DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;
/// Layers of one image; overlayfs takes no more.
pub const IMAGE_LAYERS: usize = 500;
/// Layers of one image that are fetched and unpacked at the same time.
pub const LAYERS_AT_ONCE: usize = 4;
/// Tries to go on with a blob that ended without a byte more, one after the other.
pub const BLOB_TRIES: u32 = 4;
/// How often it is looked whether another process has made the blob or layer that this one needs.
pub const CLAIM_PERIOD: Duration = Duration::from_millis(20);
/// A read from a registry that brings nothing for so long is broken off and tried again.
pub const REGISTRY_READ: Duration = Duration::from_mins(1);
