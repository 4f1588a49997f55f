//! Dense layers alone: how far they get with batch normalization, dropout, mirrored and shifted images, and time.

use lab_core::Seed;
use lab_core::data::{Augmentation, RandomMove};
use lab_core::model::{Activation, Architecture, BatchNorm, Sequential};
use lab_core::training::{AdamW, Loss, Schedule, Trainer};

/// Three hidden layers; the pixels are standardized first, each on its own.
pub fn architecture() -> Architecture {
    let norm = BatchNorm {
        momentum: 0.95,
        ..BatchNorm::default()
    };
    let mut plan = Sequential::new([32, 32, 3]).flatten().layer(norm);
    for units in [1024, 1024, 512] {
        plan = plan
            .dense(units, Activation::Linear)
            .layer(norm)
            .activation(Activation::Relu)
            .dropout(0.2);
    }
    plan.dense(10, Activation::Softmax)
}

/// How the network is trained.
pub fn trainer(seed: Seed) -> Trainer {
    let moves = Augmentation::new().with(RandomMove::AlternatingFlip, 1.0);
    let optimizer = AdamW::new(0.002).weight_decay(0.02).exclude_biases();
    Trainer::new(Loss::CategoricalCrossentropy, optimizer)
        .schedule(Schedule::OneCycle)
        .label_smoothing(0.1)
        .augmentation(moves.random_crop(2))
        .epochs(80)
        .batch_size(256)
        .seed(seed)
}
