//! `images`: what the hosts have, bringing them more, and taking away what nothing needs.

use std::sync::Arc;

use futures::future::join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use longshore_core::census::ImageNames;
use longshore_core::host::Host;
use longshore_core::image::Image;
use longshore_core::spec::{ImageReference, Platform};
use longshore_store::PulledImage;

use crate::args::{ImagesCommand, OnHosts};
use crate::backstage::{OnPull, PullWish, Told, Trouble};
use crate::commands::narrate::pull_text;
use crate::commands::{hosts, placement};
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::image_view::ImageRow;
use crate::render::tables;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

mod gc;
mod shelf;

pub(super) async fn run(session: &Session, command: ImagesCommand) -> Result<u8, Failure> {
    match command {
        ImagesCommand::List { hosts } => list(session, hosts).await,
        ImagesCommand::Pull {
            images,
            hosts,
            platform,
        } => pull(session, hosts, wishes(&images, platform.as_deref())?).await,
        ImagesCommand::Import { file, name, hosts } => {
            let file = session.around.path(&file);
            let name = name.as_deref().map(reference).transpose()?;
            let hosts = typed(session, &hosts).await?;
            shelf::import(session, hosts, &file, name.as_ref()).await
        }
        ImagesCommand::Rm { images, hosts } => {
            let names = images.iter().map(|image| reference(image));
            let names = names.collect::<Result<Vec<_>, _>>()?;
            let hosts = typed(session, &hosts).await?;
            shelf::remove(session, hosts, &names).await
        }
        ImagesCommand::Gc(args) => gc::run(session, args).await,
    }
}

fn wishes(images: &[String], platform: Option<&str>) -> Result<Vec<PullWish>, Failure> {
    let platform: Option<Platform> = platform
        .map(str::parse)
        .transpose()
        .map_err(|invalid| Failure::usage(format!("--platform: {invalid}")))?;
    let wish = |image: &String| {
        let platform = platform.clone();
        let image = reference(image)?;
        Ok(PullWish { image, platform })
    };
    images.iter().map(wish).collect()
}

fn reference(image: &str) -> Result<ImageReference, Failure> {
    let parsed = image.parse();
    parsed.map_err(|invalid| Failure::usage(format!("{invalid}")))
}

/// The named hosts, or all; the environment's where the pool has none.
pub(super) async fn places(session: &Session, names: &[String]) -> Result<Vec<Host>, Failure> {
    let found = hosts::select(session, names).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let default = session
        .backstage
        .default_host(session.global.context.as_deref())?;
    if let Some(note) = &default.note {
        session.console.say(note);
    }
    Ok(vec![placement::new_host(
        default.name,
        default.kind,
        default.endpoint,
        session.now(),
    )])
}

/// The hosts that were typed; `all` is what it says, unless a host has that name.
async fn typed(session: &Session, typed: &OnHosts) -> Result<Vec<Host>, Failure> {
    let names: &[String] = match typed.hosts.as_slice() {
        [all] if all == "all" => match session.store().await?.host_by_name(all).await {
            Ok(host) => return Ok(vec![host]),
            Err(_) => &[],
        },
        names => names,
    };
    places(session, names).await
}

async fn list(session: &Session, hosts: OnHosts) -> Result<u8, Failure> {
    let hosts = typed(session, &hosts).await?;
    let answers = join_all(hosts.iter().map(|host| session.backstage.images(host))).await;
    let mut rows = Vec::new();
    let mut code = SUCCESS;
    for (host, answer) in hosts.iter().zip(answers) {
        match answer {
            Ok(images) => rows.extend(with_records(session, host, images).await?),
            Err(trouble) => {
                complain(session, trouble);
                code = FAILURE;
            }
        }
    }
    if session.global.json {
        let shown: Vec<_> = rows.iter().map(ImageRow::view).collect();
        session.console.print(&views::pretty(&shown))?;
    } else {
        session
            .console
            .print(&tables::images(&rows, session.look()))?;
    }
    Ok(code)
}

/// The images of a host with what the pool knows of each.
async fn with_records(
    session: &Session,
    host: &Host,
    images: Vec<Image>,
) -> Result<Vec<ImageRow>, Failure> {
    let records = session.store().await?.pulled_images(host.id).await?;
    let row = |image: Image| {
        let names = ImageNames::of(std::slice::from_ref(&image));
        let is_its = |record: &&PulledImage| {
            let name = record.image.parse::<ImageReference>();
            name.is_ok_and(|name| names.has(&name))
        };
        let last_used_at = records.iter().filter(is_its).map(|record| record.used_at);
        ImageRow {
            host: host.name.clone(),
            last_used_at: last_used_at.max(),
            image,
        }
    };
    Ok(images.into_iter().map(row).collect())
}

fn complain(session: &Session, trouble: Trouble) {
    Failure::from(trouble)
        .lines()
        .for_each(|line| session.console.complain(&line));
}

/// All images to all hosts; on each host one after the other.
async fn pull(session: &Session, hosts: OnHosts, wishes: Vec<PullWish>) -> Result<u8, Failure> {
    let hosts = typed(session, &hosts).await?;
    let bars = session.console.live_bars();
    let pulls = hosts
        .iter()
        .map(|host| pull_to(session, host, &wishes, &bars));
    let codes = join_all(pulls).await;
    bars.clear().ok();
    codes
        .into_iter()
        .try_fold(SUCCESS, |worst, code| Ok(worst.max(code?)))
}

async fn pull_to(
    session: &Session,
    host: &Host,
    wishes: &[PullWish],
    bars: &MultiProgress,
) -> Result<u8, Failure> {
    let store = session.store().await?;
    let mut code = SUCCESS;
    for wish in wishes {
        let text = format!("pulling {} on {}", wish.image, host.name);
        session.console.say(&text);
        let told = told(bars, &host.name);
        match session
            .backstage
            .pull(store, host, wish.clone(), told)
            .await
        {
            Ok(image) => session
                .console
                .print(&pulled(session, host, wish, &image))?,
            Err(trouble) => {
                complain(session, trouble);
                code = FAILURE;
            }
        }
    }
    Ok(code)
}

fn told(bars: &MultiProgress, host: &str) -> Told {
    let bar = bar(bars, host);
    let waiting = bar.clone();
    Told {
        progress: shows(bar),
        waits: Arc::new(move |text| {
            waiting.set_message(text.to_owned());
            waiting.tick();
        }),
    }
}

pub(super) fn on_pull(bars: &MultiProgress, host: &str) -> OnPull {
    shows(bar(bars, host))
}

fn bar(bars: &MultiProgress, host: &str) -> ProgressBar {
    let bar = bars.add(ProgressBar::new_spinner());
    let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_prefix(host.to_owned());
    bar
}

fn shows(bar: ProgressBar) -> OnPull {
    Arc::new(move |progress| {
        bar.set_message(pull_text(progress));
        bar.tick();
    })
}

fn pulled(session: &Session, host: &Host, wish: &PullWish, image: &Image) -> String {
    if session.global.json {
        return views::line(
            &serde_json::json!({ "schema": SCHEMA, "host": host.name, "image": image }),
        );
    }
    let wanted = wish.image.to_string();
    let digest = image.digests.first().unwrap_or(&wanted);
    format!("{}: {digest}", host.name)
}
