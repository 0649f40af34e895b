//! 200 times `check_container_status` on two engines, beside bare inspects, as many at once.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bollard::query_parameters::InspectContainerOptions;
use futures::{StreamExt, TryStreamExt, future, stream};
use longshore_core::JobId;
use longshore_core::limits::BULK_PER_HOST;
use longshore_core::spec::JobSpec;
use longshore_service::ContainerStatus;

use super::{Pool, Site};
use crate::bare;
use crate::figures::{against, median, spread};

const CHECKS: usize = 200;
/// Ours over bare, in time.
const BAR: f64 = 1.2;

/// The ids of a site's containers.
struct Containers<'a> {
    site: &'a Site,
    ids: Vec<String>,
}

pub(super) async fn measure(sites: &[&Site], rounds: usize) -> Result<()> {
    let pool = Pool::of(sites).await?;
    let jobs = pool.running(specs(sites)?).await?;
    let containers: Vec<_> = future::try_join_all(sites.iter().map(|site| of(site))).await?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    // The first calls open the connections.
    ours_once(&pool, &jobs).await?;
    bare_once(&containers).await?;
    for _ in 0..rounds {
        ours.push(ours_once(&pool, &jobs).await?);
        plain.push(bare_once(&containers).await?);
    }
    println!(
        "check_container_status, {CHECKS} running containers on {} engines, {BULK_PER_HOST} at once \
         on each, milliseconds for all:",
        sites.len()
    );
    println!("  longshore          {}", spread(&ours));
    println!("  bare inspects      {}", spread(&plain));
    let ratio = median(&ours) / median(&plain);
    println!("  longshore / bare   {}", against(ratio, BAR, ratio <= BAR));
    end(&containers).await
}

/// As many on each site.
fn specs(sites: &[&Site]) -> Result<Vec<JobSpec>> {
    let hosts = sites.iter().cycle().take(CHECKS);
    hosts
        .map(|site| {
            Ok(JobSpec {
                command: "sleep 3600".parse().context("the command")?,
                host: Some(site.host.name.clone()),
                ..JobSpec::new("demo-image:latest".parse()?)
            })
        })
        .collect()
}

async fn of(site: &Site) -> Result<Containers<'_>> {
    let listed = site.docker.list_containers(None).await?;
    let ids = listed.into_iter().filter_map(|container| container.id);
    let ids: Vec<String> = ids.collect();
    ensure!(!ids.is_empty(), "nothing runs on {}", site.host.name);
    Ok(Containers { site, ids })
}

async fn ours_once(pool: &Pool, jobs: &[JobId]) -> Result<f64> {
    let began = Instant::now();
    let statuses = pool.service.status_all(jobs).await?;
    let took = began.elapsed().as_secs_f64() * 1000.0;
    for (job, status) in statuses {
        let status = status?;
        ensure!(status == ContainerStatus::Running, "{job} is {status}");
    }
    Ok(took)
}

async fn bare_once(containers: &[Containers<'_>]) -> Result<f64> {
    let began = Instant::now();
    future::try_join_all(containers.iter().map(inspect)).await?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

async fn inspect(containers: &Containers<'_>) -> Result<()> {
    let docker = &containers.site.docker;
    stream::iter(&containers.ids)
        .map(|id| async move {
            let shown = docker.inspect_container(id, None::<InspectContainerOptions>);
            let state = shown.await?.state.context("its state")?;
            ensure!(state.running == Some(true), "{id} does not run");
            Ok(())
        })
        .buffer_unordered(BULK_PER_HOST)
        .try_collect()
        .await
}

async fn end(containers: &[Containers<'_>]) -> Result<()> {
    for Containers { site, ids } in containers {
        for id in ids {
            bare::remove(&site.docker, id).await?;
        }
    }
    Ok(())
}
