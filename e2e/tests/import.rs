//! A legacy installation with a container that runs becomes a pool of ours.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use longshore_e2e::drill::{Drill, PATIENCE};
use longshore_testkit::{
    DEMO_IMAGE, LegacyRelease, LegacySite, Postgres, eventually, shared_engine, unique_name,
};
use serde_json::Value;

/// A container that the legacy system made.
struct OldContainer<'a> {
    drill: &'a Drill,
    id: String,
}

impl<'a> OldContainer<'a> {
    /// Starts one that ends by itself with 7.
    fn start(drill: &'a Drill) -> Self {
        let name = unique_name("old");
        let script = "sleep 1; echo from the old days; exit 7";
        let run = ["run", "--detach", "--name", &name, DEMO_IMAGE];
        let arguments = [&run[..], &["sh", "-c", script]].concat();
        let id = drill.engine().docker(arguments).unwrap();
        Self { drill, id }
    }

    fn is_there(&self) -> bool {
        self.drill.engine().docker(["inspect", &self.id]).is_ok()
    }
}

impl Drop for OldContainer<'_> {
    fn drop(&mut self) {
        // It is gone when the test went well.
        let _ = self.drill.engine().docker(["rm", "--force", &self.id]);
    }
}

/// The rows of an installation whose one job runs in that container.
fn fill(site: &LegacySite, container: &OldContainer<'_>) {
    let rows = format!(
        "
from container_manager.models import ContainerJob, ExecutorHost
from django.utils import timezone
host = ExecutorHost.objects.create(name='old', connection_string='unix://{socket}')
ContainerJob.objects.create(docker_host=host, docker_image='demo-image', name='runs',
    status='running', execution_id='{id}', started_at=timezone.now())
ContainerJob.objects.create(docker_host=host, docker_image='demo-image', name='waits',
    command='echo launched', status='pending')
ContainerJob.objects.create(docker_host=host, docker_image='demo-image', name='over',
    status='completed', exit_code=0, stdout_log='2025-08-01T12:00:00.5Z   kept')
",
        socket = container.drill.socket().display(),
        id = container.id
    );
    site.script(&rows).unwrap();
}

fn import(drill: &Drill, url: &str, more: &[&str]) -> Value {
    let words = ["--json", "import", "django", "--database", url];
    let printed = drill.ok(&[&words[..], more].concat());
    serde_json::from_str(&printed).unwrap()
}

/// The whole way: look, take, take again, read, harvest, launch.
fn check(container: &OldContainer<'_>, url: &str) {
    let drill = container.drill;
    let plan = import(drill, url, &["--dry-run"]);
    assert_eq!(
        (&plan["dry_run"], &plan["jobs"]["taken"]),
        (&true.into(), &3.into())
    );
    assert_eq!(drill.ok(&["jobs", "-q"]), "");
    assert_eq!(import(drill, url, &[])["jobs"]["taken"], 3);
    assert_eq!(import(drill, url, &[])["jobs"]["already_there"], 3);
    assert_eq!(drill.ok(&["logs", "over"]), "  kept");
    // Workers leave what was imported alone.
    drill.ok(&["worker", "--exit-when-empty", "--quiet"]);
    eventually("the old container has ended", PATIENCE, || {
        drill.ok(&["docker", "status", "runs"]).contains("exited")
    });
    drill.ok(&["docker", "harvest", "runs"]);
    assert_eq!(drill.call(&["wait", "runs"]).code, 7);
    assert!(!container.is_there());
    assert_eq!(drill.ok(&["logs", "runs"]), "from the old days");
    drill.ok(&["docker", "launch", "--job", "waits"]);
    drill.ok(&["docker", "wait", "waits"]);
    drill.ok(&["docker", "harvest", "waits"]);
    assert_eq!(drill.ok(&["logs", "waits"]), "launched");
}

#[test]
fn an_installation_with_sqlite_goes_on_here() {
    let drill = Drill::on(&shared_engine());
    let site = LegacySite::in_sqlite(LegacyRelease::Last).unwrap();
    let container = OldContainer::start(&drill);
    fill(&site, &container);
    check(&container, site.url());
}

#[test]
fn an_installation_with_postgresql_goes_on_here() {
    let drill = Drill::on(&shared_engine());
    let postgres = Postgres::start().unwrap();
    let database = postgres.create_database().unwrap();
    let site = LegacySite::in_postgres(LegacyRelease::First, &database).unwrap();
    let container = OldContainer::start(&drill);
    fill(&site, &container);
    check(&container, site.url());
}
