//! What is mounted in a container: what every container has, its three files of the network, and
//! what the configuration asks for.

use std::path::Path;

use oci_spec::runtime::{Mount, MountBuilder};

use super::{Places, SpecError, Target, tmpfs};
use crate::cgroup::Layout;
use crate::config::{self, ContainerConfig, MountSource, Network};
use crate::user::Standing;

const DEFAULT_SHM_BYTES: u64 = 64 * 1024 * 1024;
const CGROUPS: &str = "/sys/fs/cgroup";
/// What stays writable, or is read-only by itself, when the root is read-only. The library makes folders
/// in that of the control groups.
const NOT_OF_THE_ROOT: [&str; 6] = [
    "/proc",
    "/dev",
    "/dev/pts",
    "/dev/shm",
    "/dev/mqueue",
    CGROUPS,
];

pub(super) fn of(
    config: &ContainerConfig,
    places: &Places<'_>,
    target: Target,
) -> Result<Vec<Mount>, SpecError> {
    let is_replaced = |mount: &Mount| {
        let at = mount.destination();
        config.mounts.iter().any(|wanted| {
            let covers_devices = wanted.target == Path::new("/dev") && at.starts_with("/dev");
            wanted.target == *at || covers_devices
        })
    };
    let mut kernel = kernel(config, places.standing)?;
    kernel.extend(cgroups(config, places, target)?);
    let mut files = files(places)?;
    for own in [&mut kernel, &mut files] {
        own.retain(|mount| !is_replaced(mount));
        if config.rootfs.read_only {
            own.iter_mut().for_each(make_read_only);
        }
    }
    let mut others = files;
    for mount in &config.mounts {
        others.push(mount_of(mount, places)?);
    }
    // Outer ones first, so that they do not cover inner ones.
    others.sort_by_key(|mount| mount.destination().components().count());
    kernel.extend(others);
    Ok(kernel)
}

fn kernel(config: &ContainerConfig, standing: Standing) -> Result<Vec<Mount>, SpecError> {
    let shm_bytes = config.bounds.shm_bytes.unwrap_or(DEFAULT_SHM_BYTES);
    let size = format!("size={shm_bytes}");
    let sys: &[&str] = if config.process.privileged {
        &["nosuid", "noexec", "nodev"]
    } else {
        &["nosuid", "noexec", "nodev", "ro"]
    };
    let mut pts = vec![
        "nosuid",
        "noexec",
        "newinstance",
        "ptmxmode=0666",
        "mode=0620",
    ];
    if standing != Standing::Single {
        pts.push("gid=5");
    }
    let dev = ["nosuid", "strictatime", "mode=755", "size=65536k"];
    let shm = ["nosuid", "noexec", "nodev", "mode=1777", size.as_str()];
    let plain = ["nosuid", "noexec", "nodev"];
    Ok(vec![
        mount("/proc", "proc", "proc", &plain)?,
        mount("/dev", "tmpfs", "tmpfs", &dev)?,
        mount("/dev/pts", "devpts", "devpts", &pts)?,
        if config.network == Network::Host && standing != Standing::Root {
            // The kernel shows a network in a new one only to whom that network belongs.
            mount(
                "/sys",
                "bind",
                "/sys",
                &[&["rbind", "rprivate", "rro"], sys].concat(),
            )?
        } else {
            mount("/sys", "sysfs", "sysfs", sys)?
        },
        mount("/dev/mqueue", "mqueue", "mqueue", &plain)?,
        mount("/dev/shm", "tmpfs", "shm", &shm)?,
    ])
}

/// The container's own groups. libcontainer leaves those of version 1 writable, so that a container
/// could lift its own limits: each of them is mounted by hand for it.
fn cgroups(
    config: &ContainerConfig,
    places: &Places<'_>,
    target: Target,
) -> Result<Vec<Mount>, SpecError> {
    let access = if config.process.privileged {
        "rw"
    } else {
        "ro"
    };
    let options = ["nosuid", "noexec", "nodev", access];
    match (places.cgroup.layout(), target) {
        (Layout::V1(_), Target::Library) => {}
        (Layout::V1(_), Target::Binary)
        | (Layout::V2(_) | Layout::Closed, Target::Library | Target::Binary) => {
            return Ok(vec![mount(CGROUPS, "cgroup", "cgroup", &options)?]);
        }
    }
    let top = ["nosuid", "noexec", "nodev", "mode=755"];
    let mut mounts = vec![mount(CGROUPS, "tmpfs", "tmpfs", &top)?];
    let options = [&["rbind", "rprivate"], &options[..]].concat();
    for (name, folder) in places.cgroup.controlling() {
        // Programs look for those that share a hierarchy by the name of each.
        let each = name.split(',').filter(|one| *one != name);
        for name in each.chain([name.as_str()]) {
            let at = Path::new(CGROUPS).join(name);
            mounts.push(mount(at, "bind", &folder, &options)?);
        }
    }
    Ok(mounts)
}

fn files(places: &Places<'_>) -> Result<Vec<Mount>, SpecError> {
    let options = ["rbind", "rprivate"];
    Ok(vec![
        mount("/etc/resolv.conf", "bind", places.resolv_conf, &options)?,
        mount("/etc/hostname", "bind", places.hostname, &options)?,
        mount("/etc/hosts", "bind", places.hosts, &options)?,
    ])
}

fn make_read_only(mount: &mut Mount) {
    if NOT_OF_THE_ROOT
        .iter()
        .any(|at| mount.destination() == Path::new(at))
    {
        return;
    }
    let mut options = mount.options().clone().unwrap_or_default();
    if !options.iter().any(|option| option == "ro") {
        options.push("ro".to_owned());
    }
    mount.set_options(Some(options));
}

fn mount_of(wanted: &config::Mount, places: &Places<'_>) -> Result<Mount, SpecError> {
    let at = &wanted.target;
    // Also what is mounted below the source is read-only then.
    let bound: &[&str] = if wanted.read_only {
        &["rbind", "ro", "rro", "rprivate"]
    } else {
        &["rbind", "rprivate"]
    };
    match &wanted.source {
        MountSource::Bind(source) | MountSource::Volume(source) => mount(at, "bind", source, bound),
        MountSource::Fresh(volume) => mount(at, "bind", places.folder.join(&volume.folder), bound),
        MountSource::Tmpfs(options) => {
            let mut options = options.clone();
            if wanted.read_only {
                options.push("ro".to_owned());
            }
            let options = tmpfs::options(&options)?;
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            mount(at, "tmpfs", "tmpfs", &options)
        }
    }
}

fn mount(
    at: impl AsRef<Path>,
    kind: &str,
    source: impl AsRef<Path>,
    options: &[&str],
) -> Result<Mount, SpecError> {
    let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    Ok(MountBuilder::default()
        .destination(at.as_ref())
        .typ(kind)
        .source(source.as_ref())
        .options(options)
        .build()?)
}
