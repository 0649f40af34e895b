//! What cannot be honoured without an engine; each refusal says what to do instead.

use std::path::Path;

use longshore_core::spec::{ExtraHost, HostAddress, JobSpec, Platform, SecurityOption};
use longshore_core::with_causes;
use longshore_runtime::{check_profile, check_size_bound};

use crate::machine;
use crate::networks::{self, PrivateMeans};
use crate::user;

/// What an engine fills in by itself.
pub(crate) const HOST_GATEWAY: &str =
    "`host-gateway` is a word of engines: name the address, or use a Docker host";

const GPUS: &str = "GPUs need the hooks of an engine: use a Docker host with NVIDIA's toolkit";
const SYSTEM_PATHS: &str = "`systempaths=unconfined` is not offered one by one: use a Docker host, or \
    `--privileged` where the policy allows it";

/// Where the kernel keeps which foreign programs it runs by an emulator.
const EMULATORS: &str = "/proc/sys/fs/binfmt_misc";

/// Everything in `spec` that cannot be honoured here.
///
/// `root` is the folder that containers are to be in.
pub(crate) fn refusals(spec: &JobSpec, means: &PrivateMeans, root: &Path) -> Vec<String> {
    let mut all = Vec::new();
    if spec.gpus.is_some() {
        all.push(GPUS.to_owned());
    }
    let networks = spec.networks.iter();
    all.extend(networks.filter_map(|named| networks::refuse(named, means)));
    if spec.networks.len() > 1 {
        all.push("a container without an engine is in one network: name one".to_owned());
    }
    all.extend(spec.extra_hosts.iter().filter_map(gateway));
    all.extend(spec.security_opt.iter().filter_map(security));
    all.extend(spec.platform.as_ref().and_then(foreign));
    all.extend(spec.storage_opt.size.and_then(|_| unbounded(root)));
    all.extend(machine::unfit(root));
    all.extend(user::refusals(spec));
    all
}

fn gateway(host: &ExtraHost) -> Option<String> {
    match host.address() {
        HostAddress::Ip(_) => None,
        HostAddress::HostGateway => Some(HOST_GATEWAY.to_owned()),
    }
}

fn security(option: &SecurityOption) -> Option<String> {
    match option {
        SecurityOption::NoNewPrivileges(_) => None,
        SecurityOption::Seccomp(profile) if profile == "builtin" || profile == "unconfined" => None,
        SecurityOption::Seccomp(profile) => check_profile(profile).err().map(|why| {
            format!(
                "{}: correct the profile, or leave it out",
                with_causes(&why)
            )
        }),
        SecurityOption::AppArmor(profile) if profile == "unconfined" => None,
        SecurityOption::AppArmor(profile) => Some(format!(
            "the AppArmor profile `{profile}` is not applied without an engine: use a Docker host, \
             or `apparmor=unconfined`"
        )),
        SecurityOption::Label(label) if label == "disable" => None,
        SecurityOption::Label(label) => Some(format!(
            "the SELinux label `{label}` is not applied without an engine: use a host with Docker or \
             Podman, or `label=disable`"
        )),
        SecurityOption::SystemPathsUnconfined => Some(SYSTEM_PATHS.to_owned()),
    }
}

/// A file system that does not bound what a container writes.
fn unbounded(root: &Path) -> Option<String> {
    let why = check_size_bound(root).err()?;
    Some(format!(
        "`storage_opt` cannot bound the root file system in {}: {why}; or leave it out",
        root.display()
    ))
}

/// A platform whose programs this machine cannot run.
fn foreign(platform: &Platform) -> Option<String> {
    let own = machine::platform();
    let runs = platform.os() == own.os()
        && (platform.architecture() == own.architecture()
            || (platform.architecture() == "386" && own.architecture() == "amd64")
            || is_emulated(platform.architecture(), Path::new(EMULATORS)));
    (!runs).then(|| {
        format!(
            "this machine is {own} and cannot run {platform}: use a host of that kind, or install \
             qemu-user-static"
        )
    })
}

fn is_emulated(architecture: &str, folder: &Path) -> bool {
    let of_qemu = match architecture {
        "amd64" => "x86_64",
        "386" => "i386",
        "arm64" => "aarch64",
        "loong64" => "loongarch64",
        other => other,
    };
    folder.join(format!("qemu-{of_qemu}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut JobSpec), wanted: &[&str]) {
        let mut spec = JobSpec::new("i".parse().unwrap());
        change(&mut spec);
        let said = refusals(&spec, &Ok(()), Path::new("/dev/shm/none"));
        assert_eq!(said.len(), wanted.len(), "{said:?}");
        for (said, wanted) in said.iter().zip(wanted) {
            assert!(said.contains(wanted), "{said}");
        }
    }

    fn options(spec: &mut JobSpec, options: &[&str]) {
        spec.security_opt = options.iter().map(|text| text.parse().unwrap()).collect();
    }

    #[test]
    fn a_plain_job_is_refused_nothing() {
        check(|_| {}, &[]);
        check(
            |spec| {
                let plain = [
                    "no-new-privileges=false",
                    "seccomp=unconfined",
                    "apparmor=unconfined",
                    "label=disable",
                ];
                options(spec, &plain);
                spec.privileged = true;
                spec.platform = Some(machine::platform());
            },
            &[],
        );
    }

    #[test]
    fn every_refusal_says_what_to_do_instead() {
        check(
            |spec| spec.gpus = Some("all".parse().unwrap()),
            &["use a Docker host"],
        );
        check(
            |spec| spec.extra_hosts = vec!["me:host-gateway".parse().unwrap()],
            &["name the address"],
        );
        check(
            |spec| options(spec, &["seccomp={}"]),
            &["correct the profile"],
        );
        check(
            |spec| {
                let foreign = ["apparmor=mine", "label=type:t", "systempaths=unconfined"];
                options(spec, &foreign);
            },
            &["apparmor=unconfined", "label=disable", "--privileged"],
        );
        check(
            |spec| spec.networks = vec!["bridge".parse().unwrap(), "bridge".parse().unwrap()],
            &["name one"],
        );
        check(
            |spec| spec.storage_opt.size = Some("1g".parse().unwrap()),
            &["prjquota"],
        );
        check(
            |spec| spec.platform = Some("windows/amd64".parse().unwrap()),
            &["use a host of that kind"],
        );
        check(
            |spec| spec.platform = Some("linux/no-such".parse().unwrap()),
            &["qemu-user-static"],
        );
    }

    #[test]
    fn a_foreign_platform_is_run_where_the_kernel_has_an_emulator() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_emulated("arm64", folder.path()));
        std::fs::write(folder.path().join("qemu-aarch64"), "").unwrap();
        assert!(is_emulated("arm64", folder.path()));
    }
}
