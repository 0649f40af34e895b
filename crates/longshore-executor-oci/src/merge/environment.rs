//! Environment variables, in the order in which an engine hands them out.

use longshore_core::spec::JobSpec;

use crate::image_config::ImageConfig;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `PATH` and `HOSTNAME`, then what the job sets, then what else the image sets. `HOME` is not among
/// them unless somebody set it: it is known when the user is looked up.
pub(super) fn environment(
    spec: &JobSpec,
    image: &ImageConfig,
    hostname: &str,
) -> Vec<(String, String)> {
    let mut env = vec![
        ("PATH".to_owned(), PATH.to_owned()),
        ("HOSTNAME".to_owned(), hostname.to_owned()),
    ];
    let own = spec
        .env
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.clone()));
    own.for_each(|variable| set(&mut env, variable));
    let of_image = image.env.iter().flatten();
    let of_image = of_image.filter_map(|text| text.split_once('='));
    for (name, value) in of_image {
        if !spec.env.keys().any(|own| own.as_str() == name) {
            set(&mut env, (name.to_owned(), value.to_owned()));
        }
    }
    env
}

/// In the place of an earlier one of the same name, or at the end.
fn set(env: &mut Vec<(String, String)>, (name, value): (String, String)) {
    match env.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => env.push((name, value)),
    }
}
