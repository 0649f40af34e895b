//! How far each layer has come.

use longshore_core::image::{LayerProgress, PullProgress};
use tokio::sync::watch;

use crate::document::Descriptor;

/// Tells those who wait for a pull how it goes.
#[derive(Clone)]
pub(crate) struct Progress(watch::Sender<PullProgress>);

/// One layer's part of it.
#[derive(Clone)]
pub(crate) struct LayerNews {
    whole: Progress,
    number: usize,
}

/// What is done with a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Waiting,
    Downloading,
    Unpacking,
    Present,
    Done,
}

impl Progress {
    pub(crate) fn new() -> (Self, watch::Receiver<PullProgress>) {
        let (sender, receiver) = watch::channel(PullProgress::default());
        (Self(sender), receiver)
    }

    /// Of work that nobody watches.
    pub(crate) fn unwatched() -> Self {
        Self::new().0
    }

    /// Lists the layers.
    pub(crate) fn begin(&self, layers: &[Descriptor]) {
        let row = |layer: &Descriptor| LayerProgress {
            id: layer.digest.hex()[..12].to_owned(),
            status: Step::Waiting.word().to_owned(),
            current_bytes: 0,
            total_bytes: Some(layer.size),
        };
        self.0
            .send_modify(|progress| progress.layers = layers.iter().map(row).collect());
    }

    pub(crate) fn layer(&self, number: usize) -> LayerNews {
        LayerNews {
            whole: self.clone(),
            number,
        }
    }

    /// Something happens, though no figure tells it.
    pub(crate) fn sign_of_life(&self) {
        self.0.send_modify(|_| {});
    }
}

impl LayerNews {
    /// What is done now, and how many bytes of the layer have come.
    pub(crate) fn tell(&self, step: Step, bytes: u64) {
        self.whole.0.send_modify(|progress| {
            // A configuration is brought before there are layers.
            if let Some(layer) = progress.layers.get_mut(self.number) {
                step.word().clone_into(&mut layer.status);
                layer.current_bytes = bytes;
            }
        });
    }

    /// The same, when all of its bytes have come.
    pub(crate) fn tell_whole(&self, step: Step) {
        let whole = |layer: &LayerProgress| layer.total_bytes.unwrap_or(0);
        let bytes = self
            .whole
            .0
            .borrow()
            .layers
            .get(self.number)
            .map_or(0, whole);
        self.tell(step, bytes);
    }

    pub(crate) fn sign_of_life(&self) {
        self.whole.sign_of_life();
    }
}

impl Step {
    /// As engines say it, so that one view shows both.
    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Downloading => "Downloading",
            Self::Unpacking => "Extracting",
            Self::Present => "Already exists",
            Self::Done => "Pull complete",
        }
    }
}
