//! Batches: some images of a data set, augmented and normalized on the way from bytes to floats.

use super::*;

/// The order in which an epoch sees a data set of `len` images: another one in each epoch.
///
/// ```
/// use lab_core::{Seed, data::epoch_order};
/// assert_ne!(epoch_order(100, Seed(1), 0), epoch_order(100, Seed(1), 1));
/// ```
pub fn epoch_order(len: usize, seed: Seed, epoch: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..len as u32).collect();
    let mut generator = seed.generator(Purpose::Shuffle, epoch as u64);
    shuffle(&mut order, &mut generator);
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
        let (shape, tables) = (self.shape, self.normalization.tables());
        let length: usize = shape.iter().product();
        let unit = *self.normalization == Normalization::unit(shape[2]);
        threads.chunks(images, PIECE * length, |piece, images| {
            for (i, image) in images.chunks_exact_mut(length).enumerate() {
                let position = piece * PIECE + i;
                let row = self.rows[position];
                let bytes = self.row_pixels(row);
                if let Some((moves, seed, epoch)) = augment {
                    let stream = (*epoch as u64) << 32 | (first + position) as u64;
                    let map = moves.random_map(*seed, stream, row, shape);
                    resample(bytes, shape, &tables, moves.fill, map, image);
                } else if unit {
                    compute::unit(bytes, image);
                } else {
                    normalize(bytes, &tables, image);
                }
            }
        });
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
    /// [`LabError::Value`] for a size of 0.
    pub fn batches(&self, size: usize) -> Result<Batches> {
        check_range("batch size", size, 1.., "32 to 256 are usual")?;
        Ok(Batches {
            data: self.clone(),
            order: (0..self.len() as u32).collect(),
            augmentation: None,
            weights: None,
            threads: Threads::one(),
            size,
            position: 0,
            last: ArcArray::default(Ix4::default()),
        })
    }
}

fn normalize(bytes: &[u8], tables: &[Table], image: &mut [f32]) {
    let pixels = bytes.chunks_exact(tables.len());
    for (values, pixel) in image.chunks_exact_mut(tables.len()).zip(pixels) {
        for ((value, &byte), table) in values.iter_mut().zip(pixel).zip(tables) {
            *value = table[usize::from(byte)];
        }
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
        self.order = epoch_order(self.data.len(), seed, epoch);
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
    /// [`LabError::Shape`] for another number of weights than of classes or of examples;
    /// [`LabError::Value`] for a weight that is negative or not finite.
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
        let examples = self.order[self.position..].chunks(self.size).next()?;
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
        self.position += examples.len();
        Some(batch)
    }

    /// Skips `count` batches without gathering their images.
    fn nth(&mut self, count: usize) -> Option<Batch> {
        let skipped = self.size.saturating_mul(count);
        self.position = self.order.len().min(self.position.saturating_add(skipped));
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.position).div_ceil(self.size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}

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
    pub(super) fn tables(&self) -> Vec<Table> {
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
