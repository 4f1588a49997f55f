//! The mean and deviation of a data set's pixels, and the normalization that follows from them.

use super::dataset::Dataset;
use super::normalize::Normalization;
use crate::error::Result;

impl Normalization {
    /// Mean 0 and deviation 1 in each channel of `data`: its own mean and its own (population) deviation.
    ///
    /// Give it the training part only: validation and test images are normalized with the training part's numbers.
    ///
    /// # Errors
    /// [`LabError::Value`](crate::LabError::Value) when a channel has the same value everywhere.
    pub fn standardize(data: &Dataset) -> Result<Self> {
        let (mean, std) = data.channel_statistics();
        let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        Self::new(single(&mean), single(&std))
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
        let mean = sums
            .iter()
            .map(|&sum| sum as f64 / count as f64 / 255.0)
            .collect();
        let std = sums.iter().zip(&squares).map(|(&sum, &square)| {
            let (sum, square, count) = (u128::from(sum), u128::from(square), u128::from(count));
            ((count * square - sum * sum) as f64).sqrt() / count as f64 / 255.0
        });
        (mean, std.collect())
    }
}
