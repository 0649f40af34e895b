//! Sizes, CPUs, limits, clocks, priorities.

use std::time::Duration;

use longshore_core::spec::{
    ByteSize, Cpus, Gpus, MemorySwap, PidsLimit, Priority, RetryStrategy, TimeLimit, Ulimit,
};

use super::{prints, refuses};

#[test]
fn sizes_are_binary_and_print_in_the_largest_exact_unit() {
    prints::<ByteSize>(&[
        ("67108864", "64m"),
        ("64m", "64m"),
        ("64M", "64m"),
        ("64MB", "64m"),
        ("64MiB", "64m"),
        ("64 mb", "64m"),
        ("1.5g", "1536m"),
        ("1536k", "1536k"),
        ("1000", "1000b"),
        ("2t", "2t"),
        ("512b", "512b"),
        ("0", "0b"),
    ]);
    assert_eq!(
        "512m".parse::<ByteSize>().unwrap().bytes(),
        512 * 1024 * 1024
    );
    assert_eq!(ByteSize::from_mebibytes(1).bytes(), 1_048_576);
}

#[test]
fn a_size_that_is_none_is_refused_with_what_to_type() {
    let hint = "use a number with b, k, m or g, such as 512m";
    let table = [
        "3x", "", " ", "m", "-1", "1..5g", "1e3", "12mm", "9999999t", "1,5g", "1.g", ".5g",
    ];
    refuses::<ByteSize>(&table.map(|typed| (typed, hint)));
    let error = "3x".parse::<ByteSize>().unwrap_err();
    assert_eq!(error.to_string(), format!("invalid size `3x`: {hint}"));
}

#[test]
fn memory_and_swap_is_a_size_or_without_limit() {
    prints::<MemorySwap>(&[("-1", "-1"), ("1g", "1g")]);
    refuses::<MemorySwap>(&[("-2", "-1 for no limit"), ("lots", "-1 for no limit")]);
}

#[test]
fn cpus_are_decimal_numbers_of_at_least_a_hundredth() {
    prints::<Cpus>(&[
        ("0.5", "0.5"),
        ("1", "1"),
        ("1.0", "1"),
        ("0.01", "0.01"),
        ("2.25", "2.25"),
    ]);
    assert_eq!("0.5".parse::<Cpus>().unwrap().nanos(), 500_000_000);
    let hint = "at least 0.01";
    let table = [
        "-1",
        "0",
        "0.0",
        "0.009",
        "",
        "two",
        "1e2",
        "NaN",
        "inf",
        "0.0000000001",
        "+1",
    ];
    refuses::<Cpus>(&table.map(|typed| (typed, hint)));
}

#[test]
fn a_process_limit_is_positive_or_absent() {
    prints::<PidsLimit>(&[("100", "100"), ("-1", "-1")]);
    let hint = "use a whole number above 0";
    refuses::<PidsLimit>(&["0", "-2", "1.5", "", "many"].map(|typed| (typed, hint)));
    assert_eq!(PidsLimit::Unlimited.as_i64(), -1);
    assert_eq!(PidsLimit::DEFAULT.as_i64(), 1024);
}

#[test]
fn a_ulimit_has_a_known_name_and_ordered_limits() {
    prints::<Ulimit>(&[
        ("nofile=1024", "nofile=1024:1024"),
        ("nofile=1024:2048", "nofile=1024:2048"),
        ("core=0:-1", "core=0:-1"),
        ("memlock=unlimited", "memlock=-1:-1"),
    ]);
    refuses::<Ulimit>(&[
        ("nofile", "use name=soft"),
        ("nofile=", "use name=soft"),
        ("nofile=1:2:3", "use name=soft"),
        ("nofile=-2", "use name=soft"),
        ("files=1", "the name is none of core, cpu"),
        ("nofile=2:1", "soft limit is above"),
        ("nofile=-1:1", "soft limit is above"),
    ]);
}

#[test]
fn gpus_are_all_or_so_many_or_these() {
    prints::<Gpus>(&[
        ("all", "all"),
        ("2", "2"),
        ("device=0,1", "device=0,1"),
        ("\"device=0,1\"", "device=0,1"),
        ("device=GPU-3a23c669", "device=GPU-3a23c669"),
    ]);
    let hint = "use all, a count, or device=0,1";
    refuses::<Gpus>(&["", "0", "-1", "device=", "device=0,,1", "some"].map(|typed| (typed, hint)));
}

#[test]
fn a_time_limit_is_seconds_or_has_units() {
    let table = [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2 hours, 5 minutes", 7500),
        ("1d", 86_400),
        ("1w", 604_800),
        ("PT1H", 3600),
    ];
    for (typed, seconds) in table {
        let limit: TimeLimit = typed.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(limit.duration(), Duration::from_secs(seconds), "{typed}");
    }
    assert_eq!(
        "0.5".parse::<TimeLimit>().unwrap().duration(),
        Duration::from_millis(500)
    );
    prints::<TimeLimit>(&[("90", "1m30s"), ("3600", "1h"), ("1500ms", "1s500ms")]);
}

#[test]
fn a_time_limit_of_nothing_or_less_is_refused() {
    refuses::<TimeLimit>(&[
        ("0", "above zero"),
        ("0s", "above zero"),
        ("-5", "use seconds or units"),
        ("-5s", "use seconds or units"),
        ("5s ago", "use seconds or units"),
        ("", "use seconds or units"),
        ("soon", "use seconds or units"),
        ("1 month", "use seconds or units"),
        ("1.2.3", "use seconds or units"),
        ("99999999999999999999", "use seconds or units"),
        ("11000000h", "ten years"),
        ("100000h", "ten years"),
    ]);
}

#[test]
fn an_optional_time_limit_can_be_switched_off() {
    assert_eq!(TimeLimit::parse_optional("none"), Ok(None));
    assert_eq!(
        TimeLimit::parse_optional("1m"),
        Ok(Some(TimeLimit::from_secs(60)))
    );
    assert!(TimeLimit::parse_optional("never").is_err());
    refuses::<TimeLimit>(&[("none", "use seconds or units")]);
}

#[test]
fn retry_strategies_wait_as_the_legacy_system_did() {
    let table = [
        ("default", 2000, 60),
        ("aggressive", 1000, 30),
        ("conservative", 5000, 300),
        ("high_priority", 500, 15),
    ];
    for (name, base_millis, cap_secs) in table {
        let strategy: RetryStrategy = name.parse().unwrap();
        assert_eq!(strategy.to_string(), name);
        assert_eq!(
            strategy.base(),
            Duration::from_millis(base_millis),
            "{name}"
        );
        assert_eq!(strategy.cap(), Duration::from_secs(cap_secs), "{name}");
    }
    refuses::<RetryStrategy>(&[("", "use default"), ("fast", "use default")]);
}

#[test]
fn a_priority_is_between_0_and_100() {
    prints::<Priority>(&[("0", "0"), ("100", "100")]);
    refuses::<Priority>(&["101", "-1", "", "high", "256", "1.5"].map(|typed| (typed, "0 (last)")));
    assert_eq!(Priority::default().get(), 50);
}
