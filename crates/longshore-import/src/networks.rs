//! Networks of an old job: a JSON list of tables with a name and aliases.

use longshore_core::spec::{InvalidValue, NetworkAttachment};
use serde_json::Value;

use crate::remarks::Remarks;

const FIELD: &str = "networks";

/// The networks that ours takes.
pub(crate) fn translate(text: Option<&str>, remarks: &mut Remarks) -> Vec<NetworkAttachment> {
    let mut networks: Vec<NetworkAttachment> = Vec::new();
    for entry in entries(text, remarks) {
        // As in the old system, an entry without a name is nothing.
        let Some(name) = entry["network_name"]
            .as_str()
            .filter(|name| !name.is_empty())
        else {
            continue;
        };
        if networks.iter().any(|network| network.name() == name) {
            remarks.add(format!("{FIELD}: {name} is named twice; one was taken"));
            continue;
        }
        match attachment(name, &entry["aliases"], remarks) {
            Ok(network) => networks.push(network),
            Err(why) => remarks.left_out(&format!("{FIELD}: {name}"), why),
        }
    }
    networks
}

fn entries(text: Option<&str>, remarks: &mut Remarks) -> Vec<Value> {
    match text.map(serde_json::from_str) {
        Some(Ok(Value::Array(entries))) => entries,
        None | Some(Ok(Value::Null)) => Vec::new(),
        Some(Ok(_) | Err(_)) => {
            remarks.left_out(FIELD, "it is no JSON list");
            Vec::new()
        }
    }
}

fn attachment(
    name: &str,
    aliases: &Value,
    remarks: &mut Remarks,
) -> Result<NetworkAttachment, InvalidValue> {
    let aliases = aliases.as_array().into_iter().flatten();
    let aliases: Vec<String> = aliases
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let network = NetworkAttachment::new(name, aliases)?;
    let knows_none = network.is_host() || network.is_none() || network.is_default_bridge();
    if network.aliases().is_empty() || !knows_none {
        return Ok(network);
    }
    remarks.left_out(&format!("{FIELD}: aliases on {name}"), "it knows none");
    NetworkAttachment::new(name, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &[&str], remarks_wanted: usize) {
        let mut remarks = Remarks::default();
        let networks = translate(Some(text), &mut remarks);
        let shown: Vec<String> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(shown, wanted, "{text}");
        assert_eq!(remarks.into_iter().count(), remarks_wanted, "{text}");
    }

    #[test]
    fn names_and_aliases_are_taken() {
        check(
            r#"[{"network_name": "app", "aliases": ["api", "web"]}, {"network_name": "db"}]"#,
            &["app:api,web", "db"],
            0,
        );
        check("[]", &[], 0);
        check(
            r#"[{"network_name": ""}, {"aliases": ["x"]}, "app"]"#,
            &[],
            0,
        );
    }

    #[test]
    fn what_ours_refuses_is_left_out_and_told() {
        check(
            r#"[{"network_name": "a b"}, {"network_name": "c"}]"#,
            &["c"],
            1,
        );
        check(
            r#"[{"network_name": "bridge", "aliases": ["x"]}]"#,
            &["bridge"],
            1,
        );
        check(
            r#"[{"network_name": "a"}, {"network_name": "a"}]"#,
            &["a"],
            1,
        );
        check(r#"{"network_name": "a"}"#, &[], 1);
        check("[", &[], 1);
    }
}
