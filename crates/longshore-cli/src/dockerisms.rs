//! Flags of `docker run` that jobs do not have, each with what to type instead.

use clap::error::{ContextKind, ContextValue};

/// Long and short name of a flag, and what its user should know.
const ABSENT: &[(&[&str], &str)] = &[
    (
        &["-i", "--interactive", "-t", "--tty"],
        "jobs have neither terminal nor input, so that they run the same at three in the morning; \
         leave it out, output is streamed anyway",
    ),
    (
        &["-p", "--publish", "-P", "--publish-all", "--expose"],
        "jobs run to completion and publish no ports; let them join a network by --network NAME",
    ),
    (
        &["--restart"],
        "a job ends once; --retries NUMBER tries a failed one again",
    ),
    (
        &["--link"],
        "links are gone from docker too; join a network by --network NAME and --network-alias NAME",
    ),
    (
        &["--cidfile"],
        "the container is named after its attempt; `longshore inspect JOB` shows it",
    ),
    (
        &["--log-driver", "--log-opt"],
        "output is kept by longshore; --log-limit SIZE bounds it",
    ),
    (
        &["--device", "--device-cgroup-rule"],
        "devices of the host are not handed to jobs; GPUs are, by --gpus",
    ),
];

/// What to tell somebody who typed such a flag.
pub(crate) fn advice(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let flag = typed.split('=').next().unwrap_or(typed);
    let (_, advice) = ABSENT.iter().find(|(flags, _)| flags.contains(&flag))?;
    Some(format!(
        "error: {flag} is no flag of jobs\n hint: {advice}\n"
    ))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn advised(words: &[&str]) -> Option<String> {
        advice(&Cli::try_parse_from(words).unwrap_err())
    }

    #[test]
    fn flags_that_jobs_do_not_have_are_answered_with_what_to_do() {
        for (flags, said) in ABSENT {
            for flag in *flags {
                let advice = advised(&["longshore", "run", flag, "busybox"]).unwrap();
                assert!(
                    advice.contains(flag) && advice.contains(said),
                    "{flag}: {advice}"
                );
            }
        }
    }

    #[test]
    fn a_cluster_of_short_flags_and_a_value_after_an_equals_sign_are_understood() {
        assert!(
            advised(&["longshore", "run", "-it", "busybox"])
                .unwrap()
                .contains("-i ")
        );
        let restart = advised(&["longshore", "submit", "--restart=always", "busybox"]);
        assert!(restart.unwrap().contains("--retries"));
    }

    #[test]
    fn what_nobody_knows_is_left_to_the_parser() {
        assert_eq!(
            advised(&["longshore", "run", "--nonsense", "busybox"]),
            None
        );
    }
}
