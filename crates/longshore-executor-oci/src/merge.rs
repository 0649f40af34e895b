//! What a job and its image are together: one container, spelled out, by Docker's rules.

use std::path::{Path, PathBuf};

use longshore_core::fault::Fault;
use longshore_core::launch::Launch;
use longshore_core::spec::{
    ByteSize, Command, Cpus, ExtraHost, HostAddress, JobSpec, MemorySwap, PidsLimit,
    SecurityOption, Signal, Ulimit,
};
use longshore_executor::ExecutorError;
use longshore_runtime::{
    Bounds, ContainerConfig, Network, Process, ResourceLimit, Rootfs, Seccomp, resolve_capabilities,
};

use crate::image_config::ImageConfig;
use crate::tags::Tags;

mod environment;
mod mounts;

use environment::environment;
use mounts::mounts;

/// The first of the signals without a name, as `RTMIN+3` counts them.
const RTMIN: i32 = 34;
/// The store reads a log as it is written, and keeps this much of it: what is on the disk here may be
/// as much again, so that what was not read yet is never what is dropped first.
const LOG_TIMES: u64 = 2;

/// All that a container is made of.
pub(crate) struct Parts<'a> {
    pub(crate) launch: &'a Launch,
    pub(crate) image: &'a ImageConfig,
    pub(crate) tags: &'a Tags,
    /// The image's layers.
    pub(crate) layers: Vec<PathBuf>,
    /// The folder whose owner and rights the root has.
    pub(crate) like: Option<PathBuf>,
    pub(crate) network: Network,
    /// The folder of named volumes.
    pub(crate) volumes: &'a Path,
}

impl Parts<'_> {
    /// The container.
    ///
    /// # Errors
    /// Neither the job nor its image says what to run, or the job asks for what was to be refused.
    pub(crate) fn merge(self) -> Result<ContainerConfig, ExecutorError> {
        let (spec, image) = (&self.launch.spec, self.image);
        let hostname = self.hostname();
        let mut labels = image.labels.clone().unwrap_or_default();
        labels.extend(self.launch.labels());
        self.tags.note(&mut labels);
        Ok(ContainerConfig {
            name: self.launch.container_name(),
            labels,
            process: Process {
                argv: argv(spec, image)?,
                env: environment(spec, image, &hostname),
                workdir: workdir(spec, image),
                user: user(spec, image),
                init: spec.init,
                capabilities: resolve_capabilities(&spec.cap_add, &spec.cap_drop),
                no_new_privileges: no_new_privileges(spec),
                privileged: spec.privileged,
                limits: spec.ulimits.iter().map(limit).collect(),
            },
            hostname,
            extra_hosts: spec
                .extra_hosts
                .iter()
                .map(extra_host)
                .collect::<Result<_, _>>()?,
            dns: spec.dns.clone(),
            mounts: mounts(spec, image, self.volumes),
            bounds: bounds(spec),
            network: self.network,
            seccomp: seccomp(spec),
            stop_signal: stop_signal(spec, image),
            stop_grace_millis: millis(spec.timeouts.stop_grace.duration()),
            run_limit_millis: spec.timeouts.run.map(|limit| millis(limit.duration())),
            log_limit_bytes: spec.log_limit_bytes().saturating_mul(LOG_TIMES),
            rootfs: Rootfs {
                layers: self.layers,
                like: self.like,
                read_only: spec.read_only,
                size_bytes: spec.storage_opt.size.map(ByteSize::bytes),
            },
        })
    }

    /// As engines name a container: by its short id, or like the machine whose network it has.
    fn hostname(&self) -> String {
        match (&self.launch.spec.hostname, self.network) {
            (Some(named), _) => named.to_string(),
            (None, Network::Host) => machine_name(),
            (None, Network::None | Network::Private) => self.tags.id.short().to_owned(),
        }
    }
}

fn machine_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// A job's own entrypoint does away with the image's command, too; one empty word is no entrypoint.
fn argv(spec: &JobSpec, image: &ImageConfig) -> Result<Vec<String>, ExecutorError> {
    let own = spec.entrypoint.as_ref().map(Command::argv);
    let entrypoint = match own {
        Some([word]) if word.is_empty() => &[],
        Some(words) => words,
        None => image.entrypoint.as_deref().unwrap_or_default(),
    };
    let command = match own {
        _ if !spec.command.is_empty() => spec.command.argv(),
        Some([_, ..]) => &[],
        Some([]) | None => image.cmd.as_deref().unwrap_or_default(),
    };
    let argv: Vec<String> = entrypoint.iter().chain(command).cloned().collect();
    if argv.is_empty() {
        let text = format!(
            "nothing to run: neither the job nor the image {} names a command",
            spec.image
        );
        return Err(ExecutorError::new(Fault::Configuration, text));
    }
    Ok(argv)
}

fn workdir(spec: &JobSpec, image: &ImageConfig) -> PathBuf {
    let own = spec.workdir.as_deref().or(image.working_dir.as_deref());
    Path::new("/").join(own.unwrap_or_default())
}

fn user(spec: &JobSpec, image: &ImageConfig) -> Option<String> {
    let own = spec.user.as_ref().map(ToString::to_string);
    own.or_else(|| image.user.clone())
        .filter(|user| !user.is_empty())
}

fn no_new_privileges(spec: &JobSpec) -> bool {
    let said = spec
        .security_opt
        .iter()
        .rev()
        .find_map(|option| match option {
            SecurityOption::NoNewPrivileges(on) => Some(*on),
            SecurityOption::Seccomp(_)
            | SecurityOption::AppArmor(_)
            | SecurityOption::Label(_)
            | SecurityOption::SystemPathsUnconfined => None,
        });
    said.unwrap_or(!spec.privileged)
}

fn seccomp(spec: &JobSpec) -> Seccomp {
    let said = spec
        .security_opt
        .iter()
        .rev()
        .find_map(|option| match option {
            SecurityOption::Seccomp(profile) => Some(profile.as_str()),
            SecurityOption::NoNewPrivileges(_)
            | SecurityOption::AppArmor(_)
            | SecurityOption::Label(_)
            | SecurityOption::SystemPathsUnconfined => None,
        });
    match said {
        Some("unconfined") => Seccomp::Unconfined,
        Some("builtin") | None if spec.privileged => Seccomp::Unconfined,
        Some("builtin") | None => Seccomp::Default,
        Some(profile) => Seccomp::Profile(profile.to_owned()),
    }
}

fn limit(ulimit: &Ulimit) -> ResourceLimit {
    ResourceLimit {
        name: ulimit.name().to_owned(),
        soft: ulimit.soft(),
        hard: ulimit.hard(),
    }
}

fn extra_host(host: &ExtraHost) -> Result<(String, std::net::IpAddr), ExecutorError> {
    match host.address() {
        HostAddress::Ip(address) => Ok((host.name().to_owned(), address)),
        HostAddress::HostGateway => Err(ExecutorError::new(
            Fault::Unsupported,
            crate::refusals::HOST_GATEWAY,
        )),
    }
}

/// Without a word of the job there is no swap, as on Docker hosts.
fn bounds(spec: &JobSpec) -> Bounds {
    let memory = spec.memory.map(ByteSize::bytes);
    let as_i64 = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let memory_swap = match spec.memory_swap {
        Some(MemorySwap::Unlimited) => Some(-1),
        Some(MemorySwap::Size(size)) => Some(as_i64(size.bytes())),
        None => memory.map(as_i64),
    };
    Bounds {
        memory_bytes: memory,
        memory_swap_bytes: memory_swap,
        cpu_nanos: spec.cpus.map(Cpus::nanos),
        pids: match spec.pids_limit {
            Some(PidsLimit::Most(most)) => Some(most.get().into()),
            Some(PidsLimit::Unlimited) | None => None,
        },
        shm_bytes: spec.shm_size.map(ByteSize::bytes),
    }
}

/// An image may name a signal that has no name of its own, as those of systemd do.
fn stop_signal(spec: &JobSpec, image: &ImageConfig) -> i32 {
    if let Some(signal) = spec.stop_signal {
        return signal.number().into();
    }
    let named = image.stop_signal.as_deref().unwrap_or_default();
    let by_name = named.parse::<Signal>().ok();
    let number = by_name.map(|signal| i32::from(signal.number()));
    let bare = named.trim_start_matches("SIG");
    let beyond = || {
        let more = bare.strip_prefix("RTMIN")?;
        let more: i32 = if more.is_empty() {
            0
        } else {
            more.parse().ok()?
        };
        Some(RTMIN + more).filter(|number| (RTMIN..=64).contains(number))
    };
    let term = i32::from(Signal::TERM.number());
    number.or_else(beyond).unwrap_or(term)
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
