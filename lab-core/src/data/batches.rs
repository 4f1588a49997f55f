//! Batches: some rows of a data set, augmented and normalized on the one way from bytes to numbers.

use ndarray::Array4;

use super::augment::Augmentation;
use super::dataset::{Dataset, shape_text};
use super::geometry::{Scratch, resample};
use super::shuffle::shuffle;
use crate::compute::{self, Threads};
use crate::error::{LabError, Result};
use crate::random::{Purpose, Seed};

/// The order in which an epoch sees the images of a data set of `len`: shuffled anew each epoch, or as they are
/// without a seed.
///
/// ```
/// use lab_core::{Seed, data::epoch_order};
/// assert_eq!(epoch_order(4, None, 7), [0, 1, 2, 3]);
/// assert_ne!(epoch_order(100, Some(Seed(1)), 0), epoch_order(100, Some(Seed(1)), 1));
/// ```
pub fn epoch_order(len: usize, seed: Option<Seed>, epoch: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..len as u32).collect();
    if let Some(seed) = seed {
        shuffle(
            &mut order,
            &mut seed.generator(Purpose::Shuffle, epoch as u64),
        );
    }
    order
}

impl Dataset {
    /// Writes the images and labels of `rows` to buffers of the caller's: `images` takes rows x height x width x
    /// channels normalized numbers, `labels` one for each row.
    ///
    /// `augment` is the augmentation with its seed, the epoch, and the position in the epoch of the first row: the
    /// three determine what happens to each image, whatever the batches and the threads.
    ///
    /// # Errors
    /// [`LabError::Shape`] for a buffer that does not fit; [`LabError::Value`] for a row past the end, and what
    /// [`Augmentation::validate`] finds.
    pub fn gather(
        &self,
        rows: &[u32],
        augment: Option<(&Augmentation, Seed, usize, usize)>,
        threads: &Threads,
        images: &mut [f32],
        labels: &mut [u8],
    ) -> Result<()> {
        let length: usize = self.shape.iter().product();
        if images.len() != rows.len() * length || labels.len() != rows.len() {
            let found = format!("{} numbers and {} labels", images.len(), labels.len());
            let expected = format!(
                "{} images of {} and as many labels",
                rows.len(),
                shape_text(&self.shape)
            );
            return Err(LabError::shape(
                "gather",
                found,
                expected,
                "give buffers of that length",
            ));
        }
        if let Some(&row) = rows.iter().find(|&&row| row as usize >= self.len()) {
            return Err(self.no_image(row as usize));
        }
        if let Some((augmentation, ..)) = augment {
            augmentation.validate()?;
        }
        labels
            .iter_mut()
            .zip(rows)
            .for_each(|(label, &row)| *label = self.labels[self.rows[row as usize] as usize]);
        self.fill(rows, augment, threads, images);
        Ok(())
    }

    /// [`gather`](Self::gather) of the images, once everything is known to fit.
    fn fill(
        &self,
        rows: &[u32],
        augment: Option<(&Augmentation, Seed, usize, usize)>,
        threads: &Threads,
        images: &mut [f32],
    ) {
        const PIECE: usize = 8;
        let length: usize = self.shape.iter().product();
        threads.chunks(images, PIECE * length, |piece, images| {
            let mut scratch = Scratch::default();
            for (i, image) in images.chunks_exact_mut(length).enumerate() {
                let position = piece * PIECE + i;
                let bytes = self.row_pixels(self.rows[rows[position] as usize]);
                match augment {
                    None => self.normalize(bytes, image),
                    Some((augmentation, seed, epoch, first)) => {
                        let map =
                            augmentation.random_map(seed, epoch, first + position, self.shape);
                        resample(
                            bytes,
                            self.shape,
                            &self.table,
                            augmentation.fill,
                            &map,
                            &mut scratch,
                            image,
                        );
                    }
                }
            }
        });
    }

    fn normalize(&self, bytes: &[u8], image: &mut [f32]) {
        if self.normalization.is_unit() {
            compute::unit(bytes, image);
        } else if let [red, green, blue] = &self.table[..] {
            for (to, &[r, g, b]) in image.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
                *to = [
                    red[usize::from(r)],
                    green[usize::from(g)],
                    blue[usize::from(b)],
                ];
            }
        } else {
            let tables = self.table.iter().cycle();
            image
                .iter_mut()
                .zip(bytes)
                .zip(tables)
                .for_each(|((to, &byte), table)| *to = table[usize::from(byte)]);
        }
    }

    /// Batches of `size` images, in order; the last may be smaller.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let test = Cifar10::sample().test;
    /// let sizes: Vec<usize> = test.batches(64)?.map(|(_, labels)| labels.len()).collect();
    /// assert_eq!(sizes, [64, 64, 64, 64, 64, 64, 64, 52]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a size of 0.
    pub fn batches(&self, size: usize) -> Result<Batches> {
        if size == 0 {
            return Err(LabError::value(
                "batch size",
                "0",
                "at least 1",
                "32 to 256 are usual",
            ));
        }
        let order = epoch_order(self.len(), None, 0);
        Ok(Batches {
            data: self.clone(),
            order,
            augmentation: None,
            size,
            next: 0,
        })
    }
}

/// Iterates over `(images, labels)`: normalized `(batch, height, width, channels)` and one label for each.
#[derive(Clone, Debug)]
pub struct Batches {
    data: Dataset,
    order: Vec<u32>,
    augmentation: Option<(Augmentation, Seed, usize)>,
    size: usize,
    next: usize,
}

impl Batches {
    /// The same from the beginning, in the order that a training with this seed takes in this epoch (from 0).
    pub fn shuffled(self, seed: Seed, epoch: usize) -> Self {
        Self {
            order: epoch_order(self.data.len(), Some(seed), epoch),
            next: 0,
            ..self
        }
    }

    /// The same with each image changed at random, as a training with this seed changes it in this epoch (from 0).
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let augmentation = Augmentation::new().horizontal_flip(0.5).shift(0.1);
    /// let train = Cifar10::sample().train;
    /// for (images, labels) in train.batches(64)?.shuffled(Seed(0), 0).augmented(augmentation, Seed(0), 0)? {
    ///     assert_eq!(images.dim(), (labels.len(), 32, 32, 3));
    /// }
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// What [`Augmentation::validate`] finds.
    pub fn augmented(self, augmentation: Augmentation, seed: Seed, epoch: usize) -> Result<Self> {
        augmentation.validate()?;
        Ok(Self {
            augmentation: Some((augmentation, seed, epoch)),
            ..self
        })
    }
}

impl Iterator for Batches {
    type Item = (Array4<f32>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.order.get(self.next..)?;
        let rows = &rows[..rows.len().min(self.size)];
        if rows.is_empty() {
            return None;
        }
        let first = self.next;
        self.next += rows.len();
        let [height, width, channels] = self.data.image_shape();
        let mut images = vec![0.0; rows.len() * height * width * channels];
        let augment = self
            .augmentation
            .as_ref()
            .map(|(augmentation, seed, epoch)| (augmentation, *seed, *epoch, first));
        self.data.fill(rows, augment, &Threads::one(), &mut images);
        let labels = rows
            .iter()
            .filter_map(|&row| self.data.label(row as usize))
            .collect();
        Some((
            Array4::from_shape_vec((rows.len(), height, width, channels), images).ok()?,
            labels,
        ))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.next).div_ceil(self.size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}
