//! From bytes to numbers a network learns well from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{LabError, Result};

/// The normalized value of each of the 256 bytes.
pub(super) type Table = [f32; 256];

/// How a byte `x` becomes a number: `(x / 255 − mean) / std`, with a mean and deviation for each channel.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train;
/// let standardized = Normalization::standardize(&train)?;
/// let train = train.with_normalization(standardized)?;
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalization {
    /// `x / 255`, so that numbers lie in [0, 1].
    pub fn unit(channels: usize) -> Self {
        Self {
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
        }
    }

    /// `(x / 255 − mean) / std` with a mean and deviation for each channel, on the scale of [0, 1].
    ///
    /// # Errors
    /// [`LabError::Shape`] when the two differ in length; [`LabError::Value`] when a number is not finite or a deviation
    /// not above 0.
    pub fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self> {
        let normalization = Self { mean, std };
        normalization.check(normalization.mean.len())?;
        Ok(normalization)
    }

    /// Whether it is `x / 255` alone.
    pub(super) fn is_unit(&self) -> bool {
        self.mean.iter().all(|&mean| mean == 0.0) && self.std.iter().all(|&std| std == 1.0)
    }

    /// The mean of each channel.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The deviation of each channel.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// An error unless these numbers suit images of so many channels.
    pub(super) fn check(&self, channels: usize) -> Result<()> {
        if self.mean.len() != channels || self.std.len() != channels {
            let found = format!(
                "{} means and {} deviations",
                self.mean.len(),
                self.std.len()
            );
            let remedy = "take the normalization from data with the same channels";
            return Err(LabError::shape(
                "normalization",
                found,
                format!("{channels} of each"),
                remedy,
            ));
        }
        let usable = |(mean, std): (&f32, &f32)| mean.is_finite() && std.is_finite() && *std > 0.0;
        let wrong = self
            .mean
            .iter()
            .zip(&self.std)
            .position(|channel| !usable(channel));
        let Some(channel) = wrong else { return Ok(()) };
        let found = format!(
            "mean {} and deviation {}",
            self.mean[channel], self.std[channel]
        );
        let (expected, remedy) = (
            "a finite mean and a deviation above 0",
            "use images whose pixels differ",
        );
        Err(LabError::value(
            format!("normalization of channel {channel}"),
            found,
            expected,
            remedy,
        ))
    }

    /// For each channel the value of every byte; `x / 255` is the exact quotient, rounded once.
    pub(super) fn table(&self) -> Arc<[Table]> {
        let value = |x: usize, mean: f32, std: f32| (x as f32 / 255.0 - mean) / std;
        let channels = self.mean.iter().zip(&self.std);
        channels
            .map(|(&mean, &std)| std::array::from_fn(|x| value(x, mean, std)))
            .collect()
    }
}
