//! Optimizers in order of growing complexity: each updates one matrix of weights w by its gradient g.

use crate::Matrix;

/// An update rule. Its number is the momentum μ (0 for none), for AdamW the decay λ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// u ← μ u − lr g, w ← w + u (Polyak 1964); for μ = 0 plain gradient descent w ← w − lr g (Robbins, Monro 1951).
    Sgd(f64),
    /// u ← μ u − lr g, w ← w + μ u − lr g, which looks one step ahead (Sutskever et al. 2013).
    Nesterov(f64),
    /// v ← ρ v + (1 − ρ) g², u ← μ u − lr g/√(v + ε), w ← w + u, ρ = 0.9, ε = 10⁻⁷ (Tieleman, Hinton 2012).
    RmsProp(f64),
    /// u ← β₁ u + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − α u/(√v + ε), where α = lr √(1 − β₂ᵗ)/(1 − β₁ᵗ) at step
    /// t = 1, 2, …, β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁷ (Kingma, Ba 2015, the form at the end of their section 2).
    Adam,
    /// First w ← w − lr λ w, then Adam (Loshchilov, Hutter 2019).
    AdamW(f64),
}

/// A rule and its state for one matrix of weights; a network has an optimizer for each of its parameters.
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// The learning rate lr, which a schedule may change between steps.
    pub learning_rate: f64,
    rule: Rule,
    t: i32,
    u: Matrix,
    v: Matrix,
}

impl Optimizer {
    /// The state before the first step: t = 0; u and v are a single 0, which takes the shape of the first g added to it.
    pub fn new(rule: Rule, learning_rate: f64) -> Self {
        Self {
            learning_rate,
            rule,
            t: 0,
            u: Matrix::zeros((1, 1)),
            v: Matrix::zeros((1, 1)),
        }
    }

    /// One step: updates w by its gradient g and the state.
    pub fn update(&mut self, w: &mut Matrix, g: &Matrix) {
        assert_eq!(w.dim(), g.dim(), "a gradient has the shape of its weights");
        let (lr, rho, beta_1, beta_2, epsilon) =
            (self.learning_rate, 0.9, 0.9_f64, 0.999_f64, 1e-7);
        self.t += 1;
        match self.rule {
            Rule::Sgd(mu) => {
                self.u = mu * &self.u - lr * g;
                *w += &self.u;
            }
            Rule::Nesterov(mu) => {
                self.u = mu * &self.u - lr * g;
                *w += &(mu * &self.u - lr * g);
            }
            Rule::RmsProp(mu) => {
                self.v = rho * &self.v + (1.0 - rho) * g.pow2();
                self.u = mu * &self.u - lr * g / (&self.v + epsilon).sqrt();
                *w += &self.u;
            }
            Rule::Adam | Rule::AdamW(_) => {
                if let Rule::AdamW(lambda) = self.rule {
                    *w *= 1.0 - lr * lambda;
                }
                self.u = beta_1 * &self.u + (1.0 - beta_1) * g;
                self.v = beta_2 * &self.v + (1.0 - beta_2) * g.pow2();
                let alpha = lr * (1.0 - beta_2.powi(self.t)).sqrt() / (1.0 - beta_1.powi(self.t));
                *w -= &(alpha * &self.u / (self.v.sqrt() + epsilon));
            }
        }
    }
}

/// Multiplies all gradients by min(1, c/‖g‖), where ‖g‖² sums over all of them, and returns ‖g‖ before clipping
/// (Pascanu, Mikolov, Bengio 2013).
pub fn clip_by_global_norm(gradients: &mut [Matrix], c: f64) -> f64 {
    let norm = gradients.iter().map(|g| g.pow2().sum()).sum::<f64>().sqrt();
    gradients.iter_mut().for_each(|g| *g *= (c / norm).min(1.0));
    norm
}
