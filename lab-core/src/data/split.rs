//! Dividing a data set into two parts that share its pixels.

use super::dataset::Dataset;
use super::shuffle::shuffle;
use crate::error::{LabError, Result};
use crate::random::{Purpose, Seed};
use crate::text::thousands;

impl Dataset {
    /// Two parts at random: `fraction` of the images, rounded to the nearest whole number, and the rest.
    ///
    /// The order is that of one Fisher-Yates shuffle of all images, which the seed determines on every machine.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let (train, validation) = Cifar10::sample().train.split(0.8, Seed(42))?;
    /// assert_eq!((train.len(), validation.len()), (800, 200));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a fraction outside (0, 1), or one that leaves a part empty.
    pub fn split(&self, fraction: f64, seed: Seed) -> Result<(Self, Self)> {
        let first = self.part("split", fraction, |count, fraction| {
            (count * fraction).round()
        })?;
        let rows = self.shuffled_rows(seed);
        Ok((
            self.with_rows(rows[..first].into()),
            self.with_rows(rows[first..].into()),
        ))
    }

    /// Two parts at random, as [`split`](Self::split), in which every class has its share to within one image.
    ///
    /// Each class gives `fraction` of its images, rounded down; the images that are then missing from the first part
    /// come one each from the classes that lost most by the rounding, the lowest label first among equals.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let (train, validation) = Cifar10::sample().train.split_stratified(0.8, Seed(42))?;
    /// assert_eq!((train.class_counts()[3], validation.class_counts()[3]), (80, 20));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a fraction outside (0, 1), or one that leaves a part empty.
    pub fn split_stratified(&self, fraction: f64, seed: Seed) -> Result<(Self, Self)> {
        let first = self.part("split_stratified", fraction, |count, fraction| {
            (count * fraction).round()
        })?;
        let shares: Vec<f64> = self
            .class_counts()
            .iter()
            .map(|&count| count as f64 * fraction)
            .collect();
        let mut quotas: Vec<usize> = shares.iter().map(|share| share.floor() as usize).collect();
        let mut by_loss: Vec<usize> = (0..shares.len()).collect();
        by_loss.sort_by(|&a, &b| shares[b].fract().total_cmp(&shares[a].fract()));
        let missing = first.saturating_sub(quotas.iter().sum());
        by_loss
            .iter()
            .take(missing)
            .for_each(|&class| quotas[class] += 1);

        // One shuffle is enough: the first so many of each class go to the first part, in shuffled order.
        let (kept, rest): (Vec<u32>, Vec<u32>) =
            self.shuffled_rows(seed).iter().partition(|&&row| {
                let quota = &mut quotas[usize::from(self.labels[row as usize])];
                let keep = *quota > 0;
                *quota -= usize::from(keep);
                keep
            });
        Ok((self.with_rows(kept.into()), self.with_rows(rest.into())))
    }

    /// The images in order without the last `fraction`, and the last: what Keras does for `validation_split`.
    ///
    /// The first part has `floor(len × (1 − fraction))` images.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let all = Cifar10::sample().train;
    /// let (_, validation) = all.hold_out_last(0.2)?;
    /// assert_eq!(validation.labels(), all.labels()[800..]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a fraction outside (0, 1), or one that leaves a part empty.
    pub fn hold_out_last(&self, fraction: f64) -> Result<(Self, Self)> {
        let first = self.part("hold_out_last", fraction, |count, fraction| {
            (count * (1.0 - fraction)).floor()
        })?;
        Ok((
            self.with_rows(self.rows[..first].into()),
            self.with_rows(self.rows[first..].into()),
        ))
    }

    /// The size of the first part, from the number of images and the fraction.
    fn part(&self, place: &str, fraction: f64, size: impl Fn(f64, f64) -> f64) -> Result<usize> {
        if !(fraction > 0.0 && fraction < 1.0) {
            let remedy = "0.8 keeps four fifths in the first part";
            return Err(LabError::value(
                format!("{place}: fraction"),
                fraction.to_string(),
                "between 0 and 1",
                remedy,
            ));
        }
        let first = size(self.len() as f64, fraction) as usize;
        if first == 0 || first >= self.len() {
            let found = format!(
                "{fraction} of {} images, which leaves a part empty",
                thousands(self.len())
            );
            let (expected, remedy) = (
                "at least one image in each part",
                "choose another fraction, or use more images",
            );
            return Err(LabError::value(
                format!("{place}: fraction"),
                found,
                expected,
                remedy,
            ));
        }
        Ok(first)
    }

    fn shuffled_rows(&self, seed: Seed) -> Vec<u32> {
        let mut rows = self.rows.to_vec();
        shuffle(&mut rows, &mut seed.generator(Purpose::Split, 0));
        rows
    }
}
