//! The images that tests and the demo use, made from Debian packages of this machine: no registry
//! is asked for anything.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::access::EngineAccess;
use crate::command::{feed, run};
use crate::image_archive::Layer;
use crate::machine_programs;
use crate::places::testbed_dir;

/// The small image: a static busybox with all its applets; where there is none, the few programs of
/// this machine that the demo calls.
pub const DEMO_IMAGE: &str = "demo-image:latest";

/// The larger image: a minimal Debian with a C compiler and make. Only the demo uses it.
pub const DEMO_DEBIAN: &str = "demo-debian:latest";

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n\
    demo:x:1000:1000:demo:/home/demo:/bin/sh\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\ndemo:x:1000:\n";
const FOLDERS: [&str; 9] = [
    "etc",
    "root",
    "home",
    "home/demo",
    "proc",
    "sys",
    "dev",
    "var",
    "usr",
];

/// The archive of [`DEMO_IMAGE`] for `docker load`; written when it is not there yet.
///
/// # Errors
/// When the disk is full.
pub fn demo_image_archive() -> Result<PathBuf> {
    let of = if find_busybox().is_some() {
        "demo-image.tar"
    } else {
        "demo-image-of-this-machine.tar"
    };
    let archive = testbed_dir().join(of);
    if !archive.is_file() {
        fs::create_dir_all(testbed_dir())?;
        demo_layer()?.save(DEMO_IMAGE, &archive)?;
    }
    Ok(archive)
}

/// Loads [`DEMO_IMAGE`] into an engine, unless it is there.
///
/// # Errors
/// As [`demo_image_archive`]; also what the engine says.
pub fn load_demo_image(engine: &EngineAccess) -> Result<()> {
    if has_image(engine, DEMO_IMAGE) {
        return Ok(());
    }
    let archive = demo_image_archive()?;
    feed(engine.docker_command().args(["load", "--quiet"]), &archive).map(drop)
}

/// The root file system of [`DEMO_DEBIAN`] as a tar file; built when it is not there yet, which
/// takes a minute or two and needs root and a Debian mirror.
///
/// # Errors
/// When debootstrap is missing or fails.
pub fn demo_debian_archive() -> Result<PathBuf> {
    let archive = testbed_dir().join("demo-debian.tar");
    if !archive.is_file() {
        fs::create_dir_all(testbed_dir())?;
        build_debian(&archive)?;
    }
    Ok(archive)
}

/// The same as an archive for `docker load`.
///
/// # Errors
/// As [`demo_debian_archive`], or when the disk is full.
pub fn demo_debian_image() -> Result<PathBuf> {
    let archive = testbed_dir().join("demo-debian-image.tar");
    if !archive.is_file() {
        let mut root = File::open(demo_debian_archive()?)?;
        Layer::of(&mut root)?.save(DEMO_DEBIAN, &archive)?;
    }
    Ok(archive)
}

/// Loads [`DEMO_DEBIAN`] into an engine, unless it is there.
///
/// # Errors
/// As [`demo_debian_archive`]; also what the engine says.
pub fn load_demo_debian(engine: &EngineAccess) -> Result<()> {
    if has_image(engine, DEMO_DEBIAN) {
        return Ok(());
    }
    let archive = demo_debian_archive()?;
    let mut import = engine.docker_command();
    import.args(["import", "--change", "CMD [\"bash\"]", "-", DEMO_DEBIAN]);
    feed(&mut import, &archive).map(drop)
}

/// Writes an image whose only layer is a tar file, whatever that holds, as an archive for `docker load`;
/// returns its id.
///
/// # Errors
/// When the file cannot be read, or the disk is full.
pub fn save_image(layer: &Path, name: &str, archive: &Path) -> Result<String> {
    Layer::of(&mut File::open(layer)?)?.save(name, archive)
}

fn has_image(engine: &EngineAccess, image: &str) -> bool {
    engine
        .docker(["image", "inspect", "--format", "{{.Id}}", image])
        .is_ok()
}

fn demo_layer() -> Result<Layer> {
    let mut layer = Layer::new()?;
    for folder in FOLDERS {
        layer.folder(folder, 0o755)?;
    }
    layer.folder("tmp", 0o1777)?;
    layer.folder("bin", 0o755)?;
    layer.file("etc/passwd", 0o644, PASSWD.as_bytes())?;
    layer.file("etc/group", 0o644, GROUP.as_bytes())?;
    match find_busybox() {
        Some(busybox) => add_busybox(&mut layer, &busybox)?,
        None => machine_programs::add(&mut layer)?,
    }
    Ok(layer)
}

fn add_busybox(layer: &mut Layer, busybox: &Path) -> Result<()> {
    let applets = run(Command::new(busybox).arg("--list"))?;
    layer.file("bin/busybox", 0o755, &fs::read(busybox)?)?;
    for applet in applets.lines().filter(|applet| *applet != "busybox") {
        layer.link(&format!("bin/{applet}"), "busybox")?;
    }
    Ok(())
}

/// One that needs no libraries: the image has none.
fn find_busybox() -> Option<PathBuf> {
    let places = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
    let is_static = |place: &PathBuf| run(Command::new("ldd").arg(place)).is_err();
    places
        .into_iter()
        .find(|place| place.is_file() && is_static(place))
}

fn build_debian(archive: &Path) -> Result<()> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let codename = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let suite = codename.map_or("bookworm", |name| name.trim_matches('"'));
    let folder = tempfile::Builder::new()
        .prefix("debian-")
        .tempdir_in(testbed_dir())?;
    let root = folder.path().join("root");
    run(Command::new("debootstrap")
        .args(["--variant=minbase", "--include=gcc,libc6-dev,make", suite])
        .arg(&root)
        .env("PATH", crate::tethered::SYSTEM_PATH))?;
    let unfinished = folder.path().join("root.tar");
    run(Command::new("tar")
        .arg("--directory")
        .arg(&root)
        .args([
            "--exclude=./var/cache/apt/*",
            "--exclude=./var/lib/apt/lists/*",
        ])
        .args([
            "--exclude=./dev/*",
            "--exclude=./proc/*",
            "--exclude=./sys/*",
        ])
        .args([
            "--exclude=./usr/share/doc/*",
            "--numeric-owner",
            "--create",
            "--file",
        ])
        .arg(&unfinished)
        .arg("."))?;
    ensure!(
        unfinished.metadata()?.len() > 50_000_000,
        "debootstrap made almost nothing"
    );
    fs::rename(&unfinished, archive)?;
    Ok(())
}
