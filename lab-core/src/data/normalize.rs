//! Normalization: from bytes to floats that a network learns well from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use crate::checks::check_length;
use crate::error::{LabError, Result};

/// The normalized value of each of the 256 bytes.
pub(super) type Table = [f32; 256];

/// How a byte `x` becomes a float: `(x / 255 − mean) / std`, with a mean and a standard deviation for each channel.
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
    /// The mean of each channel, on the scale of [0, 1].
    pub mean: Vec<f32>,
    /// The standard deviation of each channel, on the scale of [0, 1].
    pub std: Vec<f32>,
}

impl Normalization {
    /// `x / 255`, so that values lie in [0, 1].
    pub fn unit(channels: usize) -> Self {
        Self {
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
        }
    }

    /// `(x / 255 − mean) / std` with a mean and a standard deviation for each channel, on the scale of [0, 1].
    ///
    /// # Errors
    /// [`LabError::Shape`] when the two differ in length; [`LabError::Value`] when a value is not finite or a standard
    /// deviation is not above 0.
    pub fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self> {
        let channels = mean.len();
        Self { mean, std }.checked(channels)
    }

    /// Mean 0 and standard deviation 1 in each channel of `data`, by its [`channel_statistics`].
    ///
    /// Give it the training part only: validation and test images are normalized with the training part's statistics.
    ///
    /// [`channel_statistics`]: Dataset::channel_statistics
    ///
    /// # Errors
    /// [`LabError::Value`] when a channel has the same value everywhere.
    pub fn standardize(data: &Dataset) -> Result<Self> {
        let (mean, std) = data.channel_statistics();
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        Self::new(single(mean), single(std))
    }

    /// Whether it is `x / 255` alone.
    pub(super) fn is_unit(&self) -> bool {
        self.mean.iter().all(|&mean| mean == 0.0) && self.std.iter().all(|&std| std == 1.0)
    }

    /// This normalization, where it suits images of so many channels.
    pub(super) fn checked(self, channels: usize) -> Result<Self> {
        let of = "mean and standard deviation for each channel";
        check_length("normalization", self.mean.len(), channels, of)?;
        check_length("normalization", self.std.len(), channels, of)?;
        for (channel, (mean, std)) in self.mean.iter().zip(&self.std).enumerate() {
            if !(mean.is_finite() && std.is_finite() && *std > 0.0) {
                let place = format!("normalization of channel {channel}");
                let found = format!("mean {mean} and standard deviation {std}");
                let expected = "a finite mean and a standard deviation above 0";
                let remedy = "use images whose pixels differ";
                return Err(LabError::value(place, found, expected, remedy));
            }
        }
        Ok(self)
    }

    /// For each channel the value of every byte; `x / 255` is the exact quotient, rounded once.
    pub(super) fn table(&self) -> Arc<[Table]> {
        let table = |(mean, std)| std::array::from_fn(|x| (x as f32 / 255.0 - mean) / std);
        self.mean.iter().zip(&self.std).map(table).collect()
    }
}

impl Dataset {
    /// The mean and the (population) standard deviation of each channel, on the scale of [0, 1].
    ///
    /// The sums are exact integers. Without images, every value is NaN.
    ///
    /// ```
    /// let (mean, std) = lab_core::data::Cifar10::sample().train.channel_statistics();
    /// assert!((mean[0] - 0.49).abs() < 0.01 && (std[0] - 0.25).abs() < 0.01);
    /// ```
    pub fn channel_statistics(&self) -> (Vec<f64>, Vec<f64>) {
        let [height, width, channels] = self.shape;
        let mut sums = vec![(0, 0); channels];
        for &row in self.rows.iter() {
            for pixel in self.row_pixels(row).chunks_exact(channels) {
                for ((sum, square), &x) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(x);
                    *square += u64::from(x).pow(2);
                }
            }
        }
        let count = (self.len() * height * width) as u64;
        let statistics = sums.into_iter().map(|(sum, square): (u64, u64)| {
            let variance = u128::from(count) * u128::from(square) - u128::from(sum).pow(2);
            let per_pixel = |value: f64| value / count as f64 / 255.0;
            (per_pixel(sum as f64), per_pixel((variance as f64).sqrt()))
        });
        statistics.unzip()
    }
}
