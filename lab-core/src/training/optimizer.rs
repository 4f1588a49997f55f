//! Optimizers: how weights follow the gradient, in order of growing complexity.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::compute::{AdamStep, RmsPropStep, SgdStep, Step};
use crate::error::{LabError, Result};
use crate::model::Parameter;

/// Stochastic gradient descent, w ← w − lr g, with momentum if wanted (Robbins and Monro, 1951; Polyak, 1964).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01).momentum(0.9).nesterov());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    learning_rate: f32,
    momentum: f32,
    nesterov: bool,
}

impl Sgd {
    /// Plain descent; Keras's learning rate is 0.01.
    pub fn new(learning_rate: f32) -> Self {
        Self {
            learning_rate,
            momentum: 0.0,
            nesterov: false,
        }
    }

    /// u ← μ u − lr g, w ← w + u; 0.9 is a usual μ.
    pub fn momentum(self, momentum: f32) -> Self {
        Self { momentum, ..self }
    }

    /// Looks ahead along the momentum: w ← w + μ u − lr g (Nesterov, 1983; Sutskever et al., 2013).
    pub fn nesterov(self) -> Self {
        Self {
            nesterov: true,
            ..self
        }
    }
}

/// Each weight's step is divided by the root of its mean square gradient (Tieleman and Hinton, 2012).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, RmsProp::new(0.001).rho(0.99));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RmsProp {
    learning_rate: f32,
    rho: f32,
    momentum: f32,
    epsilon: f32,
}

impl RmsProp {
    /// With ρ 0.9, ε 1e-7 under the root, no momentum; Keras's learning rate is 0.001.
    pub fn new(learning_rate: f32) -> Self {
        Self {
            learning_rate,
            rho: 0.9,
            momentum: 0.0,
            epsilon: 1e-7,
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
pub struct Adam {
    learning_rate: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
}

impl Adam {
    /// With β 0.9 and 0.999 and ε 1e-7 outside of the root; Keras's learning rate is 0.001.
    pub fn new(learning_rate: f32) -> Self {
        Self {
            learning_rate,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }

    /// How much of the mean gradient and of the mean square is kept from step to step.
    pub fn betas(self, beta_1: f32, beta_2: f32) -> Self {
        Self {
            beta_1,
            beta_2,
            ..self
        }
    }
}

/// Adam, with the weights shrinking by themselves: first w ← w − lr λ w (Loshchilov and Hutter, 2019).
///
/// ```
/// use lab_core::prelude::*;
/// let trainer = Trainer::new(Loss::CategoricalCrossentropy, AdamW::new(0.001).weight_decay(0.01).exclude_biases());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
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
    pub fn weight_decay(self, weight_decay: f32) -> Self {
        Self {
            weight_decay,
            ..self
        }
    }

    /// Lets only kernels shrink.
    pub fn exclude_biases(self) -> Self {
        Self {
            decay_biases: false,
            ..self
        }
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

/// What an optimizer remembers from step to step.
#[derive(Clone, Debug, Default)]
pub(crate) struct OptimizerState {
    pub(crate) steps: u64,
    /// For each of the network's arrays two more of its length, or none where the optimizer needs none.
    pub(crate) slots: Vec<[Vec<f32>; 2]>,
    /// The step at hand, for each of the network's arrays.
    pub(crate) next: Vec<Step>,
}

impl Optimizer {
    /// The names that [`str::parse`] knows, each with Keras's default numbers (`momentum` and `nesterov` with μ 0.9).
    pub const NAMES: [&'static str; 6] =
        ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"];

    /// The learning rate.
    pub fn learning_rate(&self) -> f32 {
        match self {
            Self::Sgd(sgd) => sgd.learning_rate,
            Self::RmsProp(rmsprop) => rmsprop.learning_rate,
            Self::Adam(adam) => adam.learning_rate,
            Self::AdamW(adamw) => adamw.adam.learning_rate,
        }
    }

    /// The same with another learning rate.
    pub fn with_learning_rate(self, learning_rate: f32) -> Self {
        match self {
            Self::Sgd(sgd) => Self::Sgd(Sgd {
                learning_rate,
                ..sgd
            }),
            Self::RmsProp(rmsprop) => Self::RmsProp(RmsProp {
                learning_rate,
                ..rmsprop
            }),
            Self::Adam(adam) => Self::Adam(Adam {
                learning_rate,
                ..adam
            }),
            Self::AdamW(adamw) => Self::AdamW(AdamW {
                adam: Adam {
                    learning_rate,
                    ..adamw.adam
                },
                ..adamw
            }),
        }
    }

    /// Checks that the numbers are in their ranges.
    pub(crate) fn check(&self) -> Result<()> {
        let share = |name: &str, value: f32| match (0.0..1.0).contains(&value) {
            true => Ok(()),
            false => Err(LabError::value(
                name,
                value.to_string(),
                "0 to below 1",
                "0.9 is a usual value",
            )),
        };
        check_rate("learning rate", self.learning_rate())?;
        match self {
            Self::Sgd(sgd) => share("momentum", sgd.momentum),
            Self::RmsProp(rmsprop) => {
                share("rho", rmsprop.rho).and(share("momentum", rmsprop.momentum))
            }
            Self::Adam(adam) => share("beta_1", adam.beta_1).and(share("beta_2", adam.beta_2)),
            Self::AdamW(AdamW {
                adam, weight_decay, ..
            }) => share("beta_1", adam.beta_1)
                .and(share("beta_2", adam.beta_2))
                .and(check_rate("decay", *weight_decay)),
        }
    }

    /// Prepares the next step at the learning rate `rate`, for each of the network's arrays; `scale` multiplies the
    /// gradients first.
    pub(crate) fn prepare(
        &self,
        state: &mut OptimizerState,
        rate: f32,
        scale: f32,
        parameters: &[Parameter],
    ) {
        state.steps += 1;
        state.slots.resize_with(parameters.len(), Default::default);
        state.next.clear();
        for (parameter, slots) in parameters.iter().zip(&mut state.slots) {
            let step = self.at(parameter, state.steps, rate, scale);
            for slot in slots
                .iter_mut()
                .take(step.slots())
                .filter(|_| parameter.trainable)
            {
                slot.resize(parameter.value.len(), 0.0);
            }
            state.next.push(step);
        }
    }

    /// How many arrays of an array's length it remembers for it.
    pub(super) fn slots(&self, parameter: &Parameter) -> usize {
        if parameter.trainable {
            self.at(parameter, 1, 0.0, 1.0).slots()
        } else {
            0
        }
    }

    /// Step number `number` (from 1) for an array.
    fn at(&self, parameter: &Parameter, number: u64, rate: f32, scale: f32) -> Step {
        match *self {
            Self::Sgd(Sgd {
                momentum, nesterov, ..
            }) => Step::Sgd(SgdStep {
                rate,
                momentum,
                nesterov,
                scale,
            }),
            Self::RmsProp(RmsProp {
                rho,
                momentum,
                epsilon,
                ..
            }) => Step::RmsProp(RmsPropStep {
                rate,
                rho,
                epsilon,
                momentum,
                scale,
            }),
            Self::Adam(adam) => adam.at(number, rate, 1.0, scale),
            Self::AdamW(AdamW {
                adam,
                weight_decay,
                decay_biases,
            }) => {
                let decays = decay_biases || parameter.name.ends_with("kernel");
                adam.at(
                    number,
                    rate,
                    if decays {
                        1.0 - rate * weight_decay
                    } else {
                        1.0
                    },
                    scale,
                )
            }
        }
    }
}

impl Adam {
    fn at(self, number: u64, rate: f32, keep: f32, scale: f32) -> Step {
        let power = |beta: f32| 1.0 - libm::pow(beta.into(), number as f64);
        let alpha = (f64::from(rate) * power(self.beta_2).sqrt() / power(self.beta_1)) as f32;
        Step::Adam(AdamStep {
            alpha,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
            keep,
            scale,
        })
    }
}

/// Checks a number that may be 0 or more.
pub(super) fn check_rate(name: &str, value: f32) -> Result<()> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(LabError::value(
            name,
            value.to_string(),
            "a finite number, 0 or more",
            "0.001 is a usual value",
        )),
    }
}

macro_rules! into_optimizer {
    ($($kind:ident),*) => {
        $(impl From<$kind> for Optimizer {
            fn from(optimizer: $kind) -> Self {
                Self::$kind(optimizer)
            }
        })*
    };
}
into_optimizer!(Sgd, RmsProp, Adam, AdamW);

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
        Ok(match text.trim().to_lowercase().as_str() {
            "sgd" => Sgd::new(0.01).into(),
            "momentum" => Sgd::new(0.01).momentum(0.9).into(),
            "nesterov" => Sgd::new(0.01).momentum(0.9).nesterov().into(),
            "rmsprop" => RmsProp::new(0.001).into(),
            "adam" => Adam::new(0.001).into(),
            "adamw" => AdamW::new(0.001).into(),
            _ => return Err(LabError::name("optimizer", text, &Self::NAMES)),
        })
    }
}
