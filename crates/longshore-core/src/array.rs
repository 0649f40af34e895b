//! Arrays: many jobs that were submitted as one, told apart by their indexes.

use serde::Serialize;

use crate::ids::ArrayId;
use crate::spec::{ArrayRange, EnvName, JobSpec, LimitKey};

/// Which job of which array one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ArrayPlace {
    /// The array.
    pub id: ArrayId,
    /// The job's index.
    pub index: u32,
}

/// The specs of an array's jobs, each with its index. Each has it also in its name and, with the
/// array's id and size, in its environment: as `LONGSHORE_ARRAY_INDEX`, `_ID` and `_COUNT`.
pub fn spread(spec: &JobSpec, range: &ArrayRange, id: ArrayId) -> Vec<(ArrayPlace, JobSpec)> {
    let spec_of = |index: u32| {
        let mut spec = JobSpec {
            array: None,
            ..spec.clone()
        };
        for (name, value) in [
            ("LONGSHORE_ARRAY_INDEX", index.to_string()),
            ("LONGSHORE_ARRAY_ID", id.to_string()),
            ("LONGSHORE_ARRAY_COUNT", range.size().to_string()),
        ] {
            spec.env.insert(env_name(name), value);
        }
        spec.name = spec.name.map(|name| name.numbered(index));
        spec.idempotency_key = spec.idempotency_key.map(|key| key.numbered(index));
        if let Some(at_once) = range.at_once() {
            spec.limits.insert(LimitKey::of_array(id), at_once);
        }
        spec
    };
    let place = |index| (ArrayPlace { id, index }, spec_of(index));
    range.indexes().map(place).collect()
}

fn env_name(name: &str) -> EnvName {
    name.parse().expect("our own names are names of variables")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_job_of_an_array_knows_its_index_and_shares_one_limit() {
        let spec = JobSpec {
            name: Some("sweep".parse().unwrap()),
            idempotency_key: Some("k".parse().unwrap()),
            ..JobSpec::new("busybox:1".parse().unwrap())
        };
        let id = ArrayId::new(Uuid::from_u128(7));
        let jobs = spread(&spec, &"3,10%2".parse().unwrap(), id);
        let (place, last) = &jobs[1];
        assert_eq!((jobs.len(), place.index), (2, 10));
        assert_eq!(last.name.as_ref().unwrap().as_str(), "sweep-10");
        assert_eq!(last.idempotency_key.as_ref().unwrap().as_str(), "k-10");
        assert_eq!(last.env[&env_name("LONGSHORE_ARRAY_INDEX")], "10");
        assert_eq!(last.env[&env_name("LONGSHORE_ARRAY_ID")], id.to_string());
        assert_eq!(last.env[&env_name("LONGSHORE_ARRAY_COUNT")], "2");
        let limits: Vec<_> = last.limits.iter().collect();
        assert_eq!(limits[0].0.to_string(), format!("array:{id}"));
        assert_eq!(last.limits, jobs[0].1.limits);
    }
}
