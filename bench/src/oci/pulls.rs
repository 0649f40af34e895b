//! An image of 100 MB in five layers, pulled and unpacked from a registry on loopback: ours, and
//! `docker pull`, in turns.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Result, ensure};
use longshore_testkit::{
    DEMO_IMAGE, EngineAccess, Registry, RegistryKind, run, shared_engine, temp_dir,
};

use super::ground::Ground;
use crate::figures::{against, median, spread};
use crate::ours::Bench;

const BAR: f64 = 0.5;
const LAYERS: usize = 5;
const FILES: usize = 200;
const FILE_BYTES: usize = 100 * 1024;

pub(super) fn measure(bench: &Bench, rounds: usize) -> Result<()> {
    let engine = shared_engine();
    let registry = Registry::start(&engine, RegistryKind::Open)?;
    let image = large_image(&engine, &registry)?;
    let (mut ours, mut docker) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(by_us(bench, &engine, &image)?);
        docker.push(by_docker(&engine, &image)?);
    }
    println!("pull of 100 MB in 5 layers, embedded, s: {}", spread(&ours));
    println!("the same by docker pull, s: {}", spread(&docker));
    let ratio = median(&ours) / median(&docker);
    println!(
        "embedded ÷ docker pull: {}\n",
        against(ratio, BAR, ratio <= BAR)
    );
    Ok(())
}

/// Made by the engine, pushed, and forgotten by the engine.
fn large_image(engine: &EngineAccess, registry: &Registry) -> Result<String> {
    let folder = temp_dir();
    let mut recipe = vec![format!("FROM {DEMO_IMAGE}")];
    for layer in 0..LAYERS {
        let name = format!("layer-{layer}");
        write_layer(&folder.path().join(&name), layer)?;
        recipe.push(format!("COPY {name} /{name}"));
    }
    fs::write(folder.path().join("Dockerfile"), recipe.join("\n"))?;
    let tag = "longshore-bench-large:latest";
    run(engine
        .docker_command()
        .args(["build", "--quiet", "--tag", tag])
        .arg(folder.path()))?;
    let pushed = registry.push(engine, tag, "bench/large:1");
    engine.docker(["image", "rm", tag])?;
    pushed
}

/// Files of which half can be compressed, as in images of programs.
fn write_layer(folder: &Path, layer: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut rng = fastrand::Rng::with_seed(layer as u64);
    for file in 0..FILES {
        let mut bytes = vec![b'x'; FILE_BYTES];
        rng.fill(&mut bytes[FILE_BYTES / 2..]);
        fs::write(folder.join(file.to_string()), bytes)?;
    }
    Ok(())
}

/// Seconds until the image can be used, from nothing.
fn by_us(bench: &Bench, engine: &EngineAccess, image: &str) -> Result<f64> {
    let ground = Ground::new()?;
    let store = ground.room("store")?;
    bench.call(&store, &["hosts", "add", "bench", &ground.address()])?;
    let mut pull = engine.command_in_network(&bench.binary.display().to_string());
    pull.args(["images", "pull", image, "--hosts", "bench"])
        .env("LONGSHORE_STORE", &store)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    ensure!(pull.status()?.success(), "our pull failed");
    Ok(began.elapsed().as_secs_f64())
}

fn by_docker(engine: &EngineAccess, image: &str) -> Result<f64> {
    let began = Instant::now();
    engine.docker(["pull", "--quiet", image])?;
    let took = began.elapsed().as_secs_f64();
    engine.docker(["image", "rm", image])?;
    Ok(took)
}
