//! From bytes to numbers a network learns well from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
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
        Self { mean: vec![0.0; channels], std: vec![1.0; channels] }
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

    /// Mean 0 and deviation 1 in each channel of `data`: its own mean and its own (population) deviation.
    ///
    /// Give it the training part only: validation and test images are normalized with the training part's numbers.
    ///
    /// # Errors
    /// [`LabError::Value`] when a channel has the same value everywhere.
    pub fn standardize(data: &Dataset) -> Result<Self> {
        let (mean, std) = data.channel_statistics();
        let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        Self::new(single(&mean), single(&std))
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
            let found = format!("{} means and {} deviations", self.mean.len(), self.std.len());
            let remedy = "take the normalization from data with the same channels";
            return Err(LabError::shape("normalization", found, format!("{channels} of each"), remedy));
        }
        let usable = |(mean, std): (&f32, &f32)| mean.is_finite() && std.is_finite() && *std > 0.0;
        match self.mean.iter().zip(&self.std).position(|channel| !usable(channel)) {
            None => Ok(()),
            Some(channel) => Err(LabError::value(
                format!("normalization of channel {channel}"),
                format!("mean {} and deviation {}", self.mean[channel], self.std[channel]),
                "a finite mean and a deviation above 0",
                "use images whose pixels differ, or `Normalization::unit`",
            )),
        }
    }

    /// For each channel the value of every byte; `x / 255` is the exact quotient, rounded once.
    pub(super) fn table(&self) -> Arc<[Table]> {
        let value = |x: usize, mean: f32, std: f32| (x as f32 / 255.0 - mean) / std;
        let channels = self.mean.iter().zip(&self.std);
        channels.map(|(&mean, &std)| std::array::from_fn(|x| value(x, mean, std))).collect()
    }
}

impl Dataset {
    /// The mean and the (population) standard deviation of each channel, on the scale of [0, 1].
    ///
    /// Sums are exact, in whole numbers. Without images all are NaN.
    ///
    /// ```
    /// let (mean, std) = lab_core::data::Cifar10::sample().train.channel_statistics();
    /// assert!((mean[0] - 0.49).abs() < 0.01 && (std[0] - 0.25).abs() < 0.01);
    /// ```
    pub fn channel_statistics(&self) -> (Vec<f64>, Vec<f64>) {
        let channels = self.shape[2];
        let (mut sums, mut squares) = (vec![0u64; channels], vec![0u64; channels]);
        for &row in self.rows.iter() {
            for pixel in self.row_pixels(row).chunks_exact(channels) {
                for ((sum, square), &x) in sums.iter_mut().zip(&mut squares).zip(pixel) {
                    *sum += u64::from(x);
                    *square += u64::from(x) * u64::from(x);
                }
            }
        }
        let count = (self.len() * self.shape[0] * self.shape[1]) as u64;
        let mean = sums.iter().map(|&sum| sum as f64 / count as f64 / 255.0).collect();
        let std = sums.iter().zip(&squares).map(|(&sum, &square)| {
            let (sum, square, count) = (u128::from(sum), u128::from(square), u128::from(count));
            ((count * square - sum * sum) as f64).sqrt() / count as f64 / 255.0
        });
        (mean, std.collect())
    }
}
