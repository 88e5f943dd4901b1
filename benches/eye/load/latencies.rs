//! Latencies, each of them counted.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Nanoseconds, to three digits.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(Histogram::new(3).unwrap())
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.record(u64::try_from(latency.as_nanos()).unwrap()).unwrap();
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        self.0.add(&others.0).unwrap();
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Milliseconds at a quantile between 0 and 1.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.at(0.99)
    }
}
