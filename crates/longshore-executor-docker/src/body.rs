//! From a job's spec to what the engine is asked to create: every field has its place here.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, DeviceRequest, EndpointSettings, HostConfig, HostConfigLogConfig, Mount,
    MountType, MountVolumeOptions, NetworkingConfig, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};
use longshore_core::launch::{LABEL_ATTEMPT, LABEL_JOB, LABEL_POOL, Launch};
use longshore_core::limits::LOG_LIMIT_BYTES;
use longshore_core::spec::{
    ByteSize, Command, Gpus, JobSpec, MemorySwap, MountKind, MountSpec, NetworkAttachment,
    PidsLimit, SecurityOption,
};

use crate::shown::engine_name;

/// The log on the engine's disk is at most so many times its reader's limit, in so many files;
/// all but one of them are full at any time.
const LOG_FILES: u64 = 4;
const LOG_FILE_LEAST: u64 = 1024 * 1024;

/// The container that `launch` asks for.
pub(crate) fn create_body(launch: &Launch) -> ContainerCreateBody {
    let spec = &launch.spec;
    ContainerCreateBody {
        image: Some(engine_name(&launch.image)),
        cmd: argv(&spec.command),
        entrypoint: spec
            .entrypoint
            .as_ref()
            .map(|command| command.argv().to_vec()),
        env: some(
            spec.env
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        ),
        working_dir: spec.workdir.clone(),
        user: spec.user.as_ref().map(ToString::to_string),
        hostname: spec.hostname.as_ref().map(ToString::to_string),
        labels: Some(launch.labels().into_iter().collect()),
        stop_signal: spec.stop_signal.map(|signal| signal.to_string()),
        stop_timeout: Some(as_i64(spec.timeouts.stop_grace.duration().as_secs())),
        tty: Some(false),
        host_config: Some(host_config(launch)),
        networking_config: spec.networks.first().and_then(networking),
        ..ContainerCreateBody::default()
    }
}

/// What a container is told when it joins a network after its creation.
pub(crate) fn endpoint(network: &NetworkAttachment) -> EndpointSettings {
    EndpointSettings {
        aliases: some(network.aliases().iter().cloned()),
        ..Default::default()
    }
}

fn argv(command: &Command) -> Option<Vec<String>> {
    (!command.is_empty()).then(|| command.argv().to_vec())
}

fn host_config(launch: &Launch) -> HostConfig {
    let spec = &launch.spec;
    HostConfig {
        memory: spec.memory.map(|size| as_i64(size.bytes())),
        memory_swap: memory_swap(spec),
        nano_cpus: spec.cpus.map(|cpus| as_i64(cpus.nanos())),
        pids_limit: spec.pids_limit.map(PidsLimit::as_i64),
        shm_size: spec.shm_size.map(|size| as_i64(size.bytes())),
        ulimits: some(spec.ulimits.iter().map(|ulimit| ResourcesUlimits {
            name: Some(ulimit.name().to_owned()),
            soft: Some(ulimit.soft()),
            hard: Some(ulimit.hard()),
        })),
        network_mode: spec
            .networks
            .first()
            .map(|network| network.name().to_owned()),
        extra_hosts: some(spec.extra_hosts.iter().map(ToString::to_string)),
        dns: some(spec.dns.iter().map(ToString::to_string)),
        mounts: some(spec.volumes.iter().map(|volume| mount(volume, launch))),
        tmpfs: tmpfs(spec),
        readonly_rootfs: Some(spec.read_only),
        storage_opt: spec
            .storage_opt
            .size
            .map(|size| [("size".to_owned(), size.bytes().to_string())].into()),
        cap_add: some(spec.cap_add.iter().map(ToString::to_string)),
        cap_drop: some(spec.cap_drop.iter().map(ToString::to_string)),
        security_opt: some(security_options(spec)),
        privileged: Some(spec.privileged),
        init: Some(spec.init),
        device_requests: spec.gpus.as_ref().map(|gpus| vec![device_request(gpus)]),
        log_config: Some(log_config(spec)),
        // The outcome must outlive the end, and nobody but us decides about another run.
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            ..RestartPolicy::default()
        }),
        ..HostConfig::default()
    }
}

/// Without a word of the job there is no swap; the engine itself would give as much as memory.
fn memory_swap(spec: &JobSpec) -> Option<i64> {
    match spec.memory_swap {
        Some(MemorySwap::Unlimited) => Some(-1),
        Some(MemorySwap::Size(size)) => Some(as_i64(size.bytes())),
        None => spec.memory.map(|size| as_i64(size.bytes())),
    }
}

/// `Mounts`, never `Binds`: a folder that is not there is refused, not created as root's.
fn mount(volume: &MountSpec, launch: &Launch) -> Mount {
    let typ = match volume.kind() {
        MountKind::Volume => MountType::VOLUME,
        MountKind::Bind => MountType::BIND,
    };
    Mount {
        typ: Some(typ),
        source: volume.source().map(str::to_owned),
        target: Some(volume.target().to_owned()),
        read_only: Some(volume.read_only()),
        volume_options: is_anonymous(volume).then(|| labelled(launch)),
        ..Mount::default()
    }
}

/// It goes with its container, while a volume with a name is the user's and stays.
fn is_anonymous(volume: &MountSpec) -> bool {
    volume.kind() == MountKind::Volume && volume.source().is_none()
}

/// Says whose volume it is, should its container ever be taken from it.
fn labelled(launch: &Launch) -> MountVolumeOptions {
    let labels = [
        (LABEL_POOL, launch.pool.to_string()),
        (LABEL_JOB, launch.job.to_string()),
        (LABEL_ATTEMPT, launch.attempt.to_string()),
    ];
    MountVolumeOptions {
        labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
        ..MountVolumeOptions::default()
    }
}

/// Not as `Mounts`: those take a size and a mode alone.
fn tmpfs(spec: &JobSpec) -> Option<HashMap<String, String>> {
    let mounts = spec
        .tmpfs
        .iter()
        .map(|tmpfs| (tmpfs.target().to_owned(), tmpfs.options()));
    Some(mounts.collect()).filter(|mounts: &HashMap<_, _>| !mounts.is_empty())
}

fn security_options(spec: &JobSpec) -> Vec<String> {
    let is_decided = spec.privileged
        || spec
            .security_opt
            .iter()
            .any(|option| matches!(option, SecurityOption::NoNewPrivileges(_)));
    let default = (!is_decided).then(|| "no-new-privileges".to_owned());
    default
        .into_iter()
        .chain(spec.security_opt.iter().map(ToString::to_string))
        .collect()
}

fn device_request(gpus: &Gpus) -> DeviceRequest {
    let (count, device_ids) = match gpus {
        Gpus::All => (Some(-1), None),
        Gpus::Count(count) => (Some(i64::from(count.get())), None),
        Gpus::Devices(ids) => (None, Some(ids.clone())),
    };
    DeviceRequest {
        count,
        device_ids,
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    }
}

/// The `local` driver keeps every byte. `json-file` turns each byte that is not UTF-8 into
/// U+FFFD (measured on 20.10), which no reader can undo.
fn log_config(spec: &JobSpec) -> HostConfigLogConfig {
    let limit = spec.log_limit.map_or(LOG_LIMIT_BYTES, ByteSize::bytes);
    let file = (limit / 2).max(LOG_FILE_LEAST);
    let config = [
        ("max-size", file.to_string()),
        ("max-file", LOG_FILES.to_string()),
        ("compress", "false".to_owned()),
    ];
    HostConfigLogConfig {
        typ: Some("local".to_owned()),
        config: Some(config.map(|(key, value)| (key.to_owned(), value)).into()),
    }
}

/// The default bridge knows no aliases, and no other network needs more than its name.
fn networking(network: &NetworkAttachment) -> Option<NetworkingConfig> {
    let config = HashMap::from([(network.name().to_owned(), endpoint(network))]);
    (!network.aliases().is_empty()).then_some(NetworkingConfig {
        endpoints_config: Some(config),
    })
}

/// A list, or nothing where it is empty.
fn some<T>(items: impl IntoIterator<Item = T>) -> Option<Vec<T>> {
    Some(items.into_iter().collect::<Vec<T>>()).filter(|items| !items.is_empty())
}

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
