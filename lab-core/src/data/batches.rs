//! Batches: some images of a data set, augmented and normalized on the way from bytes to floats.

use ndarray::{ArcArray, Ix4};

use super::augment::Augmentation;
use super::dataset::Dataset;
use super::geometry::resample;
use crate::checks::{check_range, check_weights};
use crate::compute::{self, Threads};
use crate::error::Result;
use crate::random::{Purpose, Seed, shuffle};

/// The order in which an epoch sees a data set of `len` images: shuffled differently in each epoch, or unchanged
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
        let mut generator = seed.generator(Purpose::Shuffle, epoch as u64);
        shuffle(&mut order, &mut generator);
    }
    order
}

impl Dataset {
    /// Writes all images to a buffer of that length.
    ///
    /// `augment` is the augmentation with its seed and the epoch, and `first` the position of the first image in that
    /// epoch: they determine what happens to each image, whatever the batches and the threads.
    pub(crate) fn write_images(
        &self,
        augment: Option<&(Augmentation, Seed, usize)>,
        first: usize,
        threads: &Threads,
        images: &mut [f32],
    ) {
        const PIECE: usize = 8;
        let (shape, tables) = (self.shape, &self.table);
        let length: usize = shape.iter().product();
        threads.chunks(images, PIECE * length, |piece, images| {
            for (i, image) in images.chunks_exact_mut(length).enumerate() {
                let position = piece * PIECE + i;
                let row = self.rows[position];
                let bytes = self.row_pixels(row);
                if let Some((moves, seed, epoch)) = augment {
                    let stream = (*epoch as u64) << 32 | (first + position) as u64;
                    let map = moves.random_map(*seed, stream, row, shape);
                    resample(bytes, shape, tables, moves.fill, map, image);
                } else {
                    self.normalize(bytes, image);
                }
            }
        });
    }

    fn normalize(&self, bytes: &[u8], image: &mut [f32]) {
        if self.normalization.is_unit() {
            return compute::unit(bytes, image);
        }
        let channels = self.table.len();
        let pixels = bytes.chunks_exact(channels);
        for (values, pixel) in image.chunks_exact_mut(channels).zip(pixels) {
            for ((value, &byte), table) in values.iter_mut().zip(pixel).zip(&*self.table) {
                *value = table[usize::from(byte)];
            }
        }
    }

    /// Batches of `size` images, in order; the last may be smaller.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let test = Cifar10::sample().test;
    /// let sizes: Vec<usize> = test.batches(64)?.map(|batch| batch.labels.len()).collect();
    /// assert_eq!(sizes, [64, 64, 64, 64, 64, 64, 64, 52]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`](crate::LabError::Value) for a size of 0.
    pub fn batches(&self, size: usize) -> Result<Batches> {
        check_range("batch size", size, 1.., "32 to 256 are usual")?;
        Ok(Batches {
            data: self.clone(),
            order: epoch_order(self.len(), None, 0),
            augmentation: None,
            weights: None,
            threads: Threads::one(),
            size,
            position: 0,
            last: ArcArray::default(Ix4::default()),
        })
    }
}

/// Some examples of a data set, ready for a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The images, normalized and augmented: shape (batch, height, width, channels).
    pub images: ArcArray<f32, Ix4>,
    /// The class of each image.
    pub labels: Vec<u8>,
    /// How much each example counts, where [`Batches::weighted`] was called.
    pub weights: Option<Vec<f32>>,
}

/// Iterates over the batches of one epoch.
///
/// A batch that the caller has dropped gives its memory to the next one, so a loop allocates no images after its
/// first step.
#[derive(Clone, Debug)]
pub struct Batches {
    data: Dataset,
    order: Vec<u32>,
    augmentation: Option<(Augmentation, Seed, usize)>,
    /// How much each example of the data set counts.
    weights: Option<Vec<f32>>,
    threads: Threads,
    size: usize,
    position: usize,
    /// The images of the last batch, whose memory is reused once the caller has dropped them.
    last: ArcArray<f32, Ix4>,
}

impl Batches {
    /// Starts again, in the order in which a training with this seed sees the images in this epoch (from 0).
    pub fn shuffled(mut self, seed: Seed, epoch: usize) -> Self {
        self.order = epoch_order(self.data.len(), Some(seed), epoch);
        self.position = 0;
        self
    }

    /// Moves each image at random, as a training with this seed moves it in this epoch (from 0).
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let augmentation = Augmentation::new().horizontal_flip(0.5).shift(0.1);
    /// let train = Cifar10::sample().train;
    /// for batch in train.batches(64)?.shuffled(Seed(0), 0).augmented(augmentation, Seed(0), 0)? {
    ///     assert_eq!(batch.images.dim(), (batch.labels.len(), 32, 32, 3));
    /// }
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// What [`Augmentation::validate`] finds.
    pub fn augmented(mut self, moves: Augmentation, seed: Seed, epoch: usize) -> Result<Self> {
        moves.validate()?;
        self.augmentation = Some((moves, seed, epoch));
        Ok(self)
    }

    /// Adds weights: one for each class, one for each example of the data set, or both, whose product counts.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let mut weights = vec![1.0; 10];
    /// weights[3] = 2.0;                                           // cats count twice
    /// let batch = Cifar10::sample().train.batches(64)?.weighted(Some(&weights), None)?.next().unwrap();
    /// let wanted = batch.labels.iter().map(|&label| if label == 3 { 2.0 } else { 1.0 });
    /// assert_eq!(batch.weights, Some(wanted.collect()));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`](crate::LabError::Shape) for another number of weights than of classes or of examples;
    /// [`LabError::Value`](crate::LabError::Value) for a weight that is negative or not finite.
    pub fn weighted(mut self, class: Option<&[f32]>, sample: Option<&[f32]>) -> Result<Self> {
        check_weights("class", class, self.data.class_count())?;
        check_weights("sample", sample, self.data.len())?;
        let weight = |(row, label): (usize, u8)| {
            let sample = sample.map_or(1.0, |weights| weights[row]);
            sample * class.map_or(1.0, |weights| weights[usize::from(label)])
        };
        let weights = self.data.labels().into_iter().enumerate().map(weight);
        self.weights = (class.is_some() || sample.is_some()).then(|| weights.collect());
        Ok(self)
    }

    /// Gathers the batches on these threads instead of the calling thread alone.
    pub fn threads(mut self, threads: &Threads) -> Self {
        self.threads = threads.clone();
        self
    }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let end = self
            .position
            .saturating_add(self.size)
            .min(self.order.len());
        let examples = &self.order[self.position..end];
        if examples.is_empty() {
            return None;
        }
        let rows = examples.iter().map(|&i| self.data.rows[i as usize]);
        let data = self.data.with_rows(rows.collect());
        let last = std::mem::take(&mut self.last).try_into_owned_nocopy();
        let mut images = last.map_or_else(|_| Vec::new(), |last| last.into_raw_vec_and_offset().0);
        let [height, width, channels] = data.shape;
        images.resize(data.len() * height * width * channels, 0.0);
        let augment = self.augmentation.as_ref();
        data.write_images(augment, self.position, &self.threads, &mut images);
        self.last = ArcArray::from_shape_vec((data.len(), height, width, channels), images).ok()?;
        let weights_of = |all: &Vec<f32>| examples.iter().map(|&i| all[i as usize]).collect();
        let batch = Batch {
            images: self.last.clone(),
            labels: data.labels(),
            weights: self.weights.as_ref().map(weights_of),
        };
        self.position = end;
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.position).div_ceil(self.size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}
