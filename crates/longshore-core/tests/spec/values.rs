//! Commands, names, users, signals and rights.

use longshore_core::spec::{
    Capability, Command, Hostname, IdempotencyKey, JobName, LabelKey, SecurityOption, Signal,
    UserSpec,
};

use super::{prints, refuses};

#[test]
fn a_command_is_split_without_a_shell() {
    let table: [(&str, &[&str]); 8] = [
        ("", &[]),
        ("   ", &[]),
        ("echo hello", &["echo", "hello"]),
        ("sh -c 'echo \"a b\"'", &["sh", "-c", "echo \"a b\""]),
        ("echo a\\ b", &["echo", "a b"]),
        ("echo $HOME *", &["echo", "$HOME", "*"]),
        ("echo #no comment", &["echo", "#no", "comment"]),
        ("echo ''", &["echo", ""]),
    ];
    for (typed, argv) in table {
        assert_eq!(typed.parse::<Command>().unwrap().argv(), argv, "{typed:?}");
    }
}

#[test]
fn a_command_with_an_open_quote_is_refused() {
    refuses::<Command>(&[
        ("echo 'x", "a quote is not closed"),
        ("echo \"x", "a quote is not closed"),
        ("echo x\\", "a backslash ends the text"),
    ]);
}

#[test]
fn names_are_checked_for_what_they_name() {
    let long = "x".repeat(201);
    prints::<JobName>(&[("nightly import №1", "nightly import №1")]);
    refuses::<JobName>(&[
        ("", "1 to 200"),
        ("  ", "1 to 200"),
        (&long, "1 to 200"),
        ("a\nb", "printable"),
    ]);
    prints::<IdempotencyKey>(&[("import-1", "import-1")]);
    refuses::<IdempotencyKey>(&[("", "1 to 200"), (&long, "1 to 200"), ("a\tb", "printable")]);
    prints::<LabelKey>(&[("team", "team"), ("org.example/team", "org.example/team")]);
    refuses::<LabelKey>(&[
        ("", "1 to 200"),
        ("a=b", "without `=`"),
        ("a b", "without `=`"),
        ("io.longshore.job", "reserved"),
        ("django.container_manager.job_id", "reserved"),
    ]);
    prints::<Hostname>(&[("builder-1.local", "builder-1.local"), ("a_b", "a_b")]);
    refuses::<Hostname>(
        &["", "-a", "a-", "a..b", "a b", &"x".repeat(64)].map(|typed| (typed, "up to 63")),
    );
}

#[test]
fn a_user_may_have_a_group() {
    prints::<UserSpec>(&[
        ("app", "app"),
        ("1000:1000", "1000:1000"),
        ("app:staff", "app:staff"),
    ]);
    let table = [
        "",
        ":",
        "app:",
        ":staff",
        "a:b:c",
        "a b",
        "-x",
        "2147483648",
    ];
    refuses::<UserSpec>(&table.map(|typed| (typed, "use user or user:group")));
}

#[test]
fn a_signal_is_read_by_name_and_number() {
    prints::<Signal>(&[
        ("TERM", "SIGTERM"),
        ("sigint", "SIGINT"),
        ("9", "SIGKILL"),
        ("SIGSYS", "SIGSYS"),
        ("64", "64"),
    ]);
    assert_eq!("TERM".parse::<Signal>(), Ok(Signal::TERM));
    assert_eq!("SIGWINCH".parse::<Signal>().unwrap().number(), 28);
    refuses::<Signal>(&["", "SIG", "0", "65", "-9", "STOPIT"].map(|typed| (typed, "use a name")));
}

#[test]
fn a_capability_is_read_with_and_without_its_prefix() {
    prints::<Capability>(&[
        ("NET_ADMIN", "NET_ADMIN"),
        ("cap_net_admin", "NET_ADMIN"),
        ("CAP_SYSLOG", "SYSLOG"),
        ("all", "ALL"),
    ]);
    refuses::<Capability>(&["", "CAP_", "ADMIN", "CAP_ALL"].map(|typed| (typed, "use a Linux")));
    assert!("CHOWN".parse::<Capability>().unwrap().is_default());
    assert!(!"ALL".parse::<Capability>().unwrap().is_default());
}

#[test]
fn a_security_option_is_known_and_knows_whether_it_weakens() {
    let table = [
        ("no-new-privileges", "no-new-privileges=true", false),
        ("no-new-privileges:false", "no-new-privileges=false", true),
        ("seccomp=builtin", "seccomp=builtin", false),
        ("seccomp=unconfined", "seccomp=unconfined", true),
        (
            "seccomp={\"defaultAction\":1}",
            "seccomp={\"defaultAction\":1}",
            true,
        ),
        ("apparmor=docker-default", "apparmor=docker-default", false),
        ("apparmor:unconfined", "apparmor=unconfined", true),
        ("label=disable", "label=disable", true),
        ("label=type:spc_t", "label=type:spc_t", true),
        ("systempaths=unconfined", "systempaths=unconfined", true),
    ];
    for (typed, printed, weakens) in table {
        prints::<SecurityOption>(&[(typed, printed)]);
        assert_eq!(
            typed.parse::<SecurityOption>().unwrap().weakens(),
            weakens,
            "{typed}"
        );
    }
    let bad = [
        "",
        "seccomp",
        "seccomp=/etc/profile.json",
        "apparmor=",
        "label",
        "x=y",
    ];
    refuses::<SecurityOption>(&bad.map(|typed| (typed, "use no-new-privileges")));
}

#[test]
fn an_error_repeats_a_long_or_strange_text_safely() {
    let error = "\u{1b}[31m".parse::<JobName>().unwrap_err().to_string();
    assert!(error.contains("`\\u{1b}[31m`"), "{error}");
    let error = "x".repeat(201).parse::<JobName>().unwrap_err().to_string();
    assert!(error.contains(&format!("`{}…`", "x".repeat(80))), "{error}");
    let error = "=".repeat(80).parse::<LabelKey>().unwrap_err().to_string();
    assert!(error.contains(&format!("`{}`", "=".repeat(80))), "{error}");
}

#[test]
fn a_name_may_have_200_characters() {
    prints::<JobName>(&[(&"ü".repeat(200), &"ü".repeat(200))]);
}
