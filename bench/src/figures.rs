//! Medians and how they are printed.

/// The middle of the values; of two middles the lower. Zero when there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0.0)
}

/// The value below which 95 of 100 lie. Zero when there are none.
pub(crate) fn p95(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * 95).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// `12.3 (11.0-13.1)`.
pub(crate) fn spread(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.1} ({low:.1}-{high:.1})", median(values))
}

/// Median and 95th percentile of milliseconds, and whether the median keeps a bar.
pub(crate) fn latency(millis: &[f64], bar: f64) -> String {
    let (middle, late) = (median(millis), p95(millis));
    let verdict = against(middle, bar, middle <= bar);
    format!("median {verdict}, p95 {late:.2}")
}

/// Whether a bar is met, in words.
pub(crate) fn against(value: f64, bar: f64, is_met: bool) -> String {
    let word = if is_met { "met" } else { "MISSED" };
    format!("{value:.2} (bar {bar}: {word})")
}
