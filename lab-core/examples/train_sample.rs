//! Trains the original lab's final network on the built-in sample and prints what it asks for.
//!
//! ```text
//! cargo run --release --example train_sample
//! ```

use lab_core::prelude::*;

fn main() -> Result<()> {
    let cifar = Cifar10::sample();
    let (train, validation) = cifar.train.hold_out_last(0.2)?;

    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(512, Activation::Elu)
        .dropout(0.5)
        .dense(256, Activation::Tanh)
        .dropout(0.5)
        .dense(128, Activation::Elu)
        .dense(10, Activation::Softmax)
        .build(Seed(0))?;
    println!("{}", model.summary());

    Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.001))
        .epochs(30)
        .batch_size(64)
        .schedule(Schedule::Exponential { factor: 0.95 })
        .callback(
            EarlyStopping::on_val_loss()
                .patience(5)
                .restore_best_weights(),
        )
        .fit(&mut model, &train, &validation)?;

    let evaluation = model.evaluate(&cifar.test)?;
    println!("{}\n{}", evaluation.report(), evaluation.confusion_matrix());
    Ok(())
}
