//! A container that somebody made by hand, beside those of longshore.

use longshore_testkit::EngineAccess;

/// A container that was made and not started; removed when dropped.
#[derive(Debug)]
pub struct ByHand {
    engine: EngineAccess,
    name: String,
}

impl ByHand {
    /// Makes one, with more flags of `docker create`.
    ///
    /// # Panics
    /// When the engine refuses.
    pub fn new(engine: &EngineAccess, name: String, flags: &[&str]) -> Self {
        let mut args = vec!["create", "--name", &name];
        args.extend(flags);
        args.extend(["demo-image", "true"]);
        engine.docker(args).expect("a container by hand");
        let engine = engine.clone();
        Self { engine, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it was left alone.
    pub fn is_there(&self) -> bool {
        self.engine.docker(["inspect", &self.name]).is_ok()
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let _ = self
            .engine
            .docker(["rm", "--force", "--volumes", &self.name]);
    }
}
