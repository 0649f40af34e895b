//! Debian packages that chores need: found out, explained, installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use longshore_testkit::{postgres_programs, run};

use crate::steps::say;

/// A program, the package that it comes in, and what it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

const fn need(program: &'static str, package: &'static str, why: &'static str) -> Need {
    Need {
        program,
        package,
        why,
    }
}

/// What a private engine and the small image need.
pub(crate) const FOR_ENGINE: &[Need] = &[
    need("dockerd", "docker.io", "private container engines"),
    need(
        "docker",
        "docker-cli",
        "the docker command, to load images with",
    ),
    need("iptables", "iptables", "networks of private engines"),
    need("ip", "iproute2", "networks of private engines"),
    need("busybox", "busybox-static", "the test image"),
];

/// What tests need, besides an engine.
pub(crate) const FOR_TESTS: &[Need] = &[
    need(
        "docker-registry",
        "docker-registry",
        "pulls from a real registry",
    ),
    need("htpasswd", "apache2-utils", "a registry with passwords"),
    need("openssl", "openssl", "certificates for TLS"),
    need("sshd", "openssh-server", "engines reached by ssh"),
    need("ssh", "openssh-client", "engines reached by ssh"),
    need("faketime", "faketime", "clocks that jump"),
    need(
        "nft",
        "nftables",
        "networks of containers without an engine",
    ),
    need("mke2fs", "e2fsprogs", "disks that are full"),
    need(
        "newuidmap",
        "uidmap",
        "images with several users, without an engine and without root",
    ),
    need("ps", "procps", "checks that nothing is left behind"),
    need("initdb", "postgresql", "databases on a server"),
    need("python3", "python3-venv", "the system to import from"),
    DEBOOTSTRAP,
];

/// What a guest machine is made with, besides what is unpacked for it.
pub(crate) const FOR_GUEST: &[Need] = &[
    need(
        "busybox",
        "busybox-static",
        "the guest's programs and the test image",
    ),
    need(
        "strip",
        "binutils",
        "a binary that fits into the guest's memory",
    ),
    need("dpkg-deb", "dpkg", "unpacking QEMU and a kernel"),
    need(
        "mkfs.ext4",
        "e2fsprogs",
        "a file system that bounds folders",
    ),
    need("unshare", "util-linux", "namespaces in the guest"),
];

/// What a database server needs.
pub(crate) const FOR_POSTGRES: &[Need] = &[need("initdb", "postgresql", "databases on a server")];

/// What other queues need to be installed, to be measured beside ours.
pub(crate) const FOR_OTHER_QUEUES: &[Need] = &[
    need("python3", "python3-venv", "other queues, written in Python"),
    need("node", "nodejs", "other queues, written for Node"),
    need("npm", "npm", "other queues, written for Node"),
];

/// What the demo needs, besides an engine.
pub(crate) const FOR_DEMO_IMAGES: &[Need] = &[
    need("docker", "docker-cli", "loading the images"),
    need("busybox", "busybox-static", "the small image"),
    DEBOOTSTRAP,
];

/// What the demo's Debian image needs.
pub(crate) const FOR_DEMO_DEBIAN: &[Need] = &[DEBOOTSTRAP];

const DEBOOTSTRAP: Need = need(
    "debootstrap",
    "debootstrap",
    "the Debian image with a C compiler",
);

const FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Units that these packages would start; our own servers are private ones.
const UNITS: [&str; 6] = [
    "docker.service",
    "docker.socket",
    "docker-registry.service",
    "postgresql.service",
    "ssh.service",
    "ssh.socket",
];
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Debian's tools for PostgreSQL read files in this folder before they make a cluster.
const CLUSTERS: &str = "/etc/postgresql-common/createcluster.d";

/// Installs what is missing, or says what to install.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !is_there(need)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        say(&format!(
            "missing: {} (package {}), for {}",
            need.program, need.package, need.why
        ));
    }
    let named: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !rustix::process::geteuid().is_root() {
        let named = named.join(" ");
        bail!("not root. Install it: sudo apt-get install --no-install-recommends {named}");
    }
    if !in_folders("apt-get") {
        bail!(
            "no apt-get here. Install what Debian calls: {}",
            named.join(" ")
        );
    }
    apt_get(&["update"])?;
    install(&missing.into_iter().map(package_of).collect::<BTreeSet<_>>())
}

/// Is all of it installed?
pub(crate) fn are_there(needs: &[Need]) -> bool {
    needs.iter().all(is_there)
}

/// Is `program` in one of the folders where systems keep theirs?
pub(crate) fn in_folders(program: &str) -> bool {
    FOLDERS
        .iter()
        .any(|folder| Path::new(folder).join(program).is_file())
}

fn is_there(need: &Need) -> bool {
    match need.program {
        // The image has no libraries, so a busybox that wants some is of no use.
        "busybox" => {
            let wants_libraries = |path: &str| run(Command::new("ldd").arg(path)).is_ok();
            in_folders("busybox") && !wants_libraries("/bin/busybox")
        }
        "initdb" => postgres_programs().is_some(),
        // Debian's python3 alone makes no environments that packages can be installed in.
        "python3" => run(Command::new("python3").args(["-c", "import ensurepip"])).is_ok(),
        program => in_folders(program),
    }
}

/// Before Debian 13 the docker command was part of docker.io.
fn package_of(need: &Need) -> &'static str {
    let known = |package: &str| {
        run(Command::new("apt-cache").args(["show", package])).is_ok_and(|text| !text.is_empty())
    };
    if need.package == "docker-cli" && !known("docker-cli") {
        return "docker.io";
    }
    need.package
}

fn install(packages: &BTreeSet<&str>) -> Result<()> {
    let packages: Vec<&str> = packages.iter().copied().collect();
    say(&format!(
        "installing: apt-get install --no-install-recommends {}",
        packages.join(" ")
    ));
    let before: Vec<&str> = UNITS.into_iter().filter(|unit| has_unit(unit)).collect();
    let quiet = QuietServices::begin()?;
    let clusterless = packages.contains(&"postgresql").then(NoCluster::begin);
    let clusterless = clusterless.transpose()?;
    let installed =
        apt_get(&[&["install", "-y", "--no-install-recommends"], &packages[..]].concat());
    drop((quiet, clusterless));
    for unit in UNITS
        .into_iter()
        .filter(|unit| has_unit(unit) && !before.contains(unit))
    {
        // Without systemd there is nothing to switch off.
        let _ = run(Command::new("systemctl").args(["disable", unit]));
    }
    installed
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    run(command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive"))
    .map(drop)
}

fn has_unit(unit: &str) -> bool {
    let folders = ["/lib/systemd/system", "/usr/lib/systemd/system"];
    folders
        .iter()
        .any(|folder| Path::new(folder).join(unit).exists())
}

/// While this lives, newly installed packages do not start their services: nobody who runs a chore
/// asked for an SSH server. An existing policy of the machine is left alone.
struct QuietServices {
    ours: bool,
}

impl QuietServices {
    fn begin() -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for QuietServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

/// While this lives, a newly installed PostgreSQL makes no cluster for the machine: tests have
/// clusters of their own.
struct NoCluster {
    file: PathBuf,
}

impl NoCluster {
    fn begin() -> Result<Self> {
        let file = Path::new(CLUSTERS).join("longshore.conf");
        fs::create_dir_all(CLUSTERS)?;
        fs::write(&file, "create_main_cluster = false\n")?;
        Ok(Self { file })
    }
}

impl Drop for NoCluster {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed() {
        ensure(&[need("sh", "dash", "nothing")]).unwrap();
    }

    #[test]
    fn a_program_that_nobody_has_is_missing() {
        assert!(!is_there(&need("no-such-program", "none", "nothing")));
    }
}
