//! `images`: what the hosts have, and bringing them more.

use std::sync::Arc;

use futures::future::join_all;
use indicatif::{MultiProgress, ProgressStyle};
use longshore_core::host::Host;
use longshore_core::image::Image;

use crate::args::ImagesCommand;
use crate::backstage::{OnPull, PullWish, Trouble};
use crate::commands::narrate::pull_text;
use crate::commands::{hosts, placement};
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::tables;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

pub(super) async fn run(session: &Session, command: ImagesCommand) -> Result<u8, Failure> {
    match command {
        ImagesCommand::List { host } => list(session, host).await,
        ImagesCommand::Pull {
            image,
            host,
            platform,
        } => {
            let wish = PullWish {
                image: image
                    .parse()
                    .map_err(|invalid| Failure::usage(format!("{invalid}")))?,
                platform: platform
                    .map(|platform| platform.parse())
                    .transpose()
                    .map_err(|invalid| Failure::usage(format!("--platform: {invalid}")))?,
            };
            pull(session, host, wish).await
        }
    }
}

/// The named host, or all; the environment's where the pool has none.
pub(super) async fn places(session: &Session, host: Option<String>) -> Result<Vec<Host>, Failure> {
    let names: Vec<String> = host.into_iter().collect();
    let found = hosts::select(session, &names).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let default = session
        .backstage
        .default_host(session.global.context.as_deref())?;
    Ok(vec![placement::new_host(
        default.name,
        default.kind,
        default.endpoint,
        session.now(),
    )])
}

async fn list(session: &Session, host: Option<String>) -> Result<u8, Failure> {
    let hosts = places(session, host).await?;
    let answers = join_all(hosts.iter().map(|host| session.backstage.images(host))).await;
    let mut rows: Vec<(String, Image)> = Vec::new();
    let mut code = SUCCESS;
    for (host, answer) in hosts.iter().zip(answers) {
        match answer {
            Ok(images) => rows.extend(images.into_iter().map(|image| (host.name.clone(), image))),
            Err(trouble) => {
                complain(session, trouble);
                code = FAILURE;
            }
        }
    }
    if session.global.json {
        let view = |(host, image): &(String, Image)| serde_json::json!({ "schema": SCHEMA, "host": host, "image": image });
        session
            .console
            .print(&views::pretty(&rows.iter().map(view).collect::<Vec<_>>()))?;
    } else {
        session
            .console
            .print(&tables::images(&rows, session.look()))?;
    }
    Ok(code)
}

fn complain(session: &Session, trouble: Trouble) {
    Failure::from(trouble)
        .lines()
        .for_each(|line| session.console.complain(&line));
}

async fn pull(session: &Session, host: Option<String>, wish: PullWish) -> Result<u8, Failure> {
    let hosts = places(session, host).await?;
    let bars = session.console.live_bars();
    let pulls = hosts.iter().map(|host| {
        session
            .console
            .say(&format!("pulling {} on {}", wish.image, host.name));
        session
            .backstage
            .pull(host, wish.clone(), on_pull(&bars, &host.name))
    });
    let answers = join_all(pulls).await;
    bars.clear().ok();
    let mut code = SUCCESS;
    for (host, answer) in hosts.iter().zip(answers) {
        match answer {
            Ok(image) => session
                .console
                .print(&pulled(session, host, &wish, &image))?,
            Err(trouble) => {
                complain(session, trouble);
                code = FAILURE;
            }
        }
    }
    Ok(code)
}

pub(super) fn on_pull(bars: &MultiProgress, host: &str) -> OnPull {
    let bar = bars.add(indicatif::ProgressBar::new_spinner());
    let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_prefix(host.to_owned());
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
