//! `images gc`: removes images that longshore pulled and that nothing needs any more.

use std::time::Duration;

use futures::future::join_all;
use longshore_core::collection::Keep;
use longshore_core::limits;
use longshore_core::spec::{ByteSize, TimeLimit};

use crate::args::GcArgs;
use crate::backstage::{Cleanup, Fate, Leftover};
use crate::commands::cleanup;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: GcArgs) -> Result<u8, Failure> {
    let keep = keep(&args)?;
    let doing = if args.dry_run {
        Cleanup::Plan
    } else {
        Cleanup::Apply
    };
    let store = session.store().await?;
    let hosts = super::typed(session, &args.hosts).await?;
    let look = |host| session.backstage.collect_images(store, host, keep, doing);
    let answers = join_all(hosts.iter().map(look)).await;
    let mut found: Vec<(&str, Leftover)> = Vec::new();
    let mut code = SUCCESS;
    for (host, answer) in hosts.iter().zip(answers) {
        match answer {
            Ok(images) => found.extend(images.into_iter().map(|it| (host.name.as_str(), it))),
            Err(trouble) => {
                super::complain(session, trouble);
                code = FAILURE;
            }
        }
    }
    if found.iter().any(|(_, image)| image.fate == Fate::Failed) {
        code = FAILURE;
    }
    cleanup::print(session, &found)?;
    if found.is_empty() {
        let hint = "longshore has pulled none of the images there";
        session.console.say(hint);
    }
    Ok(code)
}

fn keep(args: &GcArgs) -> Result<Keep, Failure> {
    let younger_than = match (&args.older_than, args.keep_storage) {
        (Some(text), _) => age(text)?,
        (None, Some(_)) => Duration::ZERO,
        (None, None) => limits::IMAGE_AGE,
    };
    Ok(Keep {
        younger_than,
        size_bytes: args.keep_storage.map_or(0, ByteSize::bytes),
    })
}

/// A length of time; `0` is one, unlike in limits.
fn age(text: &str) -> Result<Duration, Failure> {
    if matches!(text, "0" | "0s") {
        return Ok(Duration::ZERO);
    }
    let age = text.parse::<TimeLimit>();
    age.map(TimeLimit::duration)
        .map_err(|invalid| Failure::usage(format!("--older-than: {invalid}")))
}
