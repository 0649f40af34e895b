//! Mounts, networks and lines of /etc/hosts.

use longshore_core::spec::{
    ByteSize, ExtraHost, MountFlag, MountKind, MountSpec, NetworkAttachment, TmpfsSpec,
};

use super::{prints, refuses};

#[test]
fn a_mount_is_read_in_the_short_and_the_long_form() {
    prints::<MountSpec>(&[
        ("cache:/var/cache", "cache:/var/cache"),
        ("cache:/var/cache:rw", "cache:/var/cache"),
        ("cache:/var/cache:ro", "cache:/var/cache:ro"),
        ("/srv/in:/in:ro", "/srv/in:/in:ro"),
        ("/scratch", "/scratch"),
        ("/srv/a/../b/./c//:/x/", "/srv/b/c:/x"),
        (
            "type=bind,source=/srv/in,target=/in,readonly",
            "/srv/in:/in:ro",
        ),
        ("type=volume,src=cache,dst=/c,ro=false", "cache:/c"),
        ("source=cache,target=/c", "cache:/c"),
        (
            "type=volume,target=/c,readonly",
            "type=volume,target=/c,readonly",
        ),
        (
            "type=bind,source=/a:b,target=/c",
            "type=bind,source=/a:b,target=/c",
        ),
    ]);
    let mount: MountSpec = "/srv/in:/in:ro".parse().unwrap();
    assert_eq!(mount.kind(), MountKind::Bind);
    assert_eq!((mount.source(), mount.target()), (Some("/srv/in"), "/in"));
    assert!(mount.read_only());
}

#[test]
fn a_mount_that_makes_no_sense_is_refused() {
    refuses::<MountSpec>(&[
        ("", "absolute path inside the container"),
        ("cache:", "absolute path inside the container"),
        ("cache:data", "absolute path inside the container"),
        ("cache:/", "absolute path inside the container"),
        ("cache:/a/..", "absolute path inside the container"),
        ("c:/data", "2 or more letters"),
        ("./here:/data", "absolute path"),
        ("~/here:/data", "absolute path"),
        (":/data", "2 or more letters"),
        ("cache:/data:z", "the only modes are ro and rw"),
        ("a:b:c:d", "use name:/target"),
        ("type=bind,target=/x", "needs a path on the host"),
        ("type=bind,source=here,target=/x", "is absolute"),
        ("type=disk,source=a,target=/x", "use type=volume|bind|tmpfs"),
        ("type=volume,source=ab", "use type=volume|bind|tmpfs"),
        (
            "type=volume,color=red,target=/x",
            "use type=volume|bind|tmpfs",
        ),
        (
            "type=volume,target=/x,readonly=maybe",
            "use type=volume|bind|tmpfs",
        ),
        ("type=volume,target=/x,tmpfs-size=1m", "type=tmpfs"),
        ("type=tmpfs,target=/x", "under tmpfs"),
        ("/a,b:/c\0", "absolute path inside the container"),
    ]);
}

#[test]
fn the_long_form_makes_a_file_system_in_memory_too() {
    let flag: MountFlag = "type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777"
        .parse()
        .unwrap();
    let expected = "/t:size=64m,mode=1777".parse().map(MountFlag::Tmpfs);
    assert_eq!(Ok(flag), expected);
    refuses::<MountFlag>(&[
        ("type=tmpfs,source=a,target=/t", "no source"),
        ("type=tmpfs,target=/t,tmpfs-size=big", "size=64m"),
    ]);
}

#[test]
fn a_file_system_in_memory_has_known_options() {
    prints::<TmpfsSpec>(&[
        ("/tmp", "/tmp"),
        ("/tmp:size=64m,mode=1777", "/tmp:size=64m,mode=1777"),
        (
            "/run/:noexec,nosuid,uid=1000",
            "/run:noexec,nosuid,uid=1000",
        ),
    ]);
    let tmpfs: TmpfsSpec = "/tmp:size=64m,exec".parse().unwrap();
    assert_eq!(tmpfs.target(), "/tmp");
    assert_eq!(tmpfs.options(), "size=64m,exec");
    assert_eq!(tmpfs.size(), Some(ByteSize::from_mebibytes(64)));
    refuses::<TmpfsSpec>(&[
        ("", "absolute path"),
        ("tmp", "absolute path"),
        ("/", "absolute path"),
        ("/tmp:", "use /path"),
        ("/tmp:size=", "use /path"),
        ("/tmp:size=0", "use /path"),
        ("/tmp:size=50%", "use /path"),
        ("/tmp:mode=9", "use /path"),
        ("/tmp:colour=red", "use /path"),
        ("/tmp,x", "use /path"),
    ]);
}

#[test]
fn a_network_may_have_aliases() {
    prints::<NetworkAttachment>(&[
        ("none", "none"),
        ("backend", "backend"),
        ("backend:db,db-1", "backend:db,db-1"),
    ]);
    let network: NetworkAttachment = "backend:db,db-1".parse().unwrap();
    assert_eq!(network.name(), "backend");
    assert_eq!(network.aliases(), ["db", "db-1"]);
    refuses::<NetworkAttachment>(&[
        ("", "use name or name:alias"),
        ("back end", "use name or name:alias"),
        ("backend:", "use name or name:alias"),
        ("backend:a,,b", "use name or name:alias"),
        ("container:web", "cannot be joined"),
    ]);
}

#[test]
fn an_extra_host_has_a_name_and_an_address() {
    prints::<ExtraHost>(&[
        ("db:10.0.0.5", "db:10.0.0.5"),
        ("db=10.0.0.5", "db:10.0.0.5"),
        ("db:::1", "db:::1"),
        ("db:[::1]", "db:::1"),
        ("me:host-gateway", "me:host-gateway"),
    ]);
    let hint = "use name:address";
    refuses::<ExtraHost>(&["", "db", "db:", ":1.2.3.4", "db:1.2.3", "d b:::1"].map(|t| (t, hint)));
}
