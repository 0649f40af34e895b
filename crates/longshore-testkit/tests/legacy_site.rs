//! The system that longshore comes from, in both databases.

use longshore_testkit::{LegacyRelease, LegacySite, Postgres};

const COUNT: &str = "
from container_manager.models import ContainerJob, ExecutorHost
host = ExecutorHost.objects.create(name='one', connection_string='unix:///var/run/docker.sock')
ContainerJob.objects.create(docker_host=host, docker_image='demo:1')
print(ContainerJob.objects.count(), hasattr(ContainerJob, 'priority'))
";

#[test]
fn the_first_release_makes_its_tables_in_sqlite() {
    let site = LegacySite::in_sqlite(LegacyRelease::First).unwrap();
    assert_eq!(site.script(COUNT).unwrap(), "1 False\n");
}

#[test]
fn the_last_release_makes_its_tables_in_postgresql() {
    let postgres = Postgres::start().unwrap();
    let database = postgres.create_database().unwrap();
    let site = LegacySite::in_postgres(LegacyRelease::Last, &database).unwrap();
    assert_eq!(site.script(COUNT).unwrap(), "1 True\n");
    let jobs = "SELECT count(*) FROM container_manager_containerjob";
    assert_eq!(postgres.query(&database, jobs).unwrap(), "1\n");
}
