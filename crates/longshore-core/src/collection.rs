//! Which images on a host may go: of those that the pool pulled, what nothing needs and nothing has
//! used for a while.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;

/// An image that the pool pulled to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The reference by which it was pulled.
    pub image: String,
    /// Its size there.
    pub size_bytes: u64,
    /// When an attempt last needed it, or it was pulled.
    pub used_at: Timestamp,
    /// Who needs it, if anybody does.
    pub need: Option<Need>,
}

/// Why an image must stay, however old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A container of the host was made from it, running or not, whoever made it.
    Container,
    /// A job that is not over wants it.
    Job,
    /// It has a name that the pool did not give it.
    OtherName,
}

/// What is kept although nothing needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Images that were used within this time stay.
    pub younger_than: Duration,
    /// As long as they take no more than this together, all stay.
    pub size_bytes: u64,
}

/// What becomes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It may go.
    Collect,
    /// It is needed.
    Needed(Need),
    /// It was used lately.
    Young,
    /// There is room for it.
    Fits,
}

/// Chooses for each image, in the order in which they were given. Those that were not used for
/// longest go first, until what is left fits.
pub fn collect(images: &[Pulled], keep: Keep, now: Timestamp) -> Vec<Choice> {
    let mut left: u64 = images.iter().map(|image| image.size_bytes).sum();
    let mut oldest_first: Vec<usize> = (0..images.len()).collect();
    oldest_first.sort_by_key(|index| {
        let image = &images[*index];
        (image.used_at, Reverse(image.size_bytes))
    });
    let mut choices = vec![Choice::Fits; images.len()];
    for index in oldest_first {
        let image = &images[index];
        let young_from = image.used_at.checked_add(keep.younger_than);
        choices[index] = match image.need {
            Some(need) => Choice::Needed(need),
            None if young_from.is_ok_and(|until| until <= now) => {
                if left <= keep.size_bytes {
                    Choice::Fits
                } else {
                    left -= image.size_bytes;
                    Choice::Collect
                }
            }
            None => Choice::Young,
        };
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60;
    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn image(size_bytes: u64, days_ago: u64, need: Option<Need>) -> Pulled {
        Pulled {
            image: format!("app:{days_ago}"),
            size_bytes,
            used_at: NOW - Duration::from_secs(days_ago * DAY),
            need,
        }
    }

    #[track_caller]
    fn check(images: &[Pulled], keep: (u64, u64), choices: &[Choice]) {
        let (days, size_bytes) = keep;
        let keep = Keep {
            younger_than: Duration::from_secs(days * DAY),
            size_bytes,
        };
        assert_eq!(collect(images, keep, NOW), choices);
    }

    #[test]
    fn what_was_not_used_for_long_goes() {
        let images = [image(1, 13, None), image(1, 14, None), image(1, 90, None)];
        let choices = [Choice::Young, Choice::Collect, Choice::Collect];
        check(&images, (14, 0), &choices);
    }

    #[test]
    fn what_is_needed_stays_however_old() {
        for need in [Need::Container, Need::Job, Need::OtherName] {
            let images = [image(1, 900, Some(need))];
            check(&images, (0, 0), &[Choice::Needed(need)]);
        }
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits() {
        let images = [image(5, 1, None), image(5, 3, None), image(5, 2, None)];
        for (size, choices) in [
            (15, [Choice::Fits, Choice::Fits, Choice::Fits]),
            (14, [Choice::Fits, Choice::Collect, Choice::Fits]),
            (9, [Choice::Fits, Choice::Collect, Choice::Collect]),
            (0, [Choice::Collect; 3]),
        ] {
            check(&images, (0, size), &choices);
        }
    }

    #[test]
    fn what_is_needed_counts_towards_what_may_be_kept() {
        let images = [image(10, 9, Some(Need::Job)), image(5, 3, None)];
        let choices = [Choice::Needed(Need::Job), Choice::Collect];
        check(&images, (0, 12), &choices);
    }

    #[test]
    fn an_image_that_was_used_in_the_future_of_this_clock_stays() {
        let tomorrow = Pulled {
            used_at: NOW + Duration::from_secs(DAY),
            ..image(1, 0, None)
        };
        check(&[tomorrow], (0, 0), &[Choice::Young]);
    }
}
