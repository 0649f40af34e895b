//! Which image of several fits a machine.

use longshore_core::spec::Platform;

use crate::document::{Entry, PlatformDocument};

/// The platform of this machine.
pub fn host_platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    };
    format!("linux/{architecture}")
        .parse()
        .expect("an architecture is a word")
}

/// Can what is for `offered` run where `wanted` is asked for?
pub(crate) fn is_for(offered: &PlatformDocument, wanted: &Platform) -> bool {
    rank(offered, wanted).is_some()
}

/// The entry of an index that fits best; of equals, the first.
pub(crate) fn choose<'a>(entries: &'a [Entry], wanted: &Platform) -> Option<&'a Entry> {
    let ranked = entries.iter().filter_map(|entry| {
        // One that says nothing is for whoever takes it, if nothing better is there.
        let rank = entry
            .platform
            .as_ref()
            .map_or(Some(usize::MAX), |it| rank(it, wanted));
        rank.map(|rank| (rank, entry))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry)
}

/// How far from what is wanted; none when it cannot run there.
fn rank(offered: &PlatformDocument, wanted: &Platform) -> Option<usize> {
    if offered.os != wanted.os() || offered.architecture != wanted.architecture() {
        return None;
    }
    let (usual, least) = variants(wanted.architecture());
    let variant = offered
        .variant
        .as_deref()
        .filter(|variant| !variant.is_empty());
    let (offered, wanted) = (variant.unwrap_or(usual), wanted.variant().unwrap_or(usual));
    match (level(offered), level(wanted)) {
        (Some(offered), Some(wanted)) if (least..=wanted).contains(&offered) => {
            Some(wanted - offered)
        }
        _ if offered == wanted => Some(0),
        _ => None,
    }
}

/// The variant that is meant where none is named, and the oldest that still runs.
fn variants(architecture: &str) -> (&'static str, usize) {
    match architecture {
        "amd64" => ("v1", 1),
        "arm" => ("v7", 5),
        "arm64" => ("v8", 8),
        _ => ("", 0),
    }
}

fn level(variant: &str) -> Option<usize> {
    variant.strip_prefix('v')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn entry(platform: &str) -> Entry {
        let platform = (!platform.is_empty()).then(|| {
            let mut parts = platform.split('/').map(str::to_owned);
            PlatformDocument {
                os: parts.next().unwrap(),
                architecture: parts.next().unwrap(),
                variant: parts.next(),
            }
        });
        Entry {
            digest: Digest::of(format!("{platform:?}").as_bytes()),
            platform,
            annotations: std::collections::BTreeMap::new(),
        }
    }

    fn chosen(offered: &[&str], wanted: &str) -> Option<usize> {
        let entries: Vec<Entry> = offered.iter().map(|it| entry(it)).collect();
        let chosen = choose(&entries, &wanted.parse().unwrap())?;
        entries
            .iter()
            .position(|entry| entry.digest == chosen.digest)
    }

    #[test]
    fn the_best_variant_that_runs_is_chosen() {
        let arms = [
            "linux/arm/v5",
            "linux/arm/v7",
            "linux/arm/v6",
            "linux/arm64/v8",
        ];
        assert_eq!(chosen(&arms, "linux/arm"), Some(1));
        assert_eq!(chosen(&arms, "linux/arm/v6"), Some(2));
        assert_eq!(chosen(&arms, "linux/arm64"), Some(3));
        assert_eq!(
            chosen(&["linux/amd64/v3", "linux/amd64"], "linux/amd64"),
            Some(1)
        );
        assert_eq!(chosen(&["linux/amd64/v3"], "linux/amd64"), None);
        assert_eq!(
            chosen(&["linux/amd64", "linux/amd64/v2"], "linux/amd64/v3"),
            Some(1)
        );
    }

    #[test]
    fn what_is_no_image_of_a_platform_is_never_chosen() {
        assert_eq!(
            chosen(&["unknown/unknown", "windows/amd64"], "linux/amd64"),
            None
        );
        assert_eq!(chosen(&["", "linux/amd64"], "linux/amd64"), Some(1));
        assert_eq!(chosen(&[""], "linux/amd64"), Some(0));
    }
}
