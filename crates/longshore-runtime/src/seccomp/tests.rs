//! Profiles are read as Docker reads them; a filter is installed in a thread, which then feels it.

use std::thread::scope;

use oci_spec::runtime::LinuxSeccompAction;

use super::*;
use crate::config::samples::config;

fn with_profile(seccomp: Seccomp) -> ContainerConfig {
    let mut config = config();
    config.seccomp = seccomp;
    config
}

fn compile(profile: &str) -> Result<Filter, SeccompError> {
    let config = with_profile(Seccomp::Profile(profile.to_owned()));
    Filter::compile(&config).map(|filter| filter.expect("a profile makes a filter"))
}

fn check_refused(profile: &str, said: &str) {
    let error = compile(profile).unwrap_err();
    assert!(error.to_string().contains(said), "{error}");
}

#[test]
fn a_filter_that_is_installed_is_felt() {
    let filter = Filter::compile(&config()).unwrap().unwrap();
    let uname = rustix::system::uname();
    let rename = || rustix::system::sethostname(uname.nodename().to_bytes());
    // A filter is a thread's own.
    let (before, after) = scope(|scope| {
        let thread = scope.spawn(|| {
            let before = rename();
            filter.install().unwrap();
            (before, rename())
        });
        thread.join().unwrap()
    });
    assert_eq!((before, after), (Ok(()), Err(Errno::PERM)));
    assert_eq!(rename(), Ok(()));
}

#[test]
fn the_default_profile_has_no_unknown_names() {
    assert_eq!(check_profile(DEFAULT).unwrap(), [""; 0]);
}

#[test]
fn an_unconfined_container_has_no_filter_and_a_privileged_one_only_its_own() {
    assert!(
        Filter::compile(&with_profile(Seccomp::Unconfined))
            .unwrap()
            .is_none()
    );
    assert!(
        to_oci(&with_profile(Seccomp::Unconfined))
            .unwrap()
            .is_none()
    );
    let mut privileged = config();
    privileged.process.privileged = true;
    assert!(Filter::compile(&privileged).unwrap().is_none());
    privileged.seccomp = Seccomp::Profile(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#.to_owned());
    assert!(Filter::compile(&privileged).unwrap().is_some());
}

#[test]
fn a_name_that_no_call_has_is_reported_where_it_would_permit_and_refused_where_it_would_forbid() {
    let allowing = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["read", "raed"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["s390_raed"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}}]}"#;
    assert_eq!(check_profile(allowing).unwrap(), ["raed"]);
    let denying = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["raed"], "action": "SCMP_ACT_ERRNO"}]}"#;
    check_refused(denying, "forbids raed");
    let error = check_profile(denying).unwrap_err();
    assert!(error.to_string().contains("forbids raed"), "{error}");
}

#[test]
fn what_is_no_profile_is_refused() {
    check_refused("", "the seccomp profile is none");
    check_refused("{}", "the seccomp profile is none");
    check_refused(r#"{"defaultAction": "SCMP_ACT_MAYBE"}"#, "is none");
    check_refused(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "sycsalls": []}"#,
        "is none",
    );
    check_refused(r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#, "another program");
    let seventh = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]}"#;
    check_refused(seventh, "argument 6");
}

fn kernel_rule(condition: &str) -> bool {
    let profile = format!(
        r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {{"names": ["read"], "action": "SCMP_ACT_ALLOW", {condition}}}]}}"#
    );
    let rules = Profile::parse(&profile).unwrap();
    let subject = Subject {
        capabilities: CapabilitySet::of_names(&["CAP_CHOWN", "CAP_KILL"]),
        architecture: Architecture::X86_64,
        kernel: (5, 10),
    };
    !rules.rules_for(subject).unwrap().list.is_empty()
}

#[test]
fn a_rule_holds_when_all_that_it_includes_is_there_and_nothing_that_it_excludes() {
    let check = |condition: &str, holds| assert_eq!(kernel_rule(condition), holds, "{condition}");
    check(r#""includes": {}"#, true);
    check(r#""includes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}"#, true);
    check(r#""includes": {"caps": ["CAP_CHOWN", "CAP_BPF"]}"#, false);
    check(r#""excludes": {"caps": ["CAP_BPF"]}"#, true);
    check(r#""excludes": {"caps": ["CAP_BPF", "CAP_KILL"]}"#, false);
    check(r#""includes": {"arches": ["amd64", "arm"]}"#, true);
    check(r#""includes": {"arches": ["arm64"]}"#, false);
    check(r#""excludes": {"arches": ["amd64"]}"#, false);
    check(r#""includes": {"minKernel": "5.10"}"#, true);
    check(r#""includes": {"minKernel": "5.11"}"#, false);
    check(r#""includes": {"minKernel": "4.20"}"#, true);
    check(r#""excludes": {"minKernel": "4.8"}"#, false);
}

#[test]
fn an_oci_runtime_gets_the_rules_that_hold_for_the_container() {
    let seccomp = to_oci(&config()).unwrap().unwrap();
    assert_eq!(seccomp.default_action(), LinuxSeccompAction::ScmpActErrno);
    assert_eq!(seccomp.default_errno_ret(), Some(1));
    let calls = seccomp.syscalls().as_ref().unwrap();
    let named = |name: &str| {
        calls
            .iter()
            .filter(|call| call.names().contains(&name.to_owned()))
            .count()
    };
    assert_eq!(named("mount"), 0);
    assert_eq!(named("personality"), 5);
    assert_eq!(named("clone"), 1);
}

#[test]
fn the_filter_that_is_ready_is_the_one_that_would_be_made() {
    let mut config = config();
    let made = |config: &ContainerConfig| {
        let capabilities = CapabilitySet::of(&config.process).unwrap();
        let profile = Profile::parse(DEFAULT).unwrap();
        format!("{:?}", Filter::of(&profile, capabilities).unwrap())
    };
    let found = |config: &ContainerConfig| {
        let filter = Filter::compile(config).unwrap().unwrap();
        format!("{filter:?}")
    };
    prepare();
    config.process.capabilities = CapabilitySet::of_docker().names();
    let usual = found(&config);
    assert_eq!(usual, made(&config));
    config.process.capabilities.push("CAP_SYS_ADMIN".to_owned());
    assert_eq!(found(&config), made(&config));
    assert_ne!(found(&config), usual);
}
