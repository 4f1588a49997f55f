//! How far a training is: the epochs done, and what the one at hand has come to.

use serde::{Deserialize, Serialize};

use super::history::History;
use super::progress::BatchRecord;

/// What an epoch has come to so far.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Partial {
    /// Steps done.
    pub(super) batches: usize,
    /// Examples seen.
    pub(super) seen: usize,
    pub(super) hits: usize,
    /// The sum of the examples' losses.
    #[serde(with = "bits")]
    pub(super) loss: f64,
    #[serde(with = "bits")]
    pub(super) seconds: f64,
}

impl Partial {
    pub(super) fn add(&mut self, rows: usize, loss: f64, hits: usize) {
        self.batches += 1;
        self.seen += rows;
        self.hits += hits;
        self.loss += loss * rows as f64;
    }

    pub(super) fn record(&self, epoch: usize, learning_rate: f32) -> BatchRecord {
        BatchRecord {
            epoch,
            batch: self.batches,
            loss: self.mean(),
            accuracy: self.accuracy(),
            learning_rate,
        }
    }

    pub(super) fn mean(&self) -> f64 {
        self.loss / self.seen as f64
    }

    pub(super) fn accuracy(&self) -> f64 {
        self.hits as f64 / self.seen as f64
    }
}

/// How far a training is.
#[derive(Clone, Debug, Default)]
pub(super) struct SoFar {
    pub(super) history: History,
    /// The epoch at hand.
    pub(super) partial: Partial,
}

/// Numbers by their bits, since JSON has no infinity.
mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        number.to_bits().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}
