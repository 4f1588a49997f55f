//! A network of two inputs in training, on points that the reader has placed.

use lab_core::data::epoch_order;
use lab_core::model::{Activation, Architecture, Mode, Sequential};
use lab_core::training::{Adam, Loss, OptimizerState};
use lab_core::{Result, Seed};
use ndarray::Array2;

/// Where a point lies, from 0 to 255 in each direction, and its class, 0 or 1.
pub type Point = [u8; 3];

/// Points in a mini-batch.
pub const BATCH: usize = 16;
const LOSS: Loss = Loss::CategoricalCrossentropy;

/// So many hidden layers after two inputs, and a softmax unit for each of two classes.
pub fn network(layers: usize, units: usize, activation: Activation) -> Architecture {
    let inputs = Sequential::new([2]);
    let hidden = (0..layers).fold(inputs, |plan, _| plan.dense(units, activation));
    hidden.dense(2, Activation::Softmax)
}

/// A network in training.
pub struct Playground {
    /// What it is trained on, at any time.
    pub points: Vec<Point>,
    model: Sequential,
    optimizer: OptimizerState,
    seed: Seed,
    epochs: usize,
}

impl Playground {
    /// A fresh network for two inputs, without points, which Adam will train; the seed is that of the weights and of the
    /// order of the points.
    ///
    /// # Errors
    /// Where it has layers without units.
    pub fn new(plan: Architecture, rate: f32, seed: Seed) -> Result<Self> {
        let model = plan.build(seed)?;
        Ok(Self {
            optimizer: Adam::new(rate).for_model(&model),
            points: Vec::new(),
            model,
            seed,
            epochs: 0,
        })
    }

    /// Trains for so many epochs, as `fit` does. Returns the loss and the accuracy of each, as the points were seen; NaN
    /// where there are none.
    ///
    /// # Errors
    /// For a point of a third class.
    pub fn train(&mut self, epochs: usize) -> Result<Vec<f32>> {
        let mut history = Vec::new();
        for _ in 0..epochs {
            let (mut losses, mut correct) = (0.0, 0);
            for batch in epoch_order(self.points.len(), self.seed, self.epochs).chunks(BATCH) {
                let batch: Vec<_> = batch.iter().map(|&at| self.points[at as usize]).collect();
                let labels: Vec<u8> = batch.iter().map(|point| point[2]).collect();
                let mode = Mode::training(self.seed, self.optimizer.steps());
                let logits = self.model.forward(&inputs(&batch), mode)?;
                let (loss, gradient) = LOSS.value_and_gradient(logits.view(), &labels)?;
                let gradients = self.model.backward(&gradient)?;
                self.optimizer.step(&mut self.model, &gradients)?;
                losses += loss * batch.len() as f64;
                let answers = logits.rows().into_iter().map(|row| row[1] > row[0]);
                let right = answers
                    .zip(&labels)
                    .map(|(one, &label)| one == (label == 1));
                correct += right.map(u32::from).sum::<u32>();
            }
            self.epochs += 1;
            let count = self.points.len() as f64;
            history.extend([(losses / count) as f32, (f64::from(correct) / count) as f32]);
        }
        Ok(history)
    }

    /// The outputs of the units of a layer at `side` × `side` places of the plane, place after place. After the hidden layers
    /// comes the softmax layer with the probabilities of the two classes.
    ///
    /// # Errors
    /// For a side of 0.
    pub fn units(&mut self, layer: usize, side: usize) -> Result<Vec<f32>> {
        self.model.forward(&inputs(&plane(side)), Mode::Inference)?;
        Ok(self.model.layer_output(layer)?.to_vec())
    }
}

/// What the network sees of points: numbers from −2 to 2.
fn inputs(points: &[Point]) -> Array2<f32> {
    let number = |(at, axis): (usize, usize)| (f32::from(points[at][axis]) / 255.0 - 0.5) / 0.25;
    Array2::from_shape_fn((points.len(), 2), number)
}

/// The centres of `side` × `side` squares, row after row.
fn plane(side: usize) -> Vec<Point> {
    let centre = |place: usize| ((2 * place + 1) * 128 / side) as u8;
    let place = |at| [centre(at % side), centre(at / side), 0];
    (0..side * side).map(place).collect()
}
