//! The job spec as its users meet it: texts, files, rules.

mod spec {
    mod environment;
    mod files;
    mod images;
    mod places;
    mod properties;
    mod quantities;
    mod rules;
    mod values;

    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    /// Each text is read, and printed as the second.
    pub(crate) fn prints<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(
        table: &[(&str, &str)],
    ) {
        for (typed, printed) in table {
            let value: T = typed
                .parse()
                .unwrap_or_else(|error| panic!("{typed:?}: {error:?}"));
            assert_eq!(value.to_string(), *printed, "typed {typed:?}");
            let again: T = printed
                .parse()
                .unwrap_or_else(|error| panic!("{printed:?}: {error:?}"));
            assert_eq!(again, value, "printed {printed:?}");
        }
    }

    /// Each text is refused, with these words in the reason.
    pub(crate) fn refuses<T: FromStr<Err: Display> + Debug>(table: &[(&str, &str)]) {
        for (typed, reason) in table {
            let error = match typed.parse::<T>() {
                Ok(value) => panic!("{typed:?} was read as {value:?}"),
                Err(error) => error.to_string(),
            };
            assert!(
                error.contains(reason),
                "{typed:?}: {error:?} lacks {reason:?}"
            );
        }
    }
}
