//! The flags that describe a job, as one table: `run` and `submit` share it.
//!
//! A row says under which key of the job file a flag's value belongs. Values stay text here: they
//! are checked together with the file's, so that all problems are shown at once.

use clap::{Arg, ArgAction, ArgMatches, Command};

/// What becomes of a flag's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One text; the last flag wins.
    One,
    /// One whole number; the last flag wins.
    Number,
    /// A list of texts; the flag may be repeated.
    List,
    /// A list of whole numbers; commas and repeated flags.
    Numbers,
    /// A list of words; commas and repeated flags.
    Words,
    /// A switch that sets `true`.
    On,
    /// A switch that sets `false`.
    Off,
    /// `NAME=VALUE`; `NAME` alone takes the caller's own variable.
    Variable,
    /// `KEY=VALUE`; `KEY` alone has an empty value.
    Label,
    /// One program name; empty text clears the image's.
    Program,
    /// The long form of a mount, which may be a tmpfs.
    Mount,
    /// A list of texts that belong to the last network.
    Alias,
}

impl Shape {
    fn takes_value(self) -> bool {
        match self {
            Self::On | Self::Off => false,
            Self::One
            | Self::Number
            | Self::List
            | Self::Numbers
            | Self::Words
            | Self::Variable
            | Self::Label
            | Self::Program
            | Self::Mount
            | Self::Alias => true,
        }
    }

    fn is_repeated(self) -> bool {
        match self {
            Self::One | Self::Number | Self::Program | Self::On | Self::Off => false,
            Self::List
            | Self::Numbers
            | Self::Words
            | Self::Variable
            | Self::Label
            | Self::Mount
            | Self::Alias => true,
        }
    }
}

/// One flag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// Its long name.
    pub(crate) long: &'static str,
    /// Its short name, if it has one.
    pub(crate) short: Option<char>,
    /// Key of the job file that it sets.
    pub(crate) key: &'static str,
    /// What becomes of its text.
    pub(crate) shape: Shape,
    /// Name of its value in the help text.
    value: &'static str,
    help: &'static str,
    heading: &'static str,
}

const fn flag(
    long: &'static str,
    key: &'static str,
    shape: Shape,
    value: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        long,
        short: None,
        key,
        shape,
        value,
        help,
        heading: "Job",
    }
}

impl Flag {
    const fn short(self, short: char) -> Self {
        Self {
            short: Some(short),
            ..self
        }
    }

    const fn under(self, heading: &'static str) -> Self {
        Self { heading, ..self }
    }
}

const NAMING: &str = "Naming";
const PROCESS: &str = "Process and environment";
const RESOURCES: &str = "Resources";
const NETWORK: &str = "Network";
const STORAGE: &str = "Storage";
const SECURITY: &str = "Security";
const IMAGE: &str = "Image";
const LIMITS: &str = "Time limits";
const RETRIES: &str = "Retries and queue";

/// Every flag that describes a job.
#[rustfmt::skip]
pub(crate) const FLAGS: &[Flag] = &[
    flag("name", "name", Shape::One, "NAME", "Name for people; need not be unique").under(NAMING),
    flag("description", "description", Shape::One, "TEXT", "Free text for people").under(NAMING),
    flag("label", "labels", Shape::Label, "KEY=VALUE", "Label of the job and its container").short('l').under(NAMING),
    flag("idempotency-key", "idempotency_key", Shape::One, "KEY", "A repeated submit with this key returns the first job").under(NAMING),

    flag("env", "env", Shape::Variable, "NAME[=VALUE]", "Set a variable; NAME alone takes yours").short('e').under(PROCESS),
    flag("env-file", "env_file", Shape::List, "FILE", "Read variables from a file").under(PROCESS),
    flag("env-template", "env_template", Shape::One, "NAME", "Take variables from a stored template").under(PROCESS),
    flag("entrypoint", "entrypoint", Shape::Program, "PROGRAM", "Replace the image's entrypoint").under(PROCESS),
    flag("workdir", "workdir", Shape::One, "PATH", "Working directory in the container").short('w').under(PROCESS),
    flag("user", "user", Shape::One, "USER[:GROUP]", "User and group in the container").short('u').under(PROCESS),
    flag("hostname", "hostname", Shape::One, "NAME", "Host name in the container").short('h').under(PROCESS),
    flag("init", "init", Shape::On, "", "Run a small init as PID 1 (the default)").under(PROCESS),
    flag("no-init", "init", Shape::Off, "", "Run the command itself as PID 1").under(PROCESS),
    flag("stop-signal", "stop_signal", Shape::One, "SIGNAL", "Signal that asks the job to stop").under(PROCESS),

    flag("memory", "memory", Shape::One, "SIZE", "Memory limit, such as 512m").short('m').under(RESOURCES),
    flag("memory-swap", "memory_swap", Shape::One, "SIZE", "Memory and swap together; -1 is unlimited swap").under(RESOURCES),
    flag("cpus", "cpus", Shape::One, "NUMBER", "Number of CPUs, such as 1.5").under(RESOURCES),
    flag("pids-limit", "pids_limit", Shape::One, "NUMBER", "Most processes; -1 is no limit").under(RESOURCES),
    flag("shm-size", "shm_size", Shape::One, "SIZE", "Size of /dev/shm").under(RESOURCES),
    flag("ulimit", "ulimits", Shape::List, "NAME=SOFT[:HARD]", "Limit of the processes, such as nofile=1024").under(RESOURCES),
    flag("gpus", "gpus", Shape::One, "GPUS", "all, a count, or device=0,1").under(RESOURCES),

    flag("network", "networks", Shape::List, "NETWORK", "Network to join; may be repeated").under(NETWORK),
    flag("network-alias", "networks", Shape::Alias, "NAME", "Name of the job on the last network").under(NETWORK),
    flag("add-host", "extra_hosts", Shape::List, "NAME:ADDRESS", "Line of /etc/hosts").under(NETWORK),
    flag("dns", "dns", Shape::List, "ADDRESS", "Name server").under(NETWORK),

    flag("volume", "volumes", Shape::List, "SOURCE:TARGET[:ro]", "Named volume, or a folder if the policy allows").short('v').under(STORAGE),
    flag("mount", "volumes", Shape::Mount, "type=…,source=…,target=…", "The same in the long form").under(STORAGE),
    flag("tmpfs", "tmpfs", Shape::List, "PATH[:OPTIONS]", "File system in memory").under(STORAGE),
    flag("read-only", "read_only", Shape::On, "", "Mount the root file system read-only").under(STORAGE),
    flag("storage-opt", "storage_opt", Shape::Label, "size=SIZE", "Most that may be written to the root file system").under(STORAGE),

    flag("cap-add", "cap_add", Shape::List, "CAPABILITY", "Add a Linux capability").under(SECURITY),
    flag("cap-drop", "cap_drop", Shape::List, "CAPABILITY", "Drop a Linux capability").under(SECURITY),
    flag("security-opt", "security_opt", Shape::List, "OPTION", "Security option; the policy decides").under(SECURITY),
    flag("privileged", "privileged", Shape::On, "", "All rights of the host; the policy decides").under(SECURITY),

    flag("platform", "platform", Shape::One, "OS/ARCH", "Platform of the image, such as linux/amd64").under(IMAGE),
    flag("pull", "pull", Shape::One, "WHEN", "When to pull: always, missing or never").under(IMAGE),

    flag("timeout", "timeouts.run", Shape::One, "TIME", "Longest run, such as 10m; none switches it off").under(LIMITS),
    flag("queue-timeout", "timeouts.queue", Shape::One, "TIME", "Longest wait for a slot").under(LIMITS),
    flag("pull-timeout", "timeouts.pull", Shape::One, "TIME", "Longest pull").under(LIMITS),
    flag("pull-idle-timeout", "timeouts.pull_idle", Shape::One, "TIME", "Longest silence of a pull").under(LIMITS),
    flag("start-timeout", "timeouts.start", Shape::One, "TIME", "Longest create and start").under(LIMITS),
    flag("total-timeout", "timeouts.total", Shape::One, "TIME", "Longest time from submit to the end").under(LIMITS),
    flag("stop-timeout", "timeouts.stop_grace", Shape::One, "TIME", "Time between stop signal and kill").under(LIMITS),

    flag("retries", "retry.retries", Shape::Number, "NUMBER", "Further attempts when the job fails").under(RETRIES),
    flag("infra-retries", "retry.infra_retries", Shape::Number, "NUMBER", "Further attempts when host, registry or longshore fails").under(RETRIES),
    flag("retry-strategy", "retry.strategy", Shape::One, "NAME", "default, aggressive, conservative or high_priority").under(RETRIES),
    flag("retry-on-exit", "retry.retry_on_exit", Shape::Numbers, "CODES", "Exit codes worth another attempt, such as 75,111").under(RETRIES),
    flag("retry-on", "retry.retry_on", Shape::Words, "REASONS", "Failures of the job worth another attempt, such as oom,signal,75").under(RETRIES),
    flag("never-retry-on", "retry.never_retry_on", Shape::Words, "REASONS", "Failures that are never tried again, such as 3,oom,lost").under(RETRIES),
    flag("retry-oom", "retry.oom_up_to", Shape::One, "SIZE", "Out of memory, try again with twice as much, up to this; takes from --retries").under(RETRIES),
    flag("lost", "lost", Shape::One, "POLICY", "While its host cannot be reached: wait, or fail or replace after 10m (replace:30m)").under(RETRIES),
    flag("priority", "priority", Shape::One, "0-100", "100 goes first").under(RETRIES),
    flag("owner", "owner", Shape::One, "NAME", "Whose job it is; slots are shared between owners [env: LONGSHORE_OWNER]").under(RETRIES),
    flag("queue", "queue", Shape::One, "NAME", "Queue that it waits in").under(RETRIES),
    flag("limit", "limits", Shape::Label, "KEY=NUMBER", "Start only while fewer jobs of KEY hold a slot").under(RETRIES),
    flag("after", "after", Shape::List, "JOB[:HOW]", "Wait for a job or an array to have succeeded (or finished, failed)").under(RETRIES),
    flag("array", "array", Shape::One, "INDEXES[%NUMBER]", "Submit it once for each index: 0-99%8 is a hundred, eight at once").under(RETRIES),
    flag("on", "on", Shape::Label, "KEY=VALUE", "Run only on hosts with this label; may be repeated").under(RETRIES),
    flag("host", "host", Shape::One, "NAME", "Run only on this host of the pool").under(RETRIES),
    flag("log-limit", "log_limit", Shape::One, "SIZE", "Largest kept log; head and tail stay beyond it").under(RETRIES),
];

/// A flag that was typed, with its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) flag: &'static Flag,
    pub(crate) values: Vec<String>,
}

/// The flags that were typed, in the order of [`FLAGS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobFlags {
    pub(crate) given: Vec<Given>,
}

impl clap::Args for JobFlags {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(to_arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for JobFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = FLAGS
            .iter()
            .filter_map(|flag| read(flag, matches))
            .collect();
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn to_arg(flag: &'static Flag) -> Arg {
    let arg = Arg::new(flag.long)
        .long(flag.long)
        .short(flag.short)
        .help(flag.help)
        .help_heading(flag.heading);
    if !flag.shape.takes_value() {
        return arg.action(ArgAction::SetTrue).overrides_with(flag.long);
    }
    // As in Docker, what follows a flag is its value, even `-1`.
    let arg = arg.value_name(flag.value).allow_hyphen_values(true);
    if flag.shape.is_repeated() {
        return arg.action(ArgAction::Append);
    }
    arg.action(ArgAction::Set).overrides_with(flag.long)
}

fn read(flag: &'static Flag, matches: &ArgMatches) -> Option<Given> {
    if !flag.shape.takes_value() {
        return matches.get_flag(flag.long).then(|| Given {
            flag,
            values: Vec::new(),
        });
    }
    let values = matches.get_many::<String>(flag.long)?.cloned().collect();
    Some(Given { flag, values })
}

#[cfg(test)]
mod tests {
    use longshore_core::spec::JobSpec;

    use super::*;

    #[test]
    fn every_flag_sets_a_key_that_job_files_know() {
        for flag in FLAGS {
            assert!(
                JobSpec::known_keys().contains(flag.key),
                "{} sets {}",
                flag.long,
                flag.key
            );
        }
    }

    #[test]
    fn every_key_of_a_job_file_has_a_flag() {
        let by_position = ["image", "command"];
        let tables = ["timeouts", "retry"];
        for key in JobSpec::known_keys() {
            let (table, _) = key.split_once('.').unwrap_or((key, ""));
            let sets =
                |flag: &Flag| flag.key == key || (flag.shape == Shape::Label && flag.key == table);
            let is_set = FLAGS.iter().any(sets);
            let is_other = by_position.contains(&key.as_str()) || tables.contains(&key.as_str());
            assert!(is_set || is_other, "no flag sets {key}");
        }
    }
}
