//! `images import` and `images rm`: what people put on the hosts and take away themselves.

use std::path::Path;

use longshore_core::host::Host;
use longshore_core::spec::ImageReference;

use super::complain;
use crate::exit_code::{FAILURE, SUCCESS};
use crate::failure::Failure;
use crate::render::views::{self, SCHEMA};
use crate::session::Session;

/// Brings the images of a file to each of the hosts.
pub(super) async fn import(
    session: &Session,
    hosts: Vec<Host>,
    file: &Path,
    name: Option<&ImageReference>,
) -> Result<u8, Failure> {
    let mut code = SUCCESS;
    for host in &hosts {
        match session.backstage.import_images(host, file, name).await {
            Ok(images) => {
                for image in images {
                    let names = image.tags.iter().chain(&image.digests);
                    let shown = names.clone().next().unwrap_or(&image.id);
                    show(session, host, "image", &image, shown)?;
                }
            }
            Err(trouble) => {
                complain(session, trouble);
                code = FAILURE;
            }
        }
    }
    Ok(code)
}

/// Takes these images away from each of the hosts.
pub(super) async fn remove(
    session: &Session,
    hosts: Vec<Host>,
    images: &[ImageReference],
) -> Result<u8, Failure> {
    let mut code = SUCCESS;
    for host in &hosts {
        for image in images {
            match session.backstage.remove_image(host, image).await {
                Ok(true) => show(session, host, "removed", image, &image.to_string())?,
                Ok(false) => {
                    let text = format!("{}: there is no image {image}", host.name);
                    session.console.complain(&text);
                    code = FAILURE;
                }
                Err(trouble) => {
                    complain(session, trouble);
                    code = FAILURE;
                }
            }
        }
    }
    Ok(code)
}

fn show(
    session: &Session,
    host: &Host,
    key: &str,
    value: &impl serde::Serialize,
    text: &str,
) -> Result<(), Failure> {
    let line = if session.global.json {
        views::line(&serde_json::json!({ "schema": SCHEMA, "host": host.name, key: value }))
    } else {
        format!("{}: {text}", host.name)
    };
    session.console.print(&line)?;
    Ok(())
}
