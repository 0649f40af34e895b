//! Job files: every key loads, round-trips, and is known by its name.

use longshore_core::policy::Policy;
use longshore_core::spec::JobSpec;
use serde_json::{Value, json};

const EVERY_KEY: &str = include_str!("every_key.toml");

fn every_key() -> JobSpec {
    toml::from_str(EVERY_KEY).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_file_with_every_key_loads() {
    let spec = every_key();
    assert_eq!(spec.image.registry_host(), "registry.example:5000");
    assert_eq!(spec.command.argv(), ["sh", "-c", "echo hello"]);
    assert_eq!(spec.memory.unwrap().to_string(), "64m");
    assert_eq!(spec.memory_swap.unwrap().to_string(), "-1");
    assert_eq!(spec.cpus.unwrap().nanos(), 1_000_000_000);
    assert_eq!(spec.pids_limit.unwrap().as_i64(), 100);
    assert_eq!(spec.user.as_ref().unwrap().user(), "1000");
    assert_eq!(spec.networks[1].to_string(), "frontend:web");
    assert_eq!(spec.volumes[1].to_string(), "/srv/in:/in:ro");
    assert_eq!(spec.priority.get(), 10);
    assert_eq!(spec.stop_signal.unwrap().to_string(), "SIGINT");
    assert_eq!(spec.timeouts.run, None);
    assert_eq!(spec.timeouts.stop_grace.to_string(), "5s500ms");
    assert_eq!(spec.retry.retry_on_exit, [1, 75]);
}

#[test]
fn a_file_with_every_key_satisfies_a_policy_that_allows_it() {
    let policy = Policy {
        allow_bind: vec!["/srv".into()],
        allow_privileged: true,
        ..Policy::default()
    };
    assert_eq!(every_key().validate(&policy), Ok(()));
}

#[test]
fn every_known_key_stands_in_the_file_with_every_key() {
    let file: toml::Table = EVERY_KEY.parse().unwrap();
    let is_there = |key: &str| match key.split_once('.') {
        Some((table, inner)) => file[table].get(inner).is_some(),
        None => file.contains_key(key),
    };
    let missing: Vec<&String> = JobSpec::known_keys()
        .iter()
        .filter(|key| !is_there(key))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_key_of_a_full_spec_is_known() {
    let json = serde_json::to_value(every_key()).unwrap();
    let unknown: Vec<&String> = json
        .as_object()
        .unwrap()
        .keys()
        .filter(|key| !JobSpec::known_keys().contains(*key))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(JobSpec::known_keys().contains("timeouts.stop_grace"));
    assert!(JobSpec::known_keys().contains("retry.retry_on_exit"));
}

#[test]
fn no_value_of_the_full_file_is_a_default() {
    let full = serde_json::to_value(every_key()).unwrap();
    let bare = serde_json::to_value(JobSpec::new("app".parse().unwrap())).unwrap();
    let same: Vec<&String> = bare
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(key, value)| (full[key] == *value).then_some(key))
        .collect();
    assert!(same.is_empty(), "{same:?}");
}

#[test]
fn a_full_spec_round_trips_through_json_and_toml() {
    let spec = every_key();
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<JobSpec>(&json).unwrap(), spec);
    let text = toml::to_string(&spec).unwrap();
    assert_eq!(toml::from_str::<JobSpec>(&text).unwrap(), spec);
}

#[test]
fn a_bare_spec_round_trips_and_equals_a_file_with_the_image_alone() {
    let spec = JobSpec::new("app".parse().unwrap());
    let json = serde_json::to_value(&spec).unwrap();
    assert_eq!(serde_json::from_value::<JobSpec>(json).unwrap(), spec);
    assert_eq!(toml::from_str::<JobSpec>("image = 'app'").unwrap(), spec);
    assert!(spec.init);
}

#[test]
fn a_limit_that_is_switched_off_stays_off_after_a_round_trip() {
    let spec: JobSpec = toml::from_str("image = 'app'\n[timeouts]\nrun = 'none'").unwrap();
    let json = serde_json::to_value(&spec).unwrap();
    assert_eq!(json["timeouts"]["run"], json!("none"));
    assert_eq!(
        serde_json::from_value::<JobSpec>(json)
            .unwrap()
            .timeouts
            .run,
        None
    );
}

#[test]
fn numbers_stay_numbers_in_json() {
    let json = serde_json::to_value(every_key()).unwrap();
    assert_eq!(json["priority"], json!(10));
    assert_eq!(json["pids_limit"], json!(100));
    assert_eq!(json["memory"], json!("64m"));
}

/// The file is refused with these words.
fn refuses(file: &str, reason: &str) {
    let error = toml::from_str::<JobSpec>(file).expect_err(file).to_string();
    assert!(error.contains(reason), "{file:?}: {error}");
}

#[test]
fn what_a_file_must_not_say_is_refused_with_the_reason() {
    refuses("memory = '1g'", "missing field `image`");
    refuses("image = ''", "it is empty");
    refuses(
        "image = 'a'\nmemroy = '1g'",
        "unknown field `memroy`, expected one of",
    );
    refuses(
        "image = 'a'\nmemory = '3x'",
        "invalid size `3x`: use a number with b, k, m or g",
    );
    refuses(
        "image = 'a'\nmemory = 1.5",
        "invalid type: floating point `1.5`",
    );
    refuses("image = 'a'\ncpus = -1", "invalid number of CPUs `-1`");
    refuses("image = 'a'\nhostname = 5", "put it in quotes");
    refuses("image = 'a'\ncommand = 5", "expected a list of arguments");
    refuses("image = 'a'\nenv = {'' = 'x'}", "the name is missing");
    refuses(
        "image = 'a'\nnetworks = [{nme = 'x'}]",
        "unknown field `nme`",
    );
    refuses(
        "image = 'a'\nvolumes = [{kind = 'bind', target = '/x'}]",
        "needs a path on the host",
    );
    let mount = "kind = 'bind', source = '/a:b', target = '/c,d'";
    let file = format!("image = 'a'\nvolumes = [{{{mount}}}]");
    refuses(&file, "cannot be written down");
    refuses(
        "image = 'a'\n[labels]\n'io.longshore.job' = 'x'",
        "reserved",
    );
    refuses("image = 'a'\n[timeouts]\nrun = 0", "must be above zero");
    refuses(
        "image = 'a'\n[timeouts]\nstart = 'none'",
        "use seconds or units",
    );
    refuses("image = 'a'\n[timeouts]\nrn = 5", "unknown field `rn`");
    refuses("image = 'a'\n[retry]\nretrys = 5", "unknown field `retrys`");
}

#[test]
fn inspection_shows_names_of_variables_and_no_values() {
    let spec = every_key();
    let redacted = spec.redacted();
    assert_eq!(
        redacted.env.keys().collect::<Vec<_>>(),
        spec.env.keys().collect::<Vec<_>>()
    );
    assert!(redacted.env.values().all(|value| value == "***"));
    assert_eq!(
        JobSpec {
            env: spec.env.clone(),
            ..redacted
        },
        spec
    );
}

#[test]
fn the_debug_form_of_a_spec_shows_no_values_of_variables() {
    let shown = format!("{:?}", every_key());
    assert!(
        shown.contains("LANG") && !shown.contains("C.UTF-8"),
        "{shown}"
    );
}

#[test]
fn every_property_of_the_schema_is_described() {
    let schema = schemars::schema_for!(JobSpec);
    let properties = schema.as_value()["properties"].as_object().unwrap();
    let silent: Vec<&String> = properties
        .iter()
        .filter_map(|(key, property)| property["description"].is_null().then_some(key))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    assert_eq!(
        schema.as_value()["additionalProperties"],
        Value::Bool(false)
    );
}
