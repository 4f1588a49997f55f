//! The learning-rate range test: from which rate on does the loss fall, and from which does it explode?
//!
//! Smith, *Cyclical Learning Rates for Training Neural Networks* (2017): train for a short while, let the rate grow from
//! batch to batch, and read the useful range off the loss. The steepest descent as a suggestion is fastai's.

use super::*;

/// The weight of the past in the smoothed loss.
const MEMORY: f64 = 0.9;
/// How many times its minimum the smoothed loss may grow to.
const EXPLODED: f64 = 4.0;

/// The losses of a training whose learning rate grew from batch to batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RangeTest {
    /// The learning rate of each batch.
    pub rates: Vec<f32>,
    /// The loss of each batch before its step, penalties included; the last may not be finite.
    pub losses: Vec<f64>,
    /// Whether the loss exploded before the highest rate was reached.
    pub exploded: bool,
}

impl RangeTest {
    /// The losses as a moving average that forgets the past exponentially (0.9 a batch), without bias at the start.
    pub fn smoothed(&self) -> Vec<f64> {
        let mut average = 0.0;
        let losses = self.losses.iter().enumerate();
        let smooth = |(number, &loss)| smooth(&mut average, number, loss);
        losses.map(smooth).collect()
    }

    /// The rate at which the smoothed loss fell most steeply over the logarithm of the rate, before its minimum; NaN
    /// where there are no losses.
    pub fn suggestion(&self) -> f32 {
        let losses = self.smoothed().into_iter();
        let finite = |it: f64| if it.is_finite() { it } else { f64::INFINITY };
        let losses: Vec<f64> = losses.map(finite).collect();
        let lowest = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        let lowest = lowest.unwrap_or(0);
        // A slope over several batches: from one to the next there is more noise than descent.
        let reach = (losses.len() / 20).max(1);
        let slope = |at: usize| losses[(at + reach).min(lowest)] - losses[at.saturating_sub(reach)];
        // The first averages are of few batches.
        let first = (2 * reach).min(lowest / 2);
        let steepest = (first..lowest).min_by(|a, b| slope(*a).total_cmp(&slope(*b)));
        let rate = self.rates.get(steepest.unwrap_or(lowest));
        rate.copied().unwrap_or(f32::NAN)
    }
}

/// Adds a loss to the moving average, which begins at 0: the quotient makes up for what it lacks at the start.
fn smooth(average: &mut f64, number: usize, loss: f64) -> f64 {
    *average = MEMORY * *average + (1.0 - MEMORY) * loss;
    *average / (1.0 - libm::pow(MEMORY, number as f64 + 1.0))
}

impl Trainer {
    /// Trains a copy of the network for at most `steps` batches while the learning rate grows geometrically from `from`
    /// to `to`; neither the network nor this trainer's state changes, and its schedule and callbacks have no part.
    ///
    /// Stops early once the smoothed loss is not finite, or more than 4 times its minimum.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let train = Cifar10::sample().train;
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let test = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01)).range_test(&model, &train, 1e-5, 10.0, 60)?;
    /// assert!(test.suggestion() > 1e-5 && test.suggestion() < 1.0);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for rates that are not 0 < from < to or steps outside of 2 to 100,000; otherwise as for
    /// [`Trainer::fit`].
    pub fn range_test(
        &self,
        model: &Sequential,
        train: &Dataset,
        from: f32,
        to: f32,
        steps: usize,
    ) -> Result<RangeTest> {
        self.check(model, train, None)?;
        let remedy = "1e-6 to 10 shows all";
        check_range("lowest rate", from, above_zero(to), remedy)?;
        check_range("highest rate", to, from..f32::INFINITY, remedy)?;
        check_range("steps", steps, 2..=100_000, "100 to 500 are enough")?;
        let (threads, mut model) = (Threads::new(self.threads)?, model.clone());
        let mut learner = Learner {
            config: &self.config,
            optimizer: &mut self.config.optimizer.for_model(&model),
            model: &mut model,
            threads: &threads,
        };
        let mut test = RangeTest::default();
        let (mut average, mut lowest) = (0.0, f64::INFINITY);
        let (from, ratio) = (f64::from(from), f64::from(to) / f64::from(from));
        let growth = |step: usize| libm::pow(ratio, step as f64 / (steps - 1) as f64);
        for epoch in 0.. {
            for batch in self.config.batches(train, epoch, &threads)? {
                let rate = (from * growth(test.rates.len())) as f32;
                let (loss, _) = learner.step_on(&batch, rate);
                let smoothed = smooth(&mut average, test.losses.len(), loss);
                test.rates.push(rate);
                test.losses.push(loss);
                lowest = lowest.min(smoothed);
                test.exploded = !smoothed.is_finite() || smoothed > EXPLODED * lowest;
                if test.exploded || test.rates.len() == steps {
                    return Ok(test);
                }
            }
        }
        Ok(test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::{Activation, Adam, Cifar10, Loss, Seed, Sgd, Silent};

    fn model() -> Sequential {
        let plan = Sequential::new([32, 32, 3])
            .flatten()
            .dense(16, Activation::Elu)
            .dense(10, Activation::Softmax);
        plan.build(Seed(0)).unwrap()
    }

    #[test]
    fn the_rate_grows_geometrically_and_the_test_ends_when_the_loss_explodes() {
        let train = Cifar10::sample().train;
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01)).batch_size(64);
        let calm = trainer
            .range_test(&model(), &train, 1e-6, 1e-4, 21)
            .unwrap();
        assert_eq!((calm.rates.len(), calm.exploded), (21, false));
        assert!(
            (calm.rates[10] / 1e-5 - 1.0).abs() < 1e-4
                && (calm.rates[20] / 1e-4 - 1.0).abs() < 1e-4
        );
        let wild = trainer.range_test(&model(), &train, 1e-3, 1e6, 40).unwrap();
        assert!(wild.exploded && wild.rates.len() < 40);
        assert!(wild.suggestion() < *wild.rates.last().unwrap());
    }

    #[test]
    fn neither_the_network_nor_the_trainer_is_changed() {
        let train = Cifar10::sample().train.take(256);
        let fit = |tested: bool| {
            let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
                .epochs(1)
                .progress(Silent);
            let mut model = model();
            trainer.fit(&mut model, &train, None).unwrap();
            if tested {
                trainer.range_test(&model, &train, 1e-4, 1.0, 10).unwrap();
            }
            trainer.fit(&mut model, &train, None).unwrap().epochs[0].loss
        };
        assert_eq!(fit(true), fit(false));
    }

    #[test]
    fn the_suggestion_is_where_the_loss_falls_most_steeply() {
        let rates: Vec<f32> = (0..100)
            .map(|i| 10f32.powf(-5.0 + i as f32 / 20.0))
            .collect();
        // Flat, a fall about number 50, and a rise at the end.
        let loss = |i: usize| {
            2.0 - 1.0 / (1.0 + (-(i as f64 - 50.0) / 4.0).exp()) + (i as f64 / 99.0).powi(40) * 9.0
        };
        let test = RangeTest {
            rates: rates.clone(),
            losses: (0..100).map(loss).collect(),
            exploded: true,
        };
        // The moving average lags behind by some batches.
        assert!(
            (45..65).any(|i| rates[i] == test.suggestion()),
            "{}",
            test.suggestion()
        );
        assert!(RangeTest::default().suggestion().is_nan());
        let rising = RangeTest {
            rates: vec![0.1, 1.0],
            losses: vec![1.0, f64::NAN],
            exploded: true,
        };
        assert_eq!(rising.suggestion(), 0.1);
    }

    #[test]
    fn ends_out_of_order_and_too_few_steps_are_refused() {
        let train = Cifar10::sample().train.take(64);
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01));
        for (from, to, steps) in [
            (0.0, 1.0, 10),
            (1.0, 0.1, 10),
            (0.1, f32::INFINITY, 10),
            (0.1, 1.0, 1),
        ] {
            assert!(
                trainer
                    .range_test(&model(), &train, from, to, steps)
                    .is_err(),
                "{from} {to} {steps}"
            );
        }
    }
}
