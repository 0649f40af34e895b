//! The executor contract, kept without an engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use longshore_core::PoolId;
use longshore_core::launch::LABEL_POOL;
use longshore_executor::contract::{Fixture, Program};
use longshore_executor::{Executor, ResourceKind};
use longshore_executor_oci::OciExecutor;
use serde_json::json;
use tokio::runtime::Handle;

use crate::archives::empty_image;
use crate::root::{Root, demo_image, import};

async fn fixture() -> Fixture {
    let root = Arc::new(Root::new());
    let executor = Arc::new(root.with_image().await);
    let missing = "longshore-missing:none".parse().unwrap();
    let shared: Arc<dyn Executor> = executor.clone();
    let fixture = Fixture::new(shared, demo_image(), missing, |program: &Program, spec| {
        spec.command = program.argv().into();
    });
    let count = AtomicU32::new(0);
    let place = Arc::clone(&root);
    let leave = move |kind, pool| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        leave(&place, &executor, kind, (pool, number))
    };
    fixture.leaving(leave).keeping(root)
}

/// Makes something with the pool's label, and says its name.
fn leave(
    root: &Root,
    executor: &OciExecutor,
    kind: ResourceKind,
    (pool, number): (PoolId, u32),
) -> String {
    let labels = json!({ LABEL_POOL: pool.to_string() });
    match kind {
        ResourceKind::Network => panic!("there are none that outlive a container"),
        ResourceKind::Volume => {
            let name = format!("left-{number}");
            let volume = root.path().join("volumes").join(&name);
            std::fs::create_dir_all(volume.join("content")).unwrap();
            std::fs::write(volume.join("labels.json"), labels.to_string()).unwrap();
            name
        }
        ResourceKind::Image => {
            let name = format!("left-{number}:1");
            let archive = root.path().join("left.tar");
            let config = json!({ "Labels": labels, "Cmd": ["true"] });
            empty_image(&archive, &name, &config);
            tokio::task::block_in_place(|| {
                Handle::current().block_on(import(executor, &archive, None));
            });
            name
        }
    }
}

longshore_executor::executor_contract!(fixture; flavor = "multi_thread");
