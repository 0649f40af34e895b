//! Which crate may use which: the table of the architecture, held against the manifests.

use cargo_metadata::{DependencyKind, Metadata};

use super::finding::Finding;

/// A crate and those of ours that it may use. A crate that is not here may use none of ours.
const TABLE: &[(&str, &[&str])] = &[
    ("longshore-core", &[]),
    ("longshore-store", &["core"]),
    ("longshore-executor", &["core"]),
    ("longshore-executor-docker", &["core", "executor"]),
    ("longshore-executor-swarm", &["core", "executor"]),
    ("longshore-executor-kubernetes", &["core", "executor"]),
    ("longshore-executor-fargate", &["core", "executor"]),
    ("longshore-executor-cloudrun", &["core", "executor"]),
    (
        "longshore-executor-oci",
        &["core", "executor", "image", "runtime"],
    ),
    ("longshore-image", &["core"]),
    ("longshore-runtime", &["core"]),
    ("longshore-engine", &["core", "store", "executor"]),
    ("longshore-service", &["core", "store", "executor"]),
    ("longshore-import", &["core", "store"]),
    ("longshore-wire", &["core"]),
    ("longshore-api", &["core", "store", "wire"]),
    ("longshore-web", &["core", "store", "wire"]),
    ("longshore-client", &["wire"]),
    (
        "longshore-cli",
        &["core", "store", "service", "import", "client", "wire"],
    ),
];

/// These see everything; nobody but tests sees them.
const FREE: [&str; 5] = [
    "longshore",
    "longshore-testkit",
    "longshore-e2e",
    "longshore-bench",
    "xtask",
];
const TESTKIT: &str = "longshore-testkit";
/// A crate whose tests need a place that runs containers, real or played, or what such places share.
const TESTED_WITH: [(&str, &str); 3] = [
    ("longshore-image", "longshore-executor"),
    ("longshore-service", "longshore-executor-docker"),
    ("longshore-cli", "longshore-executor"),
];

/// Checks the manifests of the workspace.
pub(crate) fn check(metadata: &Metadata) -> Vec<Finding> {
    let ours: Vec<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let used = package
            .dependencies
            .iter()
            .filter(|used| ours.contains(&used.name.as_str()));
        for dependency in used {
            let in_tests = dependency.kind == DependencyKind::Development;
            findings.extend(judge(package.name.as_str(), &dependency.name, in_tests));
        }
    }
    findings
}

fn judge(user: &str, target: &str, in_tests: bool) -> Option<Finding> {
    let is_test_tool = target == TESTKIT || target == user || TESTED_WITH.contains(&(user, target));
    if FREE.contains(&user) || (in_tests && is_test_tool) {
        return None;
    }
    let row = TABLE
        .iter()
        .find(|(name, _)| *name == user)
        .map_or(&[][..], |(_, row)| *row);
    let allowed = target
        .strip_prefix("longshore-")
        .is_some_and(|short| row.contains(&short));
    let item = format!("{user} → {target}");
    let text = format!("{user} may not use {target}: the architecture has no such edge");
    (!allowed).then(|| Finding::plain("Cargo.toml", "edge", &item, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_outside_the_table_is_found() {
        assert!(judge("longshore-core", "longshore-store", false).is_some());
        assert!(judge("longshore-engine", "longshore-executor-docker", false).is_some());
        assert!(judge("longshore-new", "longshore-core", false).is_some());
        assert!(judge("longshore-store", "longshore-testkit", false).is_some());
        assert!(judge("longshore-service", "longshore-executor-docker", false).is_some());
    }

    #[test]
    fn edges_of_the_table_and_test_kits_are_fine() {
        assert!(judge("longshore-engine", "longshore-store", false).is_none());
        assert!(judge("longshore-store", "longshore-testkit", true).is_none());
        assert!(judge("longshore", "longshore-executor-docker", false).is_none());
        assert!(judge("longshore-service", "longshore-executor-docker", true).is_none());
    }
}
