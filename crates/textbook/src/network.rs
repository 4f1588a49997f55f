//! A network: a sequence of layers, and backpropagation through it.
//!
//! `loss` returns the loss of the outputs and its gradient, as `|z| mean(categorical_crossentropy(z, &y), None)` does. For
//! the cross-entropies and the divergence the outputs are logits: there is no softmax after the last dense layer, and the
//! probabilities are the [`softmax`](crate::softmax) of the outputs. Dropout is active only while `training`.

use crate::{
    Activation, BatchNorm, Conv2d, Dense, LayerNorm, Matrix, Optimizer, Pooling2d, dropout,
};

/// A layer. The activation is a separate one, so that each backward pass needs only its layer's input.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// z = x W + b
    Dense(Dense),
    /// a = σ(z)
    Activation(Activation),
    /// Rate and mask (N, n). The training loop draws a new mask for each step.
    Dropout(f64, Matrix),
    /// y = γ x̂ + β
    BatchNorm(BatchNorm),
    /// y = γ x̂ + β, normalized over the features of each sample
    LayerNorm(LayerNorm),
    /// z_f = b_f + Σ x W_f at each window
    Conv2d(Conv2d),
    /// The maximum or the mean of each window
    Pooling2d(Pooling2d),
    /// y = x + the output of these layers (He et al. 2016)
    Residual(Network),
}

/// x₀ → layer 0 → x₁ → layer 1 → … → x_L, the outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The layers in the order of the forward pass.
    pub layers: Vec<Layer>,
}

impl Network {
    /// x₀, x₁, …, x_L: the input of each layer, which the backward pass needs, and finally the outputs.
    pub fn forward(&self, x: &Matrix, training: bool) -> Vec<Matrix> {
        let mut inputs = vec![x.clone()];
        for (i, layer) in self.layers.iter().enumerate() {
            let x = &inputs[i];
            inputs.push(match layer {
                Layer::Dense(dense) => dense.forward(x),
                Layer::Activation(activation) => activation.forward(x),
                Layer::Dropout(rate, mask) if training => dropout(x, mask, *rate),
                Layer::Dropout(..) => x.clone(),
                Layer::BatchNorm(norm) => norm.forward(x, training),
                Layer::LayerNorm(norm) => norm.forward(x),
                Layer::Conv2d(conv) => conv.forward(x),
                Layer::Pooling2d(pooling) => pooling.forward(x),
                Layer::Residual(block) => x + &block.forward(x, training)[block.layers.len()],
            });
        }
        inputs
    }

    /// Backpropagation from g = ∂L/∂x_L: ∂L/∂x₀, and the gradients of all parameters in the order of
    /// [`parameters_mut`](Self::parameters_mut), that of the penalty included.
    pub fn backward(
        &self,
        inputs: &[Matrix],
        mut g: Matrix,
        training: bool,
    ) -> (Matrix, Vec<Matrix>) {
        let mut gradients = Vec::new();
        for (layer, x) in self.layers.iter().zip(inputs).rev() {
            let (dx, dparameters) = match layer {
                Layer::Dense(dense) => dense.backward(x, &g),
                Layer::Activation(activation) => (activation.backward(x, &g), vec![]),
                Layer::Dropout(rate, mask) if training => (dropout(&g, mask, *rate), vec![]),
                Layer::Dropout(..) => (g, vec![]),
                Layer::BatchNorm(norm) => norm.backward(x, &g, training),
                Layer::LayerNorm(norm) => norm.backward(x, &g),
                Layer::Conv2d(conv) => conv.backward(x, &g),
                Layer::Pooling2d(pooling) => (pooling.backward(x, &g), vec![]),
                Layer::Residual(block) => {
                    let inputs = block.forward(x, training);
                    let (dx, dparameters) = block.backward(&inputs, g.clone(), training);
                    (g + dx, dparameters)
                }
            };
            g = dx;
            gradients.splice(0..0, dparameters);
        }
        (g, gradients)
    }

    /// The outputs of the trained network.
    pub fn predict(&self, x: &Matrix) -> Matrix {
        self.forward(x, false).remove(self.layers.len())
    }

    /// λ Σ W², summed over all dense layers and convolutions.
    pub fn penalty(&self) -> f64 {
        let penalty = |layer: &Layer| match layer {
            Layer::Dense(it) => it.l2 * it.kernel.pow2().sum(),
            Layer::Conv2d(it) => it.l2 * it.kernel.pow2().sum(),
            Layer::Residual(block) => block.penalty(),
            _ => 0.0,
        };
        self.layers.iter().map(penalty).sum()
    }

    /// The forward and backward pass of a training step: the loss with the penalty, and the gradients of all parameters.
    /// Updates the moving averages of batch normalization.
    pub fn loss_and_gradients(
        &mut self,
        x: &Matrix,
        loss: impl Fn(&Matrix) -> (f64, Matrix),
    ) -> (f64, Vec<Matrix>) {
        let inputs = self.forward(x, true);
        let (value, g) = loss(&inputs[self.layers.len()]);
        let (_, gradients) = self.backward(&inputs, g, true);
        self.update_moving(&inputs);
        (value + self.penalty(), gradients)
    }

    /// Updates the moving averages from the input of each layer.
    fn update_moving(&mut self, inputs: &[Matrix]) {
        for (layer, x) in self.layers.iter_mut().zip(inputs) {
            match layer {
                Layer::BatchNorm(norm) => norm.update_moving(x),
                Layer::Residual(block) => block.update_moving(&block.forward(x, true)),
                _ => {}
            }
        }
    }

    /// Kernel and bias, or γ and β, of each layer, in order.
    pub fn parameters_mut(&mut self) -> Vec<&mut Matrix> {
        let mut parameters = Vec::new();
        for layer in &mut self.layers {
            match layer {
                Layer::Dense(dense) => parameters.extend([&mut dense.kernel, &mut dense.bias]),
                Layer::BatchNorm(norm) => parameters.extend([&mut norm.gamma, &mut norm.beta]),
                Layer::LayerNorm(norm) => parameters.extend([&mut norm.gamma, &mut norm.beta]),
                Layer::Conv2d(conv) => parameters.extend([&mut conv.kernel, &mut conv.bias]),
                Layer::Residual(block) => parameters.extend(block.parameters_mut()),
                Layer::Activation(_) | Layer::Dropout(..) | Layer::Pooling2d(_) => {}
            }
        }
        parameters
    }

    /// Updates every parameter by its gradient, each with its own optimizer.
    pub fn apply(&mut self, gradients: &[Matrix], optimizers: &mut [Optimizer]) {
        let parameters = self.parameters_mut();
        assert_eq!(
            [gradients.len(), optimizers.len()],
            [parameters.len(); 2],
            "one of each for each parameter"
        );
        for ((w, g), optimizer) in parameters.into_iter().zip(gradients).zip(optimizers) {
            optimizer.update(w, g);
        }
    }
}
