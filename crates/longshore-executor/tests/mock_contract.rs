//! The mock keeps the contract, as it is and with slow calls and slow removals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use longshore_core::log::Stream;
use longshore_core::spec::{ImageReference, JobSpec};
use longshore_executor::Resource;
use longshore_executor::contract::{Fixture, Program};
use longshore_executor::mock::{Behaviour, Knobs, MockExecutor, Selector};

fn image(name: &str) -> ImageReference {
    name.parse().expect("an image reference")
}

fn behaviour(program: &Program) -> Behaviour {
    let now = Duration::ZERO;
    match program {
        Program::ExitWith(code) => Behaviour::exits(*code),
        Program::Print {
            stdout,
            stderr,
            then_secs,
        } => Behaviour::exits(0)
            .prints(now, Stream::Stdout, stdout.clone())
            .prints(now, Stream::Stderr, stderr.clone())
            .runs_for(Duration::from_secs((*then_secs).into())),
        Program::SleepSecs(secs) => {
            Behaviour::exits(0).runs_for(Duration::from_secs((*secs).into()))
        }
        Program::IgnoreTerm => {
            Behaviour::forever()
                .ignores_term()
                .prints(now, Stream::Stdout, "ready\n")
        }
        Program::NotThere => Behaviour::refuses_start(127, "no such program"),
    }
}

fn fixture_of(mut knobs: Knobs) -> Fixture {
    let missing = image("missing:1");
    knobs.image(&missing).on_host = false;
    let mock = MockExecutor::new(knobs);
    let (turned, host) = (mock.clone(), mock.clone());
    let programs = AtomicU32::new(0);
    let prepare = move |program: &Program, spec: &mut JobSpec| {
        let number = programs.fetch_add(1, Ordering::Relaxed).to_string();
        let selector = Selector::Label("program".into(), number.clone());
        turned.tune(|knobs| knobs.behave(selector, behaviour(program)));
        spec.labels
            .insert("program".parse().expect("a label key"), number);
    };
    let things = AtomicU32::new(0);
    let leave = move |kind, pool| {
        let name = format!("left-{}", things.fetch_add(1, Ordering::Relaxed));
        let resource = Resource {
            kind,
            id: format!("id-of-{name}"),
            name: name.clone(),
            in_use: false,
            created_at: None,
        };
        host.tune(|knobs| knobs.resources.push((pool, resource)));
        name
    };
    Fixture::new(Arc::new(mock), image("shell:1"), missing, prepare).leaving(leave)
}

mod quick {
    use super::*;

    async fn make_fixture() -> Fixture {
        fixture_of(Knobs::new(Timestamp::UNIX_EPOCH))
    }

    longshore_executor::executor_contract!(make_fixture; start_paused = true);
}

mod slow {
    use super::*;

    async fn make_fixture() -> Fixture {
        let mut knobs = Knobs::new(Timestamp::UNIX_EPOCH);
        knobs.latency = Duration::from_millis(5);
        knobs.removal_time = Duration::from_millis(300);
        fixture_of(knobs)
    }

    longshore_executor::executor_contract!(make_fixture; start_paused = true);
}
