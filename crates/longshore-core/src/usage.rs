//! What an attempt used: samples while it runs, totals at its end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One reading of a running container's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it was read.
    pub at: Timestamp,
    /// Memory in use without inactive file cache, as `docker stats` counts it.
    pub memory_bytes: u64,
    /// The kernel's own peak counter, where it keeps one; file cache counts here.
    pub kernel_peak_bytes: Option<u64>,
    /// CPU time since the start.
    pub cpu_nanos: u64,
    /// Bytes received on all networks.
    pub network_rx_bytes: u64,
    /// Bytes sent on all networks.
    pub network_tx_bytes: u64,
    /// Bytes read from block devices.
    pub block_read_bytes: u64,
    /// Bytes written to block devices.
    pub block_write_bytes: u64,
}

/// Totals of an attempt; what was only sampled is a lower bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Largest memory that a sample met, as `docker stats` counts it (without inactive file cache).
    pub peak_memory_bytes: u64,
    /// The kernel's own peak, where it keeps one; file cache counts here.
    pub kernel_peak_bytes: Option<u64>,
    /// CPU time.
    pub cpu_nanos: u64,
    /// Mean CPU use in percent of one core, over the time that was seen.
    pub cpu_mean_percent: f64,
    /// Bytes received.
    pub network_rx_bytes: u64,
    /// Bytes sent.
    pub network_tx_bytes: u64,
    /// Bytes read.
    pub block_read_bytes: u64,
    /// Bytes written.
    pub block_write_bytes: u64,
    /// How many samples stand behind this.
    pub samples: u32,
}

impl Usage {
    /// Together with what was read of the same container at other times; counters never go down.
    #[must_use]
    pub fn with(&self, later: &Self) -> Self {
        let cpu_mean_percent = if later.cpu_nanos >= self.cpu_nanos {
            later.cpu_mean_percent
        } else {
            self.cpu_mean_percent
        };
        Self {
            peak_memory_bytes: self.peak_memory_bytes.max(later.peak_memory_bytes),
            kernel_peak_bytes: self.kernel_peak_bytes.max(later.kernel_peak_bytes),
            cpu_nanos: self.cpu_nanos.max(later.cpu_nanos),
            cpu_mean_percent,
            network_rx_bytes: self.network_rx_bytes.max(later.network_rx_bytes),
            network_tx_bytes: self.network_tx_bytes.max(later.network_tx_bytes),
            block_read_bytes: self.block_read_bytes.max(later.block_read_bytes),
            block_write_bytes: self.block_write_bytes.max(later.block_write_bytes),
            samples: self.samples + later.samples,
        }
    }

    /// Takes one more sample in; counters never go down.
    pub fn add(&mut self, sample: &Sample, started_at: Timestamp) {
        self.peak_memory_bytes = self.peak_memory_bytes.max(sample.memory_bytes);
        self.kernel_peak_bytes = self.kernel_peak_bytes.max(sample.kernel_peak_bytes);
        self.cpu_nanos = self.cpu_nanos.max(sample.cpu_nanos);
        self.network_rx_bytes = self.network_rx_bytes.max(sample.network_rx_bytes);
        self.network_tx_bytes = self.network_tx_bytes.max(sample.network_tx_bytes);
        self.block_read_bytes = self.block_read_bytes.max(sample.block_read_bytes);
        self.block_write_bytes = self.block_write_bytes.max(sample.block_write_bytes);
        self.samples += 1;
        let seen = sample.at.duration_since(started_at).as_secs_f64();
        if seen > 0.0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a percentage needs no exact nanoseconds"
            )]
            let cpu_secs = self.cpu_nanos as f64 / 1e9;
            self.cpu_mean_percent = cpu_secs / seen * 100.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, memory: u64, cpu_ms: u64) -> Sample {
        Sample {
            at: Timestamp::from_second(second).unwrap(),
            memory_bytes: memory,
            kernel_peak_bytes: None,
            cpu_nanos: cpu_ms * 1_000_000,
            network_rx_bytes: 0,
            network_tx_bytes: 0,
            block_read_bytes: 0,
            block_write_bytes: 0,
        }
    }

    #[test]
    fn the_peak_is_kept_and_the_mean_is_over_the_seen_time() {
        let start = Timestamp::from_second(100).unwrap();
        let mut usage = Usage::default();
        usage.add(&sample(101, 900, 500), start);
        usage.add(&sample(104, 300, 1000), start);
        assert_eq!(usage.peak_memory_bytes, 900);
        assert!((usage.cpu_mean_percent - 25.0).abs() < 1e-9);
        assert_eq!(usage.samples, 2);
    }

    #[test]
    fn two_readers_of_one_container_add_up() {
        let start = Timestamp::from_second(100).unwrap();
        let (mut one, mut other) = (Usage::default(), Usage::default());
        one.add(&sample(101, 900, 500), start);
        other.add(&sample(104, 300, 1000), start);
        let both = one.with(&other);
        assert_eq!((both.peak_memory_bytes, both.samples), (900, 2));
        assert!((both.cpu_mean_percent - 25.0).abs() < 1e-9);
    }
}
