//! A callback of one's own: watches how large the first layer's weights become, and stops when they have grown enough.
//!
//! ```text
//! cargo run --release --example custom_callback
//! ```

use lab_core::prelude::*;

/// Prints the norm of an array of weights after each epoch; stops when it is `factor` times what it was.
struct WatchNorm {
    name: &'static str,
    factor: f32,
    start: f32,
}

impl WatchNorm {
    fn norm(&self, model: &Sequential) -> Result<f32> {
        Ok(model
            .weight(self.name)?
            .iter()
            .map(|w| w * w)
            .sum::<f32>()
            .sqrt())
    }
}

impl Callback for WatchNorm {
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        self.start = self.norm(control.model)?;
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let norm = self.norm(control.model)?;
        println!(
            "epoch {:>2}: loss {:.3}, |{}| = {norm:.3}",
            record.epoch, record.loss, self.name
        );
        if norm > self.factor * self.start {
            control.stop();
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let cifar = Cifar10::sample();
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(64, Activation::Relu)
        .dense(10, Activation::Softmax)
        .build(Seed(0))?;
    let history = Trainer::new(Loss::SparseCategoricalCrossentropy, Adam::new(0.001))
        .epochs(40)
        .batch_size(64)
        .progress(Silent)
        .callback(WatchNorm {
            name: "dense.kernel",
            factor: 1.05,
            start: 0.0,
        })
        .fit(&mut model, &cifar.train, &cifar.test)?;
    println!("{:?}", history.stopped);
    Ok(())
}
