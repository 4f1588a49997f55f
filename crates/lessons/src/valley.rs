//! The valley of notebook 4: two weights, a loss that is a parabola in each direction, and an optimizer that goes down.

use lab_core::model::{Activation, Sequential};
use lab_core::training::{Adam, Optimizer, RmsProp, Sgd};
use lab_core::{Result, Seed};
use ndarray::array;

/// Gradient descent, momentum, RMSprop and Adam, of a learning rate.
pub const OPTIMIZERS: [fn(f32) -> Optimizer; 4] = [
    |rate| Sgd::new(rate).into(),
    |rate| Sgd::new(rate).momentum(0.9).into(),
    |rate| RmsProp::new(rate).into(),
    |rate| Adam::new(rate).into(),
];

/// The loss ½ (a² + steep · c²) of two weights, with a the way along the valley and c the way across it.
#[derive(Clone, Copy, Debug)]
pub struct Valley {
    /// The curvature across the valley; along it, it is 1.
    pub steep: f32,
    /// Degrees from the first weight's axis to the valley.
    pub angle: f32,
}

impl Valley {
    /// The two weights and their loss before the first step of an optimizer and after each; the path ends before a loss
    /// that is not finite.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn descend(&self, by: Optimizer, start: [f32; 2], steps: usize) -> Result<Vec<f32>> {
        // The weights of a network of two inputs and one output; its bias gets no gradient and stays 0.
        let plan = Sequential::new([2]).dense(1, Activation::Linear);
        let mut model = plan.build(Seed(0))?;
        let column = |[x, y]: [f32; 2]| array![[x], [y]].into_dyn();
        model.set_weight("dense.kernel", column(start))?;
        let mut optimizer = by.for_model(&model);
        let mut path = Vec::new();
        for _ in 0..=steps {
            let kernel = model.weight("dense.kernel")?;
            let weights = [kernel[[0, 0]], kernel[[1, 0]]];
            let (loss, gradient) = self.loss_and_gradient(weights);
            if !loss.is_finite() {
                break;
            }
            path.extend([weights[0], weights[1], loss]);
            let kernel = ("dense.kernel".to_owned(), column(gradient));
            let bias = ("dense.bias".to_owned(), array![0.0].into_dyn());
            optimizer.step(&mut model, &vec![kernel, bias])?;
        }
        Ok(path)
    }

    fn loss_and_gradient(&self, [x, y]: [f32; 2]) -> (f32, [f32; 2]) {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let (along, across) = (cos * x + sin * y, cos * y - sin * x);
        let steep = self.steep * across;
        let loss = 0.5 * (along * along + steep * across);
        (loss, [cos * along - sin * steep, sin * along + cos * steep])
    }
}
