//! Images of an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use longshore_core::fault::Fault;
use longshore_core::image::Image;
use longshore_core::spec::ImageReference;
use longshore_executor::{ExecutorError, Images, OnProgress, PullRequest, Removed};

use crate::client::{Call, Client};
use crate::pull::Pulls;
use crate::shown::{Shown, engine_name, inspect};

/// Images of one engine.
pub(crate) struct DockerImages {
    client: Arc<Client>,
    pulls: Pulls,
}

impl DockerImages {
    pub(crate) fn new(client: Arc<Client>, docker_config: Option<PathBuf>) -> Self {
        Self {
            pulls: Pulls::new(Arc::clone(&client), docker_config),
            client,
        }
    }
}

#[async_trait]
impl Images for DockerImages {
    async fn image(&self, image: &ImageReference) -> Result<Option<Image>, ExecutorError> {
        Ok(inspect(&self.client, image).await?.map(Image::from))
    }

    async fn pull(
        &self,
        request: &PullRequest,
        on_progress: OnProgress,
    ) -> Result<Image, ExecutorError> {
        self.pulls.pull(request, on_progress).await
    }

    async fn list(&self) -> Result<Vec<Image>, ExecutorError> {
        let call = Call::get(
            "/images/json",
            self.client.deadlines().control,
            "list images",
        );
        let listed: Vec<Shown> = self.client.json(call).await?;
        Ok(listed.into_iter().map(Image::from).collect())
    }

    async fn remove(&self, image: &ImageReference) -> Result<Removed, ExecutorError> {
        let name = engine_name(image);
        let deadline = self.client.deadlines().remove;
        let call = Call::delete(
            format!("/images/{name}"),
            deadline,
            format!("remove image {name}"),
        );
        let Err(failure) = self.client.status(call).await else {
            return Ok(Removed::Gone);
        };
        match failure.status() {
            Some(404) => Ok(Removed::WasAbsent),
            Some(409) => Err(failure.as_fault(Fault::Conflict)),
            Some(_) | None => Err(failure.into()),
        }
    }

    async fn import(
        &self,
        _from: &Path,
        _name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, ExecutorError> {
        let text = "images are not imported to a host of this kind: use `docker load` there";
        Err(ExecutorError::new(Fault::Unsupported, text))
    }
}
