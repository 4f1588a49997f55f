//! Optimizers: update rules for the weights, in order of growing complexity.

use std::str::FromStr;

use super::*;

/// Stochastic gradient descent, w ← w − lr g, with momentum if wanted (Robbins and Monro, 1951; Polyak, 1964).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01).momentum(0.9).nesterov());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sgd {
    learning_rate: f32,
    momentum: f32,
    nesterov: bool,
    #[serde(skip_serializing_if = "is_one")]
    beta_rate: f32,
}

fn is_one(factor: &f32) -> bool {
    *factor == 1.0
}

impl Sgd {
    /// Plain descent; Keras's learning rate is 0.01.
    pub fn new(learning_rate: f32) -> Self {
        Self {
            learning_rate,
            momentum: 0.0,
            nesterov: false,
            beta_rate: 1.0,
        }
    }

    /// u ← μ u − lr g, w ← w + u; 0.9 is a usual μ.
    pub fn momentum(self, momentum: f32) -> Self {
        Self { momentum, ..self }
    }

    /// Multiplies the learning rate of the normalizations' β, which convolutions let learn many times faster.
    pub fn beta_rate(self, beta_rate: f32) -> Self {
        Self { beta_rate, ..self }
    }

    /// Looks ahead along the momentum: w ← w + μ u − lr g (Nesterov, 1983; Sutskever et al., 2013).
    pub fn nesterov(mut self) -> Self {
        self.nesterov = true;
        self
    }
}

/// Each weight's step is divided by the root of its mean square gradient (Tieleman and Hinton, 2012).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, RmsProp::new(0.001).rho(0.99));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RmsProp {
    learning_rate: f32,
    rho: f32,
    momentum: f32,
}

impl RmsProp {
    /// With ρ 0.9, ε 1e-7 under the root, no momentum; Keras's learning rate is 0.001.
    pub fn new(learning_rate: f32) -> Self {
        Self {
            learning_rate,
            rho: 0.9,
            momentum: 0.0,
        }
    }

    /// How much of the mean square is kept from step to step.
    pub fn rho(self, rho: f32) -> Self {
        Self { rho, ..self }
    }

    /// How much of the last step goes into the next.
    pub fn momentum(self, momentum: f32) -> Self {
        Self { momentum, ..self }
    }
}

/// Means of the gradient and of its square, both corrected for their start at 0 (Kingma and Ba, 2015).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.001).betas(0.9, 0.98));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adam {
    learning_rate: f32,
    beta_1: f32,
    beta_2: f32,
}

impl Adam {
    /// With β 0.9 and 0.999 and ε 1e-7 outside of the root; Keras's learning rate is 0.001.
    pub fn new(learning_rate: f32) -> Self {
        Self {
            learning_rate,
            beta_1: 0.9,
            beta_2: 0.999,
        }
    }

    /// How much of the mean gradient and of the mean square is kept from step to step.
    pub fn betas(mut self, beta_1: f32, beta_2: f32) -> Self {
        (self.beta_1, self.beta_2) = (beta_1, beta_2);
        self
    }
}

/// Adam, with the weights shrinking by themselves: first w ← w − lr λ w (Loshchilov and Hutter, 2019).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, AdamW::new(0.001).weight_decay(0.01).exclude_biases());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamW {
    #[serde(flatten)]
    adam: Adam,
    weight_decay: f32,
    decay_biases: bool,
}

impl AdamW {
    /// With λ 0.004 on all weights, as in Keras.
    pub fn new(learning_rate: f32) -> Self {
        Self {
            adam: Adam::new(learning_rate),
            weight_decay: 0.004,
            decay_biases: true,
        }
    }

    /// λ.
    pub fn weight_decay(mut self, weight_decay: f32) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Lets only kernels shrink.
    pub fn exclude_biases(mut self) -> Self {
        self.decay_biases = false;
        self
    }
}

/// One of the optimizers, with its numbers.
///
/// ```
/// use lab_core::training::{Optimizer, Sgd};
/// let optimizer: Optimizer = "nesterov".parse()?;
/// assert_eq!(optimizer, Sgd::new(0.01).momentum(0.9).nesterov().into());
/// # Ok::<(), lab_core::LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// Descent, with or without momentum.
    Sgd(Sgd),
    /// RMSprop.
    RmsProp(RmsProp),
    /// Adam.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
}

impl Optimizer {
    /// The names that [`str::parse`] knows, each with Keras's defaults (`momentum` and `nesterov` with μ 0.9).
    pub const NAMES: [&str; 6] = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"];

    /// The learning rate.
    pub fn learning_rate(mut self) -> f32 {
        *self.rate_mut()
    }

    /// The same with another learning rate.
    pub fn with_learning_rate(mut self, learning_rate: f32) -> Self {
        *self.rate_mut() = learning_rate;
        self
    }

    fn rate_mut(&mut self) -> &mut f32 {
        match self {
            Self::Sgd(it) => &mut it.learning_rate,
            Self::RmsProp(it) => &mut it.learning_rate,
            Self::Adam(it) => &mut it.learning_rate,
            Self::AdamW(it) => &mut it.adam.learning_rate,
        }
    }

    /// Checks that the options are in their ranges.
    pub(crate) fn check(&self) -> Result<()> {
        check_rate("learning rate", self.learning_rate())?;
        let decay = |name: &str, value| check_range(name, value, 0.0..1.0, "0.9 is usual");
        let betas = |it: Adam| decay("beta_1", it.beta_1).and(decay("beta_2", it.beta_2));
        match *self {
            Self::Sgd(it) => {
                decay("momentum", it.momentum).and(check_rate("beta rate", it.beta_rate))
            }
            Self::RmsProp(it) => decay("rho", it.rho).and(decay("momentum", it.momentum)),
            Self::Adam(it) => betas(it),
            Self::AdamW(it) => betas(it.adam).and(check_rate("weight decay", it.weight_decay)),
        }
    }

    /// Step number `number` (from 1) for one of the network's arrays, at the learning rate `rate`; the gradients are
    /// multiplied by `scale` first.
    pub(super) fn at(&self, parameter: &Parameter, number: u64, rate: f32, scale: f32) -> Step {
        let is_beta = parameter.name.ends_with(".beta");
        match *self {
            Self::Sgd(it) => Step::Sgd(compute::SgdStep {
                rate: if is_beta { rate * it.beta_rate } else { rate },
                momentum: it.momentum,
                nesterov: it.nesterov,
                scale,
            }),
            Self::RmsProp(it) => Step::RmsProp(compute::RmsPropStep {
                rate,
                rho: it.rho,
                momentum: it.momentum,
                scale,
            }),
            Self::Adam(it) => it.at(number, rate, 1.0, scale),
            Self::AdamW(it) => {
                let decays = it.decay_biases || parameter.name.ends_with("kernel");
                let decay = if decays { it.weight_decay } else { 0.0 };
                it.adam.at(number, rate, 1.0 - rate * decay, scale)
            }
        }
    }
}

impl Adam {
    /// α = lr √(1 − β₂ᵗ) / (1 − β₁ᵗ) in step t.
    fn at(self, number: u64, rate: f32, keep: f32, scale: f32) -> Step {
        let power = |beta: f32| 1.0 - libm::pow(beta.into(), number as f64);
        let alpha = f64::from(rate) * power(self.beta_2).sqrt() / power(self.beta_1);
        Step::Adam(compute::AdamStep {
            alpha: alpha as f32,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            keep,
            scale,
        })
    }
}

/// Checks a value that may be any finite number from 0 on.
pub(super) fn check_rate(name: &str, value: f32) -> Result<()> {
    check_range(name, value, 0.0..f32::INFINITY, "0.001 is a usual value")
}

macro_rules! optimizers {
    ($($kind:ident at $rate:literal),*) => {
        $(impl Default for $kind {
            fn default() -> Self {
                Self::new($rate)
            }
        }

        impl From<$kind> for Optimizer {
            fn from(optimizer: $kind) -> Self {
                Self::$kind(optimizer)
            }
        }

        impl $kind {
            /// The optimizer with a fresh state for one network, as [`Optimizer::for_model`].
            pub fn for_model(self, model: &Sequential) -> OptimizerState {
                Optimizer::from(self).for_model(model)
            }
        })*
    };
}
optimizers!(Sgd at 0.01, RmsProp at 0.001, Adam at 0.001, AdamW at 0.001);

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sgd(Sgd { momentum: 0.0, .. }) => "sgd",
            Self::Sgd(Sgd { nesterov: true, .. }) => "nesterov",
            Self::Sgd(_) => "momentum",
            Self::RmsProp(_) => "rmsprop",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adamw",
        })
    }
}

impl FromStr for Optimizer {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self> {
        let momentum = Sgd::default().momentum(0.9);
        Ok(match text.trim().to_lowercase().as_str() {
            "sgd" => Sgd::default().into(),
            "momentum" => momentum.into(),
            "nesterov" => momentum.nesterov().into(),
            "rmsprop" => RmsProp::default().into(),
            "adam" => Adam::default().into(),
            "adamw" => AdamW::default().into(),
            _ => return Err(LabError::name("optimizer", text, &Self::NAMES)),
        })
    }
}
