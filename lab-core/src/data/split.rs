//! Splitting a data set into two parts that share its pixels.

use super::dataset::Dataset;
use crate::checks::{above_zero, check_range};
use crate::error::{LabError, Result};
use crate::random::{Purpose, Seed, shuffle};
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
        let count = (self.len() as f64 * fraction).round();
        let first = self.first_part("split", fraction, count)?;
        Ok(self.cut(&self.shuffled_rows(seed), first))
    }

    /// Two parts at random, as [`split`](Self::split), in which every class is divided by `fraction` to within one image.
    ///
    /// The first part gets `fraction` of each class, rounded down. The images that it still lacks come from the classes
    /// with the largest remainders, one from each, the lowest label first among equals.
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
        let count = (self.len() as f64 * fraction).round();
        let first = self.first_part("split_stratified", fraction, count)?;
        let counts = self.class_counts();
        let exact: Vec<f64> = counts.iter().map(|&n| n as f64 * fraction).collect();
        let mut quotas: Vec<usize> = exact.iter().map(|quota| quota.floor() as usize).collect();
        let mut classes: Vec<usize> = (0..exact.len()).collect();
        classes.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
        let missing = first.saturating_sub(quotas.iter().sum());
        for class in classes.into_iter().take(missing) {
            quotas[class] += 1;
        }
        // One shuffle is enough: the first images of each class, in shuffled order, fill its quota.
        let rows = self.shuffled_rows(seed).into_iter();
        let (kept, rest): (Vec<u32>, Vec<u32>) = rows.partition(|&row| {
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
        let count = (self.len() as f64 * (1.0 - fraction)).floor();
        let first = self.first_part("hold_out_last", fraction, count)?;
        Ok(self.cut(&self.rows, first))
    }

    /// Checks that the fraction lies between 0 and 1, and that neither part is empty when the first has `count` images.
    fn first_part(&self, method: &str, fraction: f64, count: f64) -> Result<usize> {
        let place = format!("{method}: fraction");
        let remedy = "0.8 keeps four fifths in the first part";
        check_range(&place, fraction, above_zero(1.0), remedy)?;
        if !(1.0..self.len() as f64).contains(&count) {
            let images = thousands(self.len());
            let found = format!("{fraction} of {images} images, which leaves a part empty");
            let expected = "at least one image in each part";
            let remedy = "choose another fraction, or use more images";
            return Err(LabError::value(place, found, expected, remedy));
        }
        Ok(count as usize)
    }

    fn shuffled_rows(&self, seed: Seed) -> Vec<u32> {
        let mut rows = self.rows.to_vec();
        shuffle(&mut rows, &mut seed.generator(Purpose::Split, 0));
        rows
    }

    fn cut(&self, rows: &[u32], first: usize) -> (Self, Self) {
        let (a, b) = rows.split_at(first);
        (self.with_rows(a.into()), self.with_rows(b.into()))
    }
}
