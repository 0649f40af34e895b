//! What else is ours on a host: anonymous volumes, networks, images. Plan apart from doing.

use longshore_core::fault::Fault;
use longshore_core::host::Host;
use longshore_core::spec::ImageReference;
use longshore_executor::{ExecutorError, Removed, Resource};
use longshore_store::PulledImage;

use crate::cleanup::{Cleanup, Condemned, Swept};
use crate::error::ServiceError;
use crate::place::Place;
use crate::service::DockerService;

const TRIED: &str = "cleaning up resources failed";

/// Everything of ours on a host that may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Containers.
    pub containers: Vec<Condemned>,
    /// Volumes, networks and images with our label.
    pub resources: Vec<Resource>,
    /// Images that we pulled.
    pub images: Vec<PulledImage>,
}

/// What became of everything that may go.
#[derive(Debug, Default)]
pub struct Cleared {
    /// Containers.
    pub containers: Vec<Swept>,
    /// Volumes, networks and images with our label.
    pub resources: Vec<(Resource, Fate)>,
    /// Images that we pulled.
    pub images: Vec<(PulledImage, Fate)>,
}

/// What became of a thing that may go.
#[derive(Debug)]
pub enum Fate {
    /// It is gone.
    Gone,
    /// It was gone already.
    WasAbsent,
    /// Something uses it: it stays.
    InUse,
    /// The host did not do it.
    Failed(ServiceError),
}

impl DockerService {
    /// What of ours on the host may go. Something that only containers of the plan use may go with
    /// them; what others use stays, and is shown as in use.
    ///
    /// # Errors
    /// The host cannot be spoken to, or the store cannot be used.
    pub async fn plan_resources(
        &self,
        host: &Host,
        cleanup: Cleanup,
    ) -> Result<Leftovers, ServiceError> {
        let containers = self.plan_cleanup(host, cleanup).await?;
        let resources = self.resources_of(&*self.place(host)?).await?;
        let old = |resource: &Resource| {
            let created_at = resource.created_at;
            created_at.is_none_or(|created_at| created_at < cleanup.cutoff)
        };
        let images = self.store().pulled_images(host.id).await?;
        Ok(Leftovers {
            containers,
            resources: resources.into_iter().filter(old).collect(),
            images: images
                .into_iter()
                .filter(|image| image.pulled_at < cleanup.cutoff)
                .collect(),
        })
    }

    /// Removes what a plan says, containers first; what is in use then stays.
    ///
    /// # Errors
    /// The host's record cannot be used.
    pub async fn apply_resources(
        &self,
        host: &Host,
        plan: Leftovers,
    ) -> Result<Cleared, ServiceError> {
        let place = self.place(host)?;
        let mut cleared = Cleared {
            containers: self.apply_cleanup(host, plan.containers).await?,
            ..Cleared::default()
        };
        for resource in plan.resources {
            let fate = place.remove_resource(&resource).await;
            cleared.resources.push((resource, fate));
        }
        for image in plan.images {
            let fate = self.remove_image(&place, &image).await;
            cleared.images.push((image, fate));
        }
        Ok(cleared)
    }

    async fn resources_of(&self, place: &Place) -> Result<Vec<Resource>, ServiceError> {
        let (inventory, pool) = (place.inventory(TRIED)?, self.store().pool());
        let found = place.call(|| inventory.resources(pool)).await;
        found.map_err(|error| place.error(TRIED, error))
    }

    async fn remove_image(&self, place: &Place, image: &PulledImage) -> Fate {
        let fate = place.remove_image(&image.image).await;
        if let Fate::Gone | Fate::WasAbsent = fate
            && let Err(error) = self.store().forget_pull(place.host.id, &image.image).await
        {
            return Fate::Failed(error.into());
        }
        fate
    }
}

impl Place {
    async fn remove_resource(&self, resource: &Resource) -> Fate {
        let inventory = match self.inventory(TRIED) {
            Ok(inventory) => inventory,
            Err(error) => return Fate::Failed(error),
        };
        let removed = self.call(|| inventory.remove_resource(resource)).await;
        self.fate(removed)
    }

    async fn remove_image(&self, image: &str) -> Fate {
        let images = match self.images(TRIED) {
            Ok(images) => images,
            Err(error) => return Fate::Failed(error),
        };
        // What cannot be read was not pulled by us.
        let Ok(image) = image.parse::<ImageReference>() else {
            return Fate::WasAbsent;
        };
        let removed = self.call(|| images.remove(&image)).await;
        self.fate(removed)
    }

    fn fate(&self, removed: Result<Removed, ExecutorError>) -> Fate {
        match removed {
            Ok(Removed::Gone | Removed::Pending) => Fate::Gone,
            Ok(Removed::WasAbsent) => Fate::WasAbsent,
            Err(error) if error.fault() == Fault::Conflict => Fate::InUse,
            Err(error) => Fate::Failed(self.error(TRIED, error)),
        }
    }
}
