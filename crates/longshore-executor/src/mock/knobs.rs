//! The knobs of the mock host itself: what it is, which images it has, how its calls fail.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use longshore_core::PoolId;
use longshore_core::fault::Fault;
use longshore_core::host::HostFacts;
use longshore_core::launch::Launch;
use longshore_core::limits::{
    CONTROL_CALL, LAUNCH_CALL, PROBE_CALL, REMOVE_CALL, STOP_SLACK, USAGE_CALL,
};
use longshore_core::spec::ImageReference;

use super::behaviour::{Behaviour, Selector};
use crate::{Capabilities, Resource};

/// Everything about a mock host that can be set; all of it may be changed while it runs.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// What the host's clock shows when the mock is made; it runs on with tokio's clock. Read once.
    pub base: Timestamp,
    /// Seed of everything that is drawn. Read once.
    pub seed: u64,
    /// How containers behave; the last selector that matches wins.
    pub behaviours: Vec<(Selector, Behaviour)>,
    /// Images with knobs of their own, by canonical name.
    pub images: BTreeMap<String, ImageKnobs>,
    /// Every other image.
    pub other_images: ImageKnobs,
    /// What a probe finds; the start of the engine and the latency are filled in. A clock skew is
    /// only reported: give another `base` to have time stamps agree with it.
    pub facts: HostFacts,
    /// Volumes, networks and images that pools left here, beside anonymous volumes of containers.
    /// A container of a pool that names one of them uses it, whatever is said here.
    pub resources: Vec<(PoolId, Resource)>,
    /// What the executor can do.
    pub capabilities: Capabilities,
    /// What it says to be unable to do, whatever the spec.
    pub unsupported: Vec<String>,
    /// How long each call takes.
    pub latency: Duration,
    /// How long a removal takes; meanwhile it is pending and the container is being removed.
    pub removal_time: Duration,
    /// Events are lost, so that ends are found by looking only.
    pub drops_events: bool,
    /// A reader that follows a running container never gets its last frame.
    pub follow_loses_last_frame: bool,
}

impl Knobs {
    /// A healthy host whose clock shows `base`: every image is there and every container ends at
    /// once with 0.
    pub fn new(base: Timestamp) -> Self {
        Self {
            base,
            seed: 0,
            behaviours: Vec::new(),
            images: BTreeMap::new(),
            other_images: ImageKnobs::default(),
            facts: facts(),
            resources: Vec::new(),
            capabilities: Capabilities {
                resource_limits: true,
                networking: true,
                volumes: true,
                bind_mounts: true,
                gpu: true,
            },
            unsupported: Vec::new(),
            latency: Duration::ZERO,
            removal_time: Duration::ZERO,
            drops_events: false,
            follow_loses_last_frame: false,
        }
    }

    /// Lets the containers that `selector` means behave like this, instead of what was said before.
    #[must_use]
    pub fn with(mut self, selector: Selector, behaviour: Behaviour) -> Self {
        self.behave(selector, behaviour);
        self
    }

    /// See [`Knobs::with`].
    pub fn behave(&mut self, selector: Selector, behaviour: Behaviour) {
        self.behaviours.retain(|(known, _)| *known != selector);
        self.behaviours.push((selector, behaviour));
    }

    /// The knobs of one image; as the others until changed.
    pub fn image(&mut self, image: &ImageReference) -> &mut ImageKnobs {
        let others = &self.other_images;
        self.images
            .entry(image.canonical())
            .or_insert_with(|| others.clone())
    }

    /// How the container of this launch behaves.
    pub(super) fn behaviour_for(&self, launch: &Launch) -> Behaviour {
        let chosen = self
            .behaviours
            .iter()
            .rev()
            .find(|(selector, _)| selector.matches(launch));
        chosen
            .map(|(_, behaviour)| behaviour.clone())
            .unwrap_or_default()
    }
}

/// What the registry says about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registry {
    /// Serves it.
    Serves,
    /// Begins to serve it and falls silent halfway.
    Stalls,
    /// Fails at once: not found, denied, or an image pull fault.
    Fails(Fault),
}

/// One image of a mock host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageKnobs {
    /// It is on the host before anybody pulls it.
    pub on_host: bool,
    /// What the registry says about it.
    pub registry: Registry,
    /// How long a pull takes; progress comes in steps over that time.
    pub pull_time: Duration,
    /// Its size.
    pub size_bytes: u64,
    /// How many layers a pull shows.
    pub layers: u32,
}

impl Default for ImageKnobs {
    fn default() -> Self {
        Self {
            on_host: true,
            registry: Registry::Serves,
            pull_time: Duration::ZERO,
            size_bytes: 8 << 20,
            layers: 2,
        }
    }
}

/// A kind of call, to be counted and to be disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// `probe`.
    Probe,
    /// `find`.
    Find,
    /// `create`.
    Create,
    /// `start`.
    Start,
    /// `observe`.
    Observe,
    /// `events`, its opening.
    Events,
    /// `logs`, its opening.
    Logs,
    /// `restarted_since`.
    RestartedSince,
    /// `was_signalled`.
    WasSignalled,
    /// `stop`.
    Stop,
    /// `remove`.
    Remove,
    /// `list_owned`.
    ListOwned,
    /// `image`, `list` and `remove` of images.
    Image,
    /// `pull`.
    Pull,
    /// `sample`.
    Sample,
    /// Everything of the inventory: lists, statistics, resources and their removal.
    Inventory,
}

impl Call {
    /// When such a call gives up by itself; `None` when the call brings its own limit.
    pub(super) fn deadline(self) -> Option<Duration> {
        match self {
            Self::Probe => Some(PROBE_CALL),
            Self::Create | Self::Start => Some(LAUNCH_CALL),
            Self::Find
            | Self::RestartedSince
            | Self::WasSignalled
            | Self::Observe
            | Self::Events
            | Self::Logs
            | Self::ListOwned
            | Self::Image
            | Self::Inventory => Some(CONTROL_CALL),
            Self::Stop => Some(STOP_SLACK),
            Self::Remove => Some(REMOVE_CALL),
            Self::Sample => Some(USAGE_CALL),
            Self::Pull => None,
        }
    }
}

/// How a call is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// It fails and has no effect.
    Fail(Fault),
    /// It has its effect, but the reply is this fault: a lost reply.
    LoseReply(Fault),
    /// It hangs before its effect, until released or given up.
    HangBefore,
    /// It has its effect and then hangs, until released or given up.
    HangAfter,
}

fn facts() -> HostFacts {
    HostFacts {
        engine: "mock".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        api_version: "1.0".into(),
        engine_id: "mock-engine".into(),
        platform: "linux/amd64".into(),
        cpus: 8,
        memory_bytes: 16 << 30,
        storage_driver: "memory".into(),
        cgroup_version: 2,
        latency: Duration::ZERO,
        clock_skew: SignedDuration::ZERO,
        engine_started_at: None,
        free_disk_bytes: None,
        warnings: Vec::new(),
    }
}
