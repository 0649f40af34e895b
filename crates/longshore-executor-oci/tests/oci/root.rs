//! A host of one's own: its folder, which nothing of it outlives.

use std::path::{Path, PathBuf};

use longshore_core::host::Endpoint;
use longshore_executor::Executor;
use longshore_executor_oci::{OciExecutor, OciOptions};
use longshore_runtime::{Runtime, RuntimeOptions, SupervisorProgram, WhileRunning};
use longshore_testkit::{DEMO_IMAGE, demo_image_archive, temp_dir};
use tempfile::TempDir;

/// The folder; all containers in it are gone when it is dropped, also after a panic.
pub(crate) struct Root {
    folder: TempDir,
}

impl Root {
    pub(crate) fn new() -> Self {
        Self { folder: temp_dir() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("oci")
    }

    /// An executor of its own for this folder: what another process would have.
    pub(crate) fn executor(&self) -> OciExecutor {
        let endpoint = Endpoint {
            address: format!("oci://{}", self.path().display()),
            tls: None,
        };
        let options = OciOptions {
            docker_config: None,
            certificates: None,
            supervisor: supervisor(),
            runtime: None,
        };
        OciExecutor::new(&endpoint, options).unwrap()
    }

    /// As [`Root::executor`], with the demo image.
    pub(crate) async fn with_image(&self) -> OciExecutor {
        let executor = self.executor();
        import(&executor, &demo_image_archive().unwrap(), None).await;
        executor
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let options = RuntimeOptions {
            root: self.path(),
            supervisor: supervisor(),
            oci_runtime: None,
        };
        let Ok(runtime) = Runtime::open(options) else {
            return;
        };
        for name in runtime.names().unwrap_or_default() {
            let _ = runtime.remove(&name, WhileRunning::Kill);
        }
    }
}

/// Brings the images of a file to the host, the one in it under this name.
pub(crate) async fn import(executor: &OciExecutor, archive: &Path, name: Option<&str>) {
    let name = name.map(|name| name.parse().unwrap());
    let images = executor.images().unwrap();
    let imported = images.import(archive, name.as_ref()).await.unwrap();
    assert!(!imported.is_empty(), "{}", archive.display());
}

/// The demo image's name.
pub(crate) fn demo_image() -> longshore_core::spec::ImageReference {
    DEMO_IMAGE.parse().unwrap()
}

fn supervisor() -> SupervisorProgram {
    SupervisorProgram::Path(env!("CARGO_BIN_EXE_longshore-oci-supervisor").into())
}
