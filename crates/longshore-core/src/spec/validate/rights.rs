//! Rules for what a container may do to its host: only the pool's policy lets it out of its box.

use super::Findings;
use crate::spec::JobSpec;
use crate::spec::policy::Policy;

const REMEDY: &str = "leave it out, or set allow_privileged in the policy";

pub(super) fn check(spec: &JobSpec, policy: &Policy, findings: &mut Findings) {
    if policy.allow_privileged {
        return;
    }
    if spec.privileged {
        let problem = "privileged containers are not allowed in this pool";
        findings.refuse("privileged", problem, REMEDY);
    }
    for capability in spec
        .cap_add
        .iter()
        .filter(|capability| !capability.is_default())
    {
        let problem = format!("{capability} is not allowed in this pool");
        findings.refuse("cap_add", problem, REMEDY);
    }
    for option in spec.security_opt.iter().filter(|option| option.weakens()) {
        let problem = format!("{option} is not allowed in this pool");
        findings.refuse("security_opt", problem, REMEDY);
    }
}
