//! What is mounted read-only is so all the way down.

use std::fs;
use std::thread;

use longshore_runtime::{Mount, MountSource};
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};

use crate::ground::Ground;

#[test]
fn a_read_only_folder_takes_nothing_not_even_in_what_is_mounted_below_it() {
    // Mounts of a thread's own go with it, and what it begins has them.
    let container = thread::spawn(|| {
        let ground = Ground::new();
        let source = ground.root().join("source");
        fs::create_dir_all(source.join("below")).unwrap();
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_FS).unwrap();
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        let below = source.join("below");
        let plain = MsFlags::empty();
        mount(Some("tmpfs"), &below, Some("tmpfs"), plain, None::<&str>).unwrap();
        fs::write(below.join("file"), "read\n").unwrap();
        let script = "cat /in/below/file
            echo x > /in/file || echo refused
            echo x > /in/below/file || echo refused";
        let mut config = ground.script("read-only", script);
        config.mounts = vec![Mount {
            target: "/in".into(),
            source: MountSource::Bind(source),
            read_only: true,
        }];
        ground.run(&config);
        umount(&below).unwrap();
        ground.stdout(&config.name)
    });
    assert_eq!(container.join().unwrap(), "read\nrefused\nrefused\n");
}
