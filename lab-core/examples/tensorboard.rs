//! A training that TensorBoard can follow: curves, histograms of the weights, and the worst mistakes as pictures.
//!
//! ```text
//! cargo run --release --features tensorboard --example tensorboard -- outputs/tensorboard/first
//! tensorboard --logdir outputs/tensorboard
//! ```

use lab_core::prelude::*;

fn main() -> Result<()> {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "outputs/tensorboard/first".to_owned());
    let cifar = Cifar10::sample();
    let (train, validation) = cifar.train.split(0.8, Seed(42))?;
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(64, Activation::Elu)
        .dense(10, Activation::Softmax)
        .build(Seed(0))?;
    let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
        .epochs(5)
        .batch_size(64)
        .schedule(Schedule::Cosine { lowest: 0.1 })
        .callback(TensorBoard::new(&folder).mistakes(&validation, 16))
        .fit(&mut model, &train, &validation)?;
    history.to_csv(format!("{folder}/history.csv"))
}
