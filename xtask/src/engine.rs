//! The shared engine: up, down, status.

use anyhow::{Result, bail};
use longshore_testkit::{EngineAccess, SharedEngine, load_demo_image, sweep};

use crate::packages;
use crate::wish::Wish;

/// Does what is wished.
pub(crate) fn run(wish: Wish) -> Result<()> {
    match wish {
        Wish::Up => {
            packages::ensure(packages::FOR_TESTS)?;
            let access = up()?;
            println!("engine up: {}", access.docker_host());
            println!("try: docker --host {} ps", access.docker_host());
            Ok(())
        }
        Wish::Down => down(),
        Wish::Status => status(),
    }
}

/// Makes the shared engine run, with the test image in it.
pub(crate) fn up() -> Result<EngineAccess> {
    packages::ensure(packages::FOR_ENGINE)?;
    for folder in sweep() {
        println!("removed what a killed test left: {}", folder.display());
    }
    let access = SharedEngine::of_this_workspace().up()?;
    load_demo_image(&access)?;
    Ok(access)
}

/// Ends the shared engine.
pub(crate) fn down() -> Result<()> {
    SharedEngine::of_this_workspace().down()?;
    sweep();
    println!("engine down: nothing of it is left");
    Ok(())
}

/// The shared engine, if it answers.
pub(crate) fn running() -> Option<EngineAccess> {
    SharedEngine::of_this_workspace()
        .access()
        .filter(EngineAccess::answers)
}

fn status() -> Result<()> {
    let Some(access) = running() else {
        bail!("the engine does not run: `cargo xtask engine up` starts it");
    };
    println!("engine runs: {}", access.docker_host());
    Ok(())
}
