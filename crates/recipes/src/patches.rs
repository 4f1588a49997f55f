//! Patches without backpropagation: a convolution whose filters are small pieces of the training images, and one trained
//! layer on top (Coates and Ng, *The Importance of Encoding Versus Training with Sparse Coding and Vector Quantization*,
//! 2011).

use lab_core::data::{Augmentation, Dataset, RandomMove};
use lab_core::model::{Activation, Architecture, BatchNorm, Conv2d, Pool, Pooling2d};
use lab_core::model::{Sequential, whitening};
use lab_core::ndarray::{Array1, Array4, Axis, concatenate, s};
use lab_core::training::{Adam, Loss, Schedule, Trainer};
use lab_core::{LabError, Result, Seed};

/// Pixels along the side of a patch, and the numbers in it.
const SIZE: usize = 6;
const DEPTH: usize = SIZE * SIZE * 3;

/// Places of a patch along the side of an image.
const PLACES: usize = 32 - SIZE + 1;

/// A filter answers its own patch with √`DEPTH`, and others with less; what is below this counts as nothing.
const THRESHOLD: f32 = 1.3;

/// Answers are divided by this, so that their means fit into a byte.
const BRIGHTEST: f32 = 4.0;

/// How many patches there are, and how their answers are put together.
#[derive(Clone, Copy, Debug)]
pub struct Patches {
    /// Each patch gives four filters: itself, its mirror image, and the negatives of both.
    pub count: usize,
    /// A patch's answers are averaged over each cell of a grid of `cells` × `cells`.
    pub cells: usize,
}

/// Whitened patches of one contrast: `DEPTH` numbers at each place.
fn whitened(shape: [usize; 3]) -> Architecture {
    let whitening = Conv2d::new(DEPTH, SIZE, Activation::Linear);
    Sequential::new(shape).layer(frozen(whitening)).layer_norm()
}

fn frozen(mut convolution: Conv2d) -> Conv2d {
    convolution.trainable = false;
    convolution
}

impl Patches {
    /// The patches of `cargo lab train --preset patches`.
    pub const FULL: Self = Self {
        count: 1000,
        cells: 2,
    };

    /// The shape of an image's features.
    fn shape(self) -> [usize; 3] {
        [self.cells, self.cells * 4 * self.count, 1]
    }

    /// How much every filter finds of its patch in each cell of the image.
    fn features(self) -> Architecture {
        let stride = PLACES / self.cells;
        let pooling = Pooling2d {
            strides: stride,
            ..Pooling2d::new(Pool::Average, PLACES - (self.cells - 1) * stride)
        };
        let filters = Conv2d::new(4 * self.count, 1, Activation::Relu);
        whitened([32, 32, 3]).layer(frozen(filters)).layer(pooling)
    }

    /// The whole network; `fill` makes all of it but the last layer.
    pub fn architecture(self) -> Architecture {
        classifier(self.features())
    }

    /// Takes the patches from random places of random training images.
    ///
    /// # Errors
    /// Where the network is another one, or there are fewer images than patches.
    pub fn fill(self, model: &mut Sequential, train: &Dataset, seed: Seed) -> Result<()> {
        if train.len() < self.count {
            let (expected, remedy) = (format!("{} or more", self.count), "take fewer patches");
            return Err(LabError::value("images", train.len(), expected, remedy));
        }
        // The mirror images too, so that left and right are the same to the whitening.
        let images = train.batches(1000)?.next().unwrap_or_default().images;
        let images = concatenate![Axis(0), images, images.slice(s![.., .., ..;-1, ..])];
        let (kernel, bias) = whitening(images.view(), SIZE, 3e-4)?;
        let mut whiten = whitened([SIZE, SIZE, 3]).build(seed)?;
        for network in [&mut whiten, &mut *model] {
            let kernel = kernel.slice(s![.., .., .., ..DEPTH]).to_owned();
            network.set_weight("conv2d.kernel", kernel.into_dyn())?;
            network.set_weight("conv2d.bias", bias.slice(s![..DEPTH]).to_owned().into_dyn())?;
        }
        // A shift by up to half of the places each way brings any patch of an image to its middle.
        let middle = PLACES / 2;
        let shift = Augmentation::new().random_crop(middle as u32);
        let mut batches = train.batches(self.count)?.shuffled(seed, 0);
        batches = batches.augmented(shift, seed, 0)?;
        let images = batches.next().unwrap_or_default().images;
        let range = middle..middle + SIZE;
        let patches = images.slice(s![.., range.clone(), range, ..]);
        let mirrored = patches.slice(s![.., .., ..;-1, ..]);
        let (patches, mirrored) = (whiten.predict(&patches)?, whiten.predict(&mirrored)?);
        // In this order filter c from the start and filter c from the end are mirror images of each other.
        let half = concatenate![Axis(0), patches, -&patches];
        let other = concatenate![Axis(0), mirrored, -&mirrored];
        let filters = concatenate![Axis(0), half, other.slice(s![..;-1, ..])];
        let count = 4 * self.count;
        let unit = (DEPTH as f32).sqrt();
        let weight = |(_, _, at, filter)| filters[[filter, at]] / unit / BRIGHTEST;
        let kernel = Array4::from_shape_fn((1, 1, DEPTH, count), weight);
        let bias = Array1::from_elem(count, -THRESHOLD / BRIGHTEST);
        model.set_weight("conv2d_1.kernel", kernel.into_dyn())?;
        model.set_weight("conv2d_1.bias", bias.into_dyn())
    }

    /// What the filters find in each image, as bytes, so that 50,000 images fit into 800 MB: each image's shape is
    /// (cells, cells × filters, 1), and its mirror image has the features in reverse order along the second axis.
    ///
    /// Says in `progress` how many images are done.
    ///
    /// # Errors
    /// Where the network is another one.
    pub fn apply(
        self,
        model: &Sequential,
        images: &Dataset,
        mut progress: impl FnMut(usize),
    ) -> Result<Dataset> {
        let mut part = self.features().build(Seed(0))?;
        copy_weights(model, &mut part)?;
        let [rows, columns, _] = self.shape();
        let mut bytes = Vec::with_capacity(images.len() * rows * columns);
        for first in (0..images.len()).step_by(1000) {
            let piece: Vec<usize> = (first..images.len().min(first + 1000)).collect();
            let found = part.predict(&images.subset(&piece)?)?;
            bytes.extend(found.iter().map(|found| (255.0 * found).round() as u8));
            progress(first + piece.len());
        }
        let features = Array4::from_shape_vec((images.len(), rows, columns, 1), bytes);
        let (features, names) = (features.unwrap_or_default(), images.class_names());
        Dataset::new(features, images.labels(), names.to_vec())
    }

    /// The last layer alone, for such features.
    pub fn last_layer(self) -> Architecture {
        classifier(Sequential::new(self.shape()))
    }

    /// How the last layer is trained: a step changes all weights at once, so the more features, the smaller the steps.
    pub fn trainer(self, seed: Seed) -> Trainer {
        let mirrored = Augmentation::new().with(RandomMove::AlternatingFlip, 1.0);
        let features = self.shape().iter().product::<usize>() as f32;
        Trainer::new(Loss::CategoricalCrossentropy, Adam::new(6.4 / features))
            .schedule(Schedule::OneCycle)
            .augmentation(mirrored)
            .epochs(20)
            .batch_size(256)
            .seed(seed)
    }
}

/// A linear layer for standardized features.
fn classifier(features: Architecture) -> Architecture {
    let norm = BatchNorm {
        momentum: 0.95,
        epsilon: 1e-4,
        ..BatchNorm::default()
    };
    let features = features.flatten().layer(norm).dropout(0.2);
    features.dense(10, Activation::Softmax)
}

/// Copies the arrays that both networks have by name.
///
/// # Errors
/// Where an array of that name has another shape.
pub fn copy_weights(from: &Sequential, to: &mut Sequential) -> Result<()> {
    for name in from.weight_names() {
        if to.weight(name).is_ok() {
            to.set_weight(name, from.weight(name)?.to_owned())?;
        }
    }
    Ok(())
}
