//! Hosts, images, cleanup, doctor: places and what is on them.

use serde_json::Value;

use super::stage::Stage;

#[tokio::test]
async fn without_hosts_a_job_is_pinned_to_the_environments() {
    let stage = Stage::new();
    stage.type_in(&["submit", "demo"]).await;
    assert_eq!(stage.newest().await.spec.host.as_deref(), Some("local"));
    stage.move_to_engine("other");
    stage.type_in(&["submit", "demo"]).await;
    assert_eq!(stage.newest().await.spec.host.as_deref(), Some("other"));
    assert_eq!(stage.store().await.hosts().await.unwrap().len(), 2);
}

#[tokio::test]
async fn with_hosts_of_its_own_a_pool_uses_any_of_them() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///mine.sock"])
        .await;
    stage.type_in(&["submit", "demo"]).await;
    assert_eq!(stage.newest().await.spec.host, None);
    assert_eq!(stage.store().await.hosts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_mistyped_host_is_answered_with_the_right_one() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "builder", "unix:///b.sock"])
        .await;
    let played = stage.type_in(&["submit", "--host", "bilder", "demo"]).await;
    assert_eq!(played.code, 2);
    assert!(
        played.err.contains("did you mean `builder`"),
        "{}",
        played.err
    );
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_added_only_by_force() {
    let stage = Stage::new();
    let dead = ["hosts", "add", "gone", "tcp://dead:2375"];
    let played = stage.type_in(&dead).await;
    assert_eq!(played.code, 1);
    assert!(played.err.contains("connection refused"), "{}", played.err);
    assert!(stage.store().await.hosts().await.unwrap().is_empty());
    let forced = [&dead[..], &["--no-check"]].concat();
    assert_eq!(stage.type_in(&forced).await.code, 0);
    assert_eq!(stage.type_in(&["hosts", "check"]).await.code, 1);
}

#[tokio::test]
async fn a_host_pulls_what_it_lacks_unless_it_was_added_otherwise() {
    let stage = Stage::new();
    for (name, flags) in [("plain", &[][..]), ("shut", &["--no-auto-pull"])] {
        let add = ["hosts", "add", name, "unix:///mine.sock"];
        assert_eq!(stage.type_in(&[&add[..], flags].concat()).await.code, 0);
    }
    let listed = stage.type_in(&["hosts", "list", "--json"]).await.out;
    let hosts: Value = serde_json::from_str(&listed).unwrap();
    let pulls = [0, 1].map(|host| (&hosts[host]["name"], &hosts[host]["auto_pull"]));
    assert_eq!(
        pulls,
        [
            (&"plain".into(), &true.into()),
            (&"shut".into(), &false.into())
        ]
    );
}

#[tokio::test]
async fn tls_without_all_its_files_is_refused() {
    let stage = Stage::new();
    stage.write("ca.pem", "");
    let played = stage
        .type_in(&["hosts", "add", "far", "tcp://far:2376", "--tls-dir", "."])
        .await;
    assert_eq!(played.code, 2);
    assert!(
        played.err.contains("lacks cert.pem, key.pem"),
        "{}",
        played.err
    );
}

#[tokio::test]
async fn a_removed_host_is_gone() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///mine.sock"])
        .await;
    assert!(
        stage
            .type_in(&["hosts", "list"])
            .await
            .out
            .contains("play 1.0")
    );
    assert_eq!(stage.type_in(&["hosts", "rm", "mine"]).await.code, 0);
    assert_eq!(stage.type_in(&["hosts", "rm", "mine"]).await.code, 1);
}

#[tokio::test]
async fn images_are_listed_and_pulled_by_host() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///mine.sock"])
        .await;
    let table = stage.type_in(&["images", "list"]).await.out;
    assert!(
        table.contains("mine") && table.contains("demo:1") && table.contains("3.0 MiB"),
        "{table}"
    );
    assert_eq!(
        stage.type_in(&["images", "pull", "demo:2"]).await.out,
        "mine: demo:2\n"
    );
    assert_eq!(stage.type_in(&["images", "pull", "De mo"]).await.code, 2);
}

#[tokio::test]
async fn images_are_imported_from_files_and_removed_by_name() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "here", "--kind", "oci"])
        .await;
    let missing = stage.type_in(&["images", "import", "nothing.tar"]).await;
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("no such file"), "{}", missing.err);
    let archive = tempfile::NamedTempFile::new().unwrap();
    let path = archive.path().display().to_string();
    let import = ["images", "import", &path, "--name", "mine:2"];
    assert_eq!(stage.type_in(&import).await.out, "here: mine:2\n");
    let remove = ["images", "rm", "demo:1", "other:1"];
    let removed = stage.type_in(&remove).await;
    assert_eq!((removed.code, removed.out.as_str()), (1, "here: demo:1\n"));
    assert!(removed.err.contains("no image other:1"), "{}", removed.err);
}

#[tokio::test]
async fn a_host_without_an_engine_has_a_folder_and_no_other_address() {
    let stage = Stage::new();
    for (name, args) in [
        ("usual", &["--kind", "oci"][..]),
        ("bare", &["oci://"]),
        ("own", &["oci:///srv/oci"]),
        ("both", &["oci:///srv/two", "--kind", "oci"]),
    ] {
        let add = [&["hosts", "add", name][..], args].concat();
        assert_eq!(stage.type_in(&add).await.code, 0, "{args:?}");
    }
    let hosts = stage.store().await.hosts().await.unwrap();
    let mut addresses: Vec<_> = hosts.iter().map(|host| &*host.endpoint.address).collect();
    addresses.sort_unstable();
    let usual = "oci:///usual";
    assert_eq!(
        addresses,
        ["oci:///srv/oci", "oci:///srv/two", usual, usual]
    );
    for args in [
        &["oci://far/srv"][..],
        &["tcp://far:2375", "--kind", "oci"],
        &["oci:///srv", "--kind", "docker"],
        &["oci:///srv", "--tls-dir", "."],
    ] {
        let add = [&["hosts", "add", "odd"][..], args].concat();
        assert_eq!(stage.type_in(&add).await.code, 2, "{args:?}");
    }
}

#[tokio::test]
async fn images_are_pulled_to_the_hosts_that_are_named() {
    let stage = Stage::new();
    for name in ["one", "two", "three"] {
        stage
            .type_in(&["hosts", "add", name, "unix:///mine.sock"])
            .await;
    }
    for (hosts, lines) in [
        ("one,three", "one: a:1\nthree: a:1\n"),
        ("all", "one: a:1\nthree: a:1\ntwo: a:1\n"),
    ] {
        let pull = ["images", "pull", "a:1", "--hosts", hosts];
        assert_eq!(stage.type_in(&pull).await.out, lines);
    }
    let unknown = ["images", "pull", "a:1", "--hosts", "one,four"];
    assert_eq!(stage.type_in(&unknown).await.code, 1);
}

#[tokio::test]
async fn a_list_of_images_says_which_of_them_longshore_pulled() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///mine.sock"])
        .await;
    let list = ["--json", "images", "list"];
    let owner = |out: String| serde_json::from_str::<serde_json::Value>(&out).unwrap()[0].clone();
    let before = owner(stage.type_in(&list).await.out);
    assert_eq!(
        (&before["owner"], before["last_used_at"].is_null()),
        (&"other".into(), true)
    );
    stage.type_in(&["images", "pull", "demo:1"]).await;
    let after = owner(stage.type_in(&list).await.out);
    assert_eq!(after["owner"], "longshore");
    assert!(after["last_used_at"].is_string(), "{after}");
}

#[tokio::test]
async fn images_are_collected_by_age_and_by_size() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///mine.sock"])
        .await;
    for (flags, fate, keeps) in [
        (&[][..], "removed", "1209600s, 0 bytes"),
        (
            &["--dry-run", "--older-than", "0"],
            "would remove",
            "0ns, 0 bytes",
        ),
        (
            &["--keep-storage", "1g"],
            "removed",
            "0ns, 1073741824 bytes",
        ),
        (
            &["--keep-storage", "1g", "--older-than", "1d"],
            "removed",
            "86400s, 1073741824 bytes",
        ),
    ] {
        let out = stage
            .type_in(&[&["images", "gc"], flags].concat())
            .await
            .out;
        assert!(
            out.contains(fate) && out.contains(keeps),
            "{flags:?}: {out}"
        );
    }
    let odd = stage
        .type_in(&["images", "gc", "--older-than", "long"])
        .await;
    assert_eq!(odd.code, 2);
    assert!(odd.err.contains("--older-than"), "{}", odd.err);
}

#[tokio::test]
async fn a_cleanup_shows_foreign_things_as_foreign() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///mine.sock"])
        .await;
    let plan = stage.type_in(&["cleanup", "--plan"]).await;
    assert!(
        plan.out.contains("would remove") && plan.out.contains("foreign"),
        "{}",
        plan.out
    );
    assert!(plan.err.contains("1 to remove"), "{}", plan.err);
    assert!(
        stage
            .type_in(&["cleanup", "--apply"])
            .await
            .out
            .contains("removed")
    );
}

#[tokio::test]
async fn the_doctor_names_a_fix_for_what_is_broken() {
    let stage = Stage::new();
    stage
        .type_in(&["hosts", "add", "mine", "unix:///mine.sock"])
        .await;
    let healthy = stage.type_in(&["doctor"]).await;
    assert_eq!(healthy.code, 0, "{}", healthy.out);
    stage
        .type_in(&["hosts", "add", "gone", "unix:///dead.sock", "--no-check"])
        .await;
    let sick = stage.type_in(&["doctor", "--json"]).await;
    assert_eq!(sick.code, 1);
    let broken: Vec<Value> = sick
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|finding: &Value| finding["health"] == "broken")
        .collect();
    assert_eq!(broken.len(), 1);
    assert!(
        broken[0]["fix"]
            .as_str()
            .unwrap()
            .contains("longshore hosts rm")
    );
}

#[tokio::test]
async fn an_import_from_nowhere_is_refused_without_showing_a_password() {
    let stage = Stage::new();
    let typed = |url| ["import", "django", "--database", url];
    let other = stage.type_in(&typed("mysql://me:s3same@db/jobs")).await;
    assert_eq!(other.code, 2);
    assert!(!other.err.contains("s3same"), "{}", other.err);
    let absent = stage.type_in(&typed("sqlite:absent.db")).await;
    assert_eq!(absent.code, 1);
    assert!(absent.err.contains("/absent.db"), "{}", absent.err);
}
