//! The same image, of a Debian and several layers, has the same files under Docker and without an engine.

use longshore_e2e::drill::{Drill, EMBEDDED_HOST};
use longshore_testkit::{
    DEMO_DEBIAN, EngineAccess, load_demo_debian, run, shared_engine, temp_dir, unique_name,
};

/// Deletions, a folder that is replaced as a whole, hard links within a layer and into one below, set-uid
/// programs, other owners, a pipe, times that are kept.
const RECIPE: [&str; 4] = [
    "mkdir /opt/x && echo a > /opt/x/a && ln /opt/x/a /opt/x/b && ln -s a /opt/x/c && \
     rm -rf /usr/share/locale /var/log/dpkg.log",
    "rm /opt/x/a && chmod 4755 /bin/ls && chmod 2755 /usr/bin/wc && chown 123:456 /opt/x/b && \
     rm -rf /etc/apt && mkdir -m 0700 /etc/apt && echo new > /etc/apt/only",
    "ln /bin/cat /opt/x/cat && mkfifo -m 0620 /opt/pipe && chown 33:33 /usr/share/bug && \
     touch -d 2001-02-03T04:05:06Z /opt/x",
    "rm /opt/x/c && ln -s /nowhere /opt/x/c && mkdir -m 1777 /opt/sticky && rmdir /home",
];

/// Everything about every file but what each kind of host puts in by itself.
const LIST: &str = r"cd / && find . -xdev \
    \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./etc/hosts -o -path ./etc/hostname \
    -o -path ./etc/resolv.conf -o -path ./etc/mtab -o -path ./.dockerenv \) -prune \
    -o -type d -printf '%p d %m %U:%G\n' \
    -o -printf '%p %y %m %U:%G %s %n %T@ %l\n' | sort; \
    find . -xdev -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune \
    -o -path ./etc/hosts -prune -o -path ./etc/hostname -prune -o -path ./etc/resolv.conf -prune \
    -o -path ./.dockerenv -prune -o -type f -exec md5sum {} + | sort -k 2";

#[test]
fn a_debian_of_several_layers_is_the_same_file_by_file() {
    let engine = shared_engine();
    load_demo_debian(&engine).unwrap();
    let folder = temp_dir();
    let image = format!("{}:1", unique_name("longshore-roots"));
    let steps = RECIPE.map(|step| format!("RUN {step}"));
    let recipe = [format!("FROM {DEMO_DEBIAN}"), steps.join("\n")].join("\n");
    std::fs::write(folder.path().join("Dockerfile"), recipe).unwrap();
    let archive = folder.path().join("image.tar");
    let theirs = built(&engine, &image, folder.path(), || {
        let mut save = engine.docker_command();
        run(save.args(["save", "--output"]).arg(&archive).arg(&image)).unwrap();
        engine
            .docker(["run", "--rm", &image, "sh", "-c", LIST])
            .unwrap()
    });

    let drill = Drill::embedded();
    let archive = archive.display().to_string();
    drill.ok(&["images", "import", &archive, "--hosts", EMBEDDED_HOST]);
    let ours = drill.ok(&["run", "--rm", "--timeout", "5m", &image, "sh", "-c", LIST]);
    assert!(ours.lines().count() > 5000, "a whole Debian");
    let differ = |left: &str, right: &str| {
        let right: std::collections::HashSet<&str> = right.lines().collect();
        let lines = left.lines().filter(|line| !right.contains(line));
        lines.take(10).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        (differ(&theirs, &ours), differ(&ours, &theirs)),
        (vec![], vec![]),
        "Docker alone, ours alone"
    );
}

/// What `with` makes of the image, which is there only meanwhile.
fn built<T>(
    engine: &EngineAccess,
    image: &str,
    folder: &std::path::Path,
    with: impl FnOnce() -> T,
) -> T {
    let mut build = engine.docker_command();
    let image_id = run(build.args(["build", "--quiet", "--tag", image]).arg(folder));
    image_id.expect("an image can be built");
    let made = with();
    let removed = engine.docker(["image", "rm", "--force", image]);
    removed.expect("an image can be removed");
    made
}
