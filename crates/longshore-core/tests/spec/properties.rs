//! What holds for every text and every value: round trips, and no text makes a parser panic.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use longshore_core::spec::{
    ByteSize, Capability, Command, Cpus, EnvName, EnvText, ExtraHost, Gpus, Hostname,
    IdempotencyKey, ImageReference, JobName, LabelKey, MemorySwap, MountFlag, MountSpec,
    NetworkAttachment, PidsLimit, Platform, Priority, PullPolicy, RetryStrategy, SecurityOption,
    Signal, TimeLimit, TmpfsSpec, Ulimit, UserSpec,
};
use proptest::prelude::*;

/// What a text is read as prints as a text that is read as the same.
fn round_trips<T: FromStr<Err: Display> + Display + PartialEq + Debug>(
    text: &str,
) -> Result<(), TestCaseError> {
    let Ok(value) = text.parse::<T>() else {
        return Ok(());
    };
    let printed = value.to_string();
    match printed.parse::<T>() {
        Ok(again) => prop_assert_eq!(again, value, "{:?} printed as {:?}", text, printed),
        Err(error) => prop_assert!(false, "{text:?} printed as {printed:?}: {error}"),
    }
    Ok(())
}

fn every_type_round_trips(text: &str) -> Result<(), TestCaseError> {
    round_trips::<ByteSize>(text)?;
    round_trips::<Capability>(text)?;
    round_trips::<Command>(text)?;
    round_trips::<Cpus>(text)?;
    round_trips::<EnvName>(text)?;
    round_trips::<ExtraHost>(text)?;
    round_trips::<Gpus>(text)?;
    round_trips::<Hostname>(text)?;
    round_trips::<IdempotencyKey>(text)?;
    round_trips::<ImageReference>(text)?;
    round_trips::<JobName>(text)?;
    round_trips::<LabelKey>(text)?;
    round_trips::<MemorySwap>(text)?;
    round_trips::<MountSpec>(text)?;
    round_trips::<NetworkAttachment>(text)?;
    round_trips::<PidsLimit>(text)?;
    round_trips::<Platform>(text)?;
    round_trips::<Priority>(text)?;
    round_trips::<PullPolicy>(text)?;
    round_trips::<RetryStrategy>(text)?;
    round_trips::<SecurityOption>(text)?;
    round_trips::<Signal>(text)?;
    round_trips::<TimeLimit>(text)?;
    round_trips::<TmpfsSpec>(text)?;
    round_trips::<Ulimit>(text)?;
    round_trips::<UserSpec>(text)
}

proptest! {
    #[test]
    fn any_text_is_refused_or_round_trips(text in any::<String>()) {
        every_type_round_trips(&text)?;
        let _ = text.parse::<MountFlag>();
        let _ = EnvText::parse(&text);
    }

    /// Texts of the characters that the grammars use, so that many of them are valid.
    #[test]
    fn any_likely_text_is_refused_or_round_trips(text in "[a-c0-9/:.@,=_ -]{0,24}") {
        every_type_round_trips(&text)?;
    }

    #[test]
    fn any_likely_mount_round_trips(
        text in "(type=(bind|volume),)?(source=)?/?[a-c:./]{0,8}[:,](target=)?/[a-c:.,]{1,8}(:ro|,readonly)?",
    ) {
        round_trips::<MountSpec>(&text)?;
    }

    #[test]
    fn any_likely_image_round_trips_and_its_canonical_form_names_the_same(
        text in "([a-z]{1,4}(\\.[a-z]{2})?(:[0-9]{1,4})?/)?[a-z0-9]{1,4}([._-]{1,2}[a-z0-9]{1,3})?(:[A-Za-z0-9_.-]{1,5})?",
    ) {
        round_trips::<ImageReference>(&text)?;
        if let Ok(image) = text.parse::<ImageReference>() {
            let again: ImageReference = image.canonical().parse().unwrap();
            prop_assert_eq!(again.canonical(), image.canonical());
            prop_assert_eq!(again.familiar_name(), image.familiar_name());
        }
    }

    #[test]
    fn any_arguments_come_back_from_their_text(argv in prop::collection::vec("[^\0]*", 0..5)) {
        let command = Command::from(argv);
        let again: Command = command.to_string().parse().unwrap();
        prop_assert_eq!(again, command);
    }

    #[test]
    fn any_size_prints_exactly(bytes in any::<u64>()) {
        let size = ByteSize::from_bytes(bytes);
        prop_assert_eq!(size.to_string().parse::<ByteSize>().unwrap(), size);
    }

    #[test]
    fn any_time_limit_prints_exactly(seconds in any::<u64>(), millis in 1_u64..10_000_000) {
        let limit = TimeLimit::from_secs(seconds);
        prop_assert_eq!(limit.to_string().parse::<TimeLimit>().unwrap(), limit);
        let short: TimeLimit = format!("{millis}ms").parse().unwrap();
        prop_assert_eq!(short.to_string().parse::<TimeLimit>().unwrap(), short);
    }

    #[test]
    fn a_file_may_say_every_cpu_number_without_quotes(hundredths in 1_u32..100_000) {
        let number = f64::from(hundredths) / 100.0;
        let cpus: Cpus = serde_json::from_value(number.into()).unwrap();
        prop_assert_eq!(cpus.nanos(), u64::from(hundredths) * 10_000_000);
    }

    #[test]
    fn a_normalised_bind_never_leaves_its_folder(tail in "(/(\\.|\\.\\.|a|b))+") {
        let mount: MountSpec = format!("/srv{tail}:/x").parse().unwrap();
        let source = mount.source().unwrap();
        prop_assert!(source.split('/').all(|part| part != ".." && part != "."), "{}", source);
    }
}
