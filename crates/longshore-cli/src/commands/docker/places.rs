//! What is asked of hosts: pull, health, version.

use futures::future::join_all;
use longshore_core::host::Host;
use longshore_core::spec::ImageReference;
use longshore_service::PullWish;

use super::{Desk, together};
use crate::args::{PullArgs, SomeHosts};
use crate::commands::hosts;
use crate::commands::images::on_pull;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::moments;
use crate::render::views::{self, SCHEMA};

pub(super) async fn pull(desk: &Desk<'_>, args: PullArgs) -> Result<u8, Failure> {
    let image: ImageReference = args
        .image
        .parse()
        .map_err(|invalid| Failure::usage(format!("{invalid}")))?;
    let limit = args.timeout.as_deref().map(moments::parse_duration);
    let limit = limit
        .transpose()
        .map_err(|text| Failure::usage(format!("--timeout: {text}")))?;
    let console = &desk.session.console;
    let bars = console.live_bars();
    let hosts = desk.hosts(args.host).await?;
    let pulls = hosts.iter().map(|host| {
        console.say(&format!("pulling {image} on {}", host.name));
        let standard = PullWish::default();
        let wish = PullWish {
            limit: limit.unwrap_or(standard.limit),
            on_progress: on_pull(&bars, &host.name),
            ..standard
        };
        desk.service.pull_image(host, &image, wish)
    });
    let answers = join_all(pulls).await;
    bars.clear().ok();
    let mut codes = Vec::new();
    for (host, answer) in hosts.iter().zip(answers) {
        codes.push(match answer {
            Ok(_) => {
                tell(desk, host, &image.to_string())?;
                SUCCESS
            }
            Err(error) => desk.complain(&error.into()),
        });
    }
    Ok(together(codes))
}

pub(super) async fn health(desk: &Desk<'_>, args: SomeHosts) -> Result<u8, Failure> {
    let hosts = some(desk, &args).await?;
    let checks = hosts.iter().map(|host| desk.service.health_check(host));
    let mut codes = Vec::new();
    for (host, is_healthy) in hosts.iter().zip(join_all(checks).await) {
        let (word, code) = if is_healthy {
            ("healthy", SUCCESS)
        } else {
            ("unhealthy", FAILURE)
        };
        tell(desk, host, word)?;
        codes.push(code);
    }
    let code = together(codes);
    if code != SUCCESS {
        desk.session
            .console
            .say("`longshore hosts check` says what is wrong");
    }
    Ok(code)
}

pub(super) async fn version(desk: &Desk<'_>, args: SomeHosts) -> Result<u8, Failure> {
    let hosts = some(desk, &args).await?;
    let asked = hosts
        .iter()
        .map(|host| desk.service.get_docker_version(host));
    let mut codes = Vec::new();
    for (host, version) in hosts.iter().zip(join_all(asked).await) {
        codes.push(match version {
            Ok(version) => {
                tell(desk, host, &version)?;
                SUCCESS
            }
            Err(error) => desk.complain(&error.into()),
        });
    }
    Ok(together(codes))
}

/// The named hosts, or all; the environment's where the pool has none.
async fn some(desk: &Desk<'_>, args: &SomeHosts) -> Result<Vec<Host>, Failure> {
    if args.names.is_empty() {
        return desk.hosts(None).await;
    }
    hosts::select(desk.session, &args.names).await
}

fn tell(desk: &Desk<'_>, host: &Host, answer: &str) -> Result<(), Failure> {
    let line = if desk.session.global.json {
        let view = serde_json::json!({ "schema": SCHEMA, "host": host.name, "answer": answer });
        views::line(&view)
    } else {
        format!("{}: {answer}", host.name)
    };
    Ok(desk.session.console.print(&line)?)
}
