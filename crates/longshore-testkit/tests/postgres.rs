//! The PostgreSQL server: private, real, and gone afterwards.

use longshore_testkit::Postgres;

#[test]
fn a_database_keeps_its_rows_until_its_server_is_dropped() {
    let postgres = Postgres::start().unwrap();
    let database = postgres.create_database().unwrap();
    postgres
        .query(&database, "CREATE TABLE t AS SELECT 7 AS n")
        .unwrap();
    assert_eq!(
        postgres.query(&database, "SELECT n, n FROM t").unwrap(),
        "7|7\n"
    );
    drop(postgres);
    // Nobody listens on its port any more.
    let psql = std::process::Command::new("psql").arg(&database).output();
    assert!(!psql.unwrap().status.success());
}

#[test]
fn two_servers_do_not_know_each_other() {
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    one.query("postgres", "CREATE TABLE t (n INT)").unwrap();
    two.query("postgres", "SELECT n FROM t").unwrap_err();
}
