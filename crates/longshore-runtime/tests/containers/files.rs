//! What a container's root and volumes are made of.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use longshore_runtime::{FreshVolume, Made, Mount, MountSource, WhileRunning};

use crate::ground::{Ground, busybox, eventually};

fn fresh(target: &str) -> Mount {
    Mount {
        target: target.into(),
        source: MountSource::Fresh(FreshVolume {
            folder: "vol/0".to_owned(),
        }),
        read_only: false,
    }
}

#[test]
fn what_a_container_writes_is_its_own_and_goes_with_it() {
    let ground = Ground::new();
    let first = ground.script("first", "echo x > /tmp/mine; rm /etc/passwd; ls /tmp");
    assert_eq!(ground.run(&first).code, 0);
    assert_eq!(ground.stdout(&first.name), "mine\n");
    let second = ground.script("second", "ls /tmp; ls /etc/passwd");
    assert_eq!(ground.run(&second).code, 0);
    assert_eq!(ground.stdout(&second.name), "/etc/passwd\n");
    assert!(busybox().join("etc/passwd").is_file());
    ground
        .runtime
        .remove(&first.name, WhileRunning::Spare)
        .unwrap();
    assert!(!ground.runtime.folder().join(&first.name).exists());
}

#[test]
fn many_layers_lie_over_each_other() {
    const LAYERS: u32 = 120;
    let ground = Ground::new();
    let mut config = ground.script(
        "layers",
        "cat /which; ls /layers | wc -l; stat -c %a:%u:%g /",
    );
    for number in 0..LAYERS {
        let layer = ground
            .root()
            .join(format!("a layer: with, a long name {number}"));
        fs::create_dir_all(layer.join("layers").join(number.to_string())).unwrap();
        fs::write(layer.join("which"), format!("{number}\n")).unwrap();
        config.rootfs.layers.push(layer);
    }
    let like = ground.root().join("like");
    fs::create_dir(&like).unwrap();
    fs::set_permissions(&like, fs::Permissions::from_mode(0o751)).unwrap();
    chown(&like, Some(3), Some(4)).unwrap();
    config.rootfs.like = Some(like);
    assert_eq!(ground.run(&config).code, 0);
    let expected = format!("{}\n{LAYERS}\n751:3:4\n", LAYERS - 1);
    assert_eq!(ground.stdout(&config.name), expected);
}

#[test]
fn an_image_whose_links_lead_out_of_it_is_refused_where_something_is_mounted() {
    let ground = Ground::new();
    let outside = ground.root().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "mine").unwrap();
    let links = [
        ("etc/hosts", outside.join("file")),
        ("sys", outside.clone()),
        ("proc", "/tmp".into()),
        ("dev", outside.clone()),
    ];
    for (number, (name, target)) in links.into_iter().enumerate() {
        let layer = ground.root().join(format!("layer-{number}"));
        fs::create_dir_all(layer.join(name).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, layer.join(name)).unwrap();
        let mut config = ground.config(&format!("linked-{number}"), &["true"]);
        config.rootfs.layers.push(layer);
        ground.runtime.create(&config).unwrap();
        assert!(ground.runtime.start(&config.name).is_err(), "{name}");
    }
    assert_eq!(outside.read_dir().unwrap().count(), 1);
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "mine");
}

#[test]
fn a_missing_workdir_is_made_behind_the_links_of_the_image() {
    let ground = Ground::new();
    let layer = ground.root().join("layer");
    fs::create_dir(&layer).unwrap();
    std::os::unix::fs::symlink("/tmp", layer.join("link")).unwrap();
    let mut config = ground.script("workdir", "pwd -P");
    config.rootfs.layers.push(layer);
    config.process.workdir = "/link/a/b".into();
    assert_eq!(ground.run(&config).code, 0);
    assert_eq!(ground.stdout(&config.name), "/tmp/a/b\n");
}

#[test]
fn a_missing_workdir_is_made_in_what_is_mounted_there() {
    let ground = Ground::new();
    let shared = ground.root().join("shared");
    fs::create_dir(&shared).unwrap();
    let mut config = ground.script("mounted", "pwd");
    config.process.workdir = "/srv/a/b".into();
    config.mounts.push(Mount {
        target: "/srv".into(),
        source: MountSource::Bind(shared.clone()),
        read_only: false,
    });
    assert_eq!(ground.run(&config).code, 0);
    assert_eq!(ground.stdout(&config.name), "/srv/a/b\n");
    assert!(shared.join("a/b").is_dir());
    config.name = ground.name("fixed");
    config.process.workdir = "/srv/c".into();
    config.mounts[0].read_only = true;
    ground.runtime.create(&config).unwrap();
    let refused = ground.runtime.start(&config.name).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("the working directory /srv/c"), "{text}");
    assert!(!shared.join("c").exists());
}

#[test]
fn a_workdir_that_is_a_file_is_refused_by_its_name() {
    let ground = Ground::new();
    let mut config = ground.script("file", "true");
    config.process.workdir = "/etc/passwd".into();
    ground.runtime.create(&config).unwrap();
    let refused = ground.runtime.start(&config.name).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("the working directory /etc/passwd"), "{text}");
}

#[test]
fn a_volume_begins_as_what_the_image_has_and_keeps_what_it_gets() {
    let ground = Ground::new();
    let layer = ground.root().join("layer");
    fs::create_dir_all(layer.join("data/in")).unwrap();
    fs::write(layer.join("data/in/file"), "of the image\n").unwrap();
    chown(layer.join("data"), Some(1000), Some(1000)).unwrap();
    fs::set_permissions(layer.join("data"), fs::Permissions::from_mode(0o710)).unwrap();
    let volume = ground.root().join("volume");
    let run = |name: &str, script: &str| {
        let mut config = ground.script(name, script);
        config.rootfs.layers.push(layer.clone());
        config.mounts.push(Mount {
            target: "/data".into(),
            source: MountSource::Volume(volume.clone()),
            read_only: false,
        });
        assert_eq!(ground.run(&config).code, 0);
        ground.stdout(&config.name)
    };
    let seen = run(
        "one",
        "stat -c %a:%u /data; cat /data/in/file; echo more > /data/more; rm -r /data/in",
    );
    assert_eq!(seen, "710:1000\nof the image\n");
    assert_eq!(run("two", "ls /data"), "more\n");
    assert_eq!(fs::metadata(&volume).unwrap().uid(), 1000);
}

#[test]
fn a_volume_without_a_name_goes_with_its_container() {
    let ground = Ground::new();
    let mut config = ground.script("fresh", "ls /etc/group; echo x > /etc/new; rm /etc/passwd");
    config.mounts.push(fresh("/etc"));
    assert_eq!(ground.run(&config).code, 0);
    let place = ground.runtime.folder().join(&config.name);
    assert!(place.join("vol/0/new").is_file());
    assert!(!place.join("vol/0/passwd").exists());
    ground
        .runtime
        .remove(&config.name, WhileRunning::Spare)
        .unwrap();
    assert!(!place.exists());
}

#[test]
fn a_volume_where_the_image_has_nothing_is_empty() {
    let ground = Ground::new();
    let mut config = ground.script("empty", "ls -A /new/place | wc -l");
    config.mounts.push(fresh("/new/place"));
    assert_eq!(ground.run(&config).code, 0);
    assert_eq!(ground.stdout(&config.name), "0\n");
}

#[test]
fn a_read_only_root_takes_nothing() {
    let ground = Ground::new();
    let mut config = ground.script("fixed", "echo x > /tmp/x || echo refused");
    config.rootfs.read_only = true;
    assert_eq!(ground.run(&config).code, 0);
    assert_eq!(ground.stdout(&config.name), "refused\n");
}

#[test]
fn a_record_that_a_power_cut_left_empty_is_made_again() {
    let ground = Ground::new();
    let config = ground.script("cut", "echo ran");
    ground.runtime.create(&config).unwrap();
    let record = ground
        .runtime
        .folder()
        .join(&config.name)
        .join("container.json");
    fs::write(&record, "").unwrap();
    assert!(ground.runtime.config(&config.name).is_err());
    assert_eq!(ground.runtime.create(&config).unwrap(), Made::New);
    assert_eq!(ground.run(&config).code, 0);
}

#[test]
fn an_end_that_a_power_cut_left_empty_is_lost() {
    let ground = Ground::new();
    let config = ground.script("cut", "exit 0");
    ground.run(&config);
    let place = ground.runtime.folder().join(&config.name);
    eventually("it is cleaned", || place.join("cleaned").exists());
    fs::write(place.join("exit.json"), "").unwrap();
    let status = ground.runtime.status(&config.name).unwrap();
    let is_lost = matches!(status, Some(longshore_runtime::Status::Lost { .. }));
    assert!(is_lost, "{status:?}");
}
