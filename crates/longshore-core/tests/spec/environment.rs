//! Environment texts: the legacy rules, and the three sources in their order.

use longshore_core::spec::{EnvName, EnvText, EnvTextError, JobSpec};

use super::{prints, refuses};

/// The text is read as these variables and nothing else.
fn check(text: &str, expected: &[(&str, &str)]) {
    let parsed = EnvText::parse(text).expect("a good text");
    let variables: Vec<(&str, &str)> = parsed
        .variables()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(variables, expected, "{text:?}");
}

#[test]
fn names_and_values_are_trimmed() {
    check("  A = one two \r\n\tB=2\n", &[("A", "one two"), ("B", "2")]);
}

#[test]
fn empty_lines_and_comments_are_nothing() {
    check("\n# A=1\n   #B=2\n\n", &[]);
    check("", &[]);
}

#[test]
fn only_the_first_equals_sign_separates() {
    check("URL=postgres://x?a=b=c", &[("URL", "postgres://x?a=b=c")]);
    check("EMPTY=", &[("EMPTY", "")]);
}

#[test]
fn the_last_line_of_a_name_wins() {
    check("A=1\nA=2", &[("A", "2")]);
}

#[test]
fn quotes_comments_export_and_variables_are_literal() {
    check("A=\"q v\"", &[("A", "\"q v\"")]);
    check("A=2 # inline", &[("A", "2 # inline")]);
    check("export C=1", &[("export C", "1")]);
    check("A=$HOME", &[("A", "$HOME")]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    check("\u{FEFF}A=1", &[("A", "1")]);
}

#[test]
fn lines_without_an_equals_sign_are_skipped_and_named() {
    let parsed = EnvText::parse("A=1\n  HOME \n\nB=2\nodd one").unwrap();
    let skipped: Vec<(usize, &str)> = parsed
        .skipped()
        .iter()
        .map(|line| (line.number, line.text.as_str()))
        .collect();
    assert_eq!(skipped, [(2, "HOME"), (5, "odd one")]);
}

#[test]
fn a_line_without_a_name_is_refused_by_its_number_without_its_value() {
    let error = EnvText::parse("A=1\n\n = secret").unwrap_err();
    assert_eq!(error, EnvTextError::NoName { line: 3 });
    assert_eq!(
        error.to_string(),
        "line 3 of the environment text has no name before `=`: use NAME=value"
    );
}

#[test]
fn a_nul_byte_is_refused_by_its_line() {
    assert_eq!(
        EnvText::parse("A=1\nB=\0").unwrap_err(),
        EnvTextError::Nul { line: 2 }
    );
}

#[test]
fn the_debug_form_of_a_text_shows_no_values() {
    let shown = format!("{:?}", EnvText::parse("TOKEN=hunter2").unwrap());
    assert!(
        shown.contains("TOKEN") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn a_variable_needs_a_name() {
    prints::<EnvName>(&[("LANG", "LANG"), ("export C", "export C")]);
    refuses::<EnvName>(&[
        ("", "the name is missing"),
        ("A=1", "neither"),
        ("A\0", "neither"),
    ]);
}

#[test]
fn template_is_weaker_than_file_and_file_weaker_than_the_jobs_own() {
    let mut spec = JobSpec::new("app".parse().unwrap());
    spec.env_template = Some("base".to_owned());
    spec.env_file = vec!["one.env".to_owned(), "two.env".to_owned()];
    spec.env = EnvText::parse("D=own").unwrap().variables().clone();
    assert_eq!(spec.unresolved(), ["env_template", "env_file"]);

    let template = EnvText::parse("A=template\nB=template\nC=template\nD=template").unwrap();
    let files = ["B=one\nC=one\nD=one", "C=two"].map(|text| EnvText::parse(text).unwrap());
    spec.resolve_environment(Some(&template), &files);

    let merged: Vec<String> = spec
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(merged, ["A=template", "B=one", "C=two", "D=own"]);
    assert!(spec.unresolved().is_empty());
}

#[test]
fn a_refused_name_never_repeats_what_stands_behind_an_equals_sign() {
    for typed in ["TOKEN=hunter2", "=hunter2"] {
        let error = typed.parse::<EnvName>().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
