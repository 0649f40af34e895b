//! Images of the mock: there or not, pulled over time with progress, or failing as told.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use longshore_core::fault::{Fault, PullFault};
use longshore_core::image::Image;
use longshore_core::spec::ImageReference;

use super::MockExecutor;
use super::clock::after;
use super::knobs::{Call, ImageKnobs, Registry};
use super::shelf::progress;
use crate::{ExecutorError, Images, OnProgress, PullRequest, Removed};

/// In how many steps the progress of a pull is shown.
const STEPS: u32 = 10;

#[async_trait]
impl Images for MockExecutor {
    async fn image(&self, image: &ImageReference) -> Result<Option<Image>, ExecutorError> {
        self.call(Call::Image, |world, _| {
            Ok(world.shelf.describe(&world.knobs, image))
        })
        .await
    }

    async fn pull(
        &self,
        request: &PullRequest,
        on_progress: OnProgress,
    ) -> Result<Image, ExecutorError> {
        let pulled = async {
            let (began_at, knobs) = self
                .disturbed(Call::Pull, |world, now| {
                    let knobs = world.shelf.knobs(&world.knobs, &request.image);
                    Ok((world.shelf.join_pull(&request.image, now), knobs))
                })
                .await?;
            let result = self.transfer(request, began_at, &knobs, &on_progress).await;
            self.finish_pull(request, began_at, result)
        };
        match self.within(Some(request.total), Call::Pull, pulled).await {
            Err(error) if error.fault() == Fault::TimedOut => {
                Err(pull_error(request, PullFault::TimedOut))
            }
            result => result,
        }
    }

    async fn list(&self) -> Result<Vec<Image>, ExecutorError> {
        self.call(Call::Image, |world, _| {
            Ok(world.shelf.describe_all(&world.knobs))
        })
        .await
    }

    async fn remove(&self, image: &ImageReference) -> Result<Removed, ExecutorError> {
        self.call(Call::Image, |world, _| {
            if !world.shelf.has(&world.knobs, image) {
                return Ok(Removed::WasAbsent);
            }
            let name = image.canonical();
            if world
                .containers()
                .any(|container| container.image.canonical() == name)
            {
                let message = format!("remove {image}: a container uses the image");
                return Err(ExecutorError::new(Fault::Conflict, message));
            }
            world.shelf.take(image);
            Ok(Removed::Gone)
        })
        .await
    }

    async fn import(
        &self,
        _from: &Path,
        _name: Option<&ImageReference>,
    ) -> Result<Vec<Image>, ExecutorError> {
        let text = "a mock has the images that its knobs say, and no others";
        Err(ExecutorError::new(Fault::Unsupported, text))
    }
}

impl MockExecutor {
    /// Brings the image here over time; says what stopped it otherwise.
    async fn transfer(
        &self,
        request: &PullRequest,
        began_at: Timestamp,
        knobs: &ImageKnobs,
        on_progress: &OnProgress,
    ) -> Result<(), ExecutorError> {
        let last_step = match knobs.registry {
            Registry::Serves => STEPS,
            Registry::Stalls => STEPS / 2,
            Registry::Fails(fault) => {
                let message = format!("pull {}: {}", request.image, fault.describe());
                return Err(ExecutorError::new(fault, message));
            }
        };
        for step in 1..=last_step {
            let share = f64::from(step) / f64::from(STEPS);
            let due = after(began_at, knobs.pull_time.mul_f64(share));
            self.idle_until(request, due).await?;
            on_progress(&progress(knobs, share));
        }
        if last_step == STEPS {
            return Ok(());
        }
        self.idle_until(request, None).await
    }

    /// Waits for the next progress, but not longer than the request allows for none.
    async fn idle_until(
        &self,
        request: &PullRequest,
        due: Option<Timestamp>,
    ) -> Result<(), ExecutorError> {
        let waiting = self.host.clock.wait_until(due);
        let idle = request.idle.min(Duration::from_secs(u32::MAX.into()));
        let waited = tokio::time::timeout(idle, waiting).await;
        waited.map_err(|_| pull_error(request, PullFault::TimedOut))
    }

    fn finish_pull(
        &self,
        request: &PullRequest,
        began_at: Timestamp,
        result: Result<(), ExecutorError>,
    ) -> Result<Image, ExecutorError> {
        self.look(|world, _| {
            world.shelf.end_pull(&request.image, began_at);
            result?;
            world.shelf.put(&request.image);
            let image = world.shelf.describe(&world.knobs, &request.image);
            image.ok_or_else(|| pull_error(request, PullFault::Other))
        })
    }
}

fn pull_error(request: &PullRequest, fault: PullFault) -> ExecutorError {
    let fault = Fault::ImagePull(fault);
    ExecutorError::new(
        fault,
        format!("pull {}: {}", request.image, fault.describe()),
    )
}
