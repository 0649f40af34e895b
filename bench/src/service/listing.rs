//! 500 containers of one engine: one call for all, beside the legacy system's way (`containers.list`
//! of docker-py, which inspects each) and the bare call.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bollard::query_parameters::{CreateContainerOptions, ListContainersOptionsBuilder};
use futures::{StreamExt, TryStreamExt, stream};
use longshore_service::Which;
use longshore_testkit::{LegacyRelease, LegacySite};

use super::{Pool, Site};
use crate::bare::{self, Shape};
use crate::figures::{against, median, spread};

const CONTAINERS: usize = 500;
const AT_ONCE: usize = 8;
/// How many times faster than the legacy way.
const BAR: f64 = 20.0;

pub(super) async fn measure(site: &Site, rounds: usize) -> Result<()> {
    let ids = fill(site).await?;
    let legacy = LegacySite::in_sqlite(LegacyRelease::Last)?;
    let pool = Pool::of(&[site]).await?;
    let (mut ours, mut plain, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    // The first call of each opens its connection.
    ours_once(&pool, site).await?;
    bare_once(site).await?;
    for _ in 0..rounds {
        ours.push(ours_once(&pool, site).await?);
        plain.push(bare_once(site).await?);
        theirs.push(legacy_once(&legacy, site)?);
    }
    println!("list_containers, {CONTAINERS} containers on one engine, milliseconds a call:");
    println!("  longshore          {}", spread(&ours));
    println!("  one bare call      {}", spread(&plain));
    println!("  docker-py, legacy  {}", spread(&theirs));
    let ratio = median(&theirs) / median(&ours);
    println!("  legacy / longshore {}", against(ratio, BAR, ratio >= BAR));
    empty(site, ids).await
}

/// Containers that nothing ever starts.
async fn fill(site: &Site) -> Result<Vec<String>> {
    stream::iter(0..CONTAINERS)
        .map(|_| async {
            let body = bare::body(Shape::Plain, "demo-image:latest", &["/bin/true"]);
            let options = None::<CreateContainerOptions>;
            anyhow::Ok(site.docker.create_container(options, body).await?.id)
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn empty(site: &Site, ids: Vec<String>) -> Result<()> {
    stream::iter(ids)
        .map(|id| async move { bare::remove(&site.docker, &id).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn ours_once(pool: &Pool, site: &Site) -> Result<f64> {
    let began = Instant::now();
    let listed = pool.service.list_containers(&site.host, Which::All).await?;
    let took = milliseconds(began);
    ensure!(
        listed.len() == CONTAINERS,
        "longshore lists {}",
        listed.len()
    );
    Ok(took)
}

async fn bare_once(site: &Site) -> Result<f64> {
    let all = ListContainersOptionsBuilder::new().all(true).build();
    let began = Instant::now();
    let listed = site.docker.list_containers(Some(all)).await?;
    let took = milliseconds(began);
    ensure!(listed.len() == CONTAINERS, "bollard lists {}", listed.len());
    Ok(took)
}

/// The call alone: its process has started and is connected.
fn legacy_once(legacy: &LegacySite, site: &Site) -> Result<f64> {
    let address = format!("ADDRESS = {:?}\n", site.host.endpoint.address);
    let said = legacy.script(&[address.as_str(), LIST].concat())?;
    let mut words = said.split_whitespace();
    let count = words.next().context("the count")?;
    ensure!(count.parse() == Ok(CONTAINERS), "docker-py lists {count}");
    Ok(words.next().context("the time")?.parse()?)
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

const LIST: &str = r"
import time
import docker
client = docker.DockerClient(base_url=ADDRESS)
client.ping()
began = time.perf_counter()
found = client.containers.list(all=True)
print(len(found), (time.perf_counter() - began) * 1000)
";
