//! Convolutional networks for a given time on two processor cores.
//!
//! The ingredients come from David Page's *How to Train Your ResNet* (2019) and Keller Jordan's *94% on CIFAR-10 in 3.29
//! Seconds on a Single GPU* (2024).

use lab_core::data::{Augmentation, Dataset, RandomMove};
use lab_core::model::{Activation, Architecture, BatchNorm, Conv2d, Dense, Initializer, Padding};
use lab_core::model::{Sequential, whitening};
use lab_core::training::{Loss, Schedule, Sgd, Trainer};
use lab_core::{Result, Seed};

/// Six convolutions, of some width and trained for some time.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    /// The filters of the three groups of two convolutions.
    pub filters: [usize; 3],
    /// How often each image is seen.
    pub epochs: usize,
}

impl Convolution {
    /// For a coffee break.
    pub const COFFEE: Self = Self::new([32, 96, 128], 11);

    /// For a lunch break.
    pub const LUNCH: Self = Self::new([64, 128, 128], 20);

    /// For an hour.
    pub const HOUR: Self = Self::new([64, 256, 256], 15);

    const fn new(filters: [usize; 3], epochs: usize) -> Self {
        Self { filters, epochs }
    }

    /// Whitened patches, then three groups of two convolutions; the first convolution of each begins as the identity.
    pub fn architecture(self) -> Architecture {
        let (activation, l2) = (Activation::Gelu, 6e-4);
        let convolution = |filters| Conv2d {
            padding: Padding::Same,
            use_bias: false,
            initializer: Initializer::Dirac,
            l2,
            ..Conv2d::new(filters, 3, Activation::Linear)
        };
        let norm = BatchNorm {
            momentum: 0.6,
            epsilon: 1e-5,
            scale: false,
        };
        let mut patches = Conv2d::new(24, 2, activation);
        patches.trainable = false;
        let mut plan = Sequential::new([32, 32, 3]).layer(patches);
        for filters in self.filters {
            plan = plan
                .layer(convolution(filters))
                .max_pooling2d(2)
                .layer(norm)
                .activation(activation)
                .layer(convolution(filters))
                .layer(norm)
                .activation(activation);
        }
        plan.global_max_pooling2d()
            .rescaling(1.0 / 9.0)
            .layer(Dense::new(10, Activation::Softmax).l2(l2))
    }

    /// How the network is trained.
    pub fn trainer(self, seed: Seed) -> Trainer {
        let moves = Augmentation::new().with(RandomMove::AlternatingFlip, 1.0);
        let optimizer = Sgd::new(0.75).momentum(0.85).nesterov().beta_rate(64.0);
        Trainer::new(Loss::CategoricalCrossentropy, optimizer)
            .schedule(Schedule::OneCycle)
            .label_smoothing(0.2)
            .augmentation(moves.random_crop(2))
            .epochs(self.epochs)
            .batch_size(500)
            .seed(seed)
    }
}

/// Fills the first layer with filters that whiten the patches of the training images.
///
/// # Errors
/// Where the network is another one.
pub fn whiten(model: &mut Sequential, train: &Dataset) -> Result<()> {
    let images = train.batches(5000)?.next().unwrap_or_default().images;
    let (kernel, bias) = whitening(images.view(), 2, 3e-5)?;
    model.set_weight("conv2d.kernel", kernel)?;
    model.set_weight("conv2d.bias", bias)
}
