//! Schedules: how the learning rate changes while training goes on.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{LabError, Result};

/// The learning rate as training goes on, from the optimizer's own rate lr and the epoch e (from 0) of E.
///
/// Step and exponential decay change between epochs, the others from batch to batch.
///
/// ```
/// use lab_core::training::Schedule;
/// let schedule = Schedule::Exponential { factor: 0.95 };
/// assert_eq!(schedule.rate(0.001, 0.0, 50), 0.001);
/// assert!((schedule.rate(0.001, 2.7, 50) - 0.001 * 0.95 * 0.95).abs() < 1e-9);
/// assert_eq!("exponential=0.95".parse::<Schedule>()?.to_string(), "exponential=0.95");
/// # Ok::<(), lab_core::LabError>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Schedule {
    /// lr.
    #[default]
    Constant,
    /// lr · factor^⌊e / every⌋.
    Step {
        /// Epochs between two steps.
        every: usize,
        /// What the rate is multiplied by at each.
        factor: f64,
    },
    /// lr · factor^⌊e⌋: the lab's schedule, with 0.95.
    Exponential {
        /// What the rate is multiplied by after each epoch.
        factor: f64,
    },
    /// From lr down to lr · lowest along half a cosine (Loshchilov and Hutter, 2017).
    Cosine {
        /// The share of lr at the end.
        lowest: f64,
    },
    /// Up to lr in the first 30 % of training, then down nearly to 0, each along half a cosine, from lr / 25 to
    /// lr / 10,000 (Smith and Topin, 2018).
    OneCycle,
    /// Linearly from 0 in the first epochs, and as another schedule says after them.
    Warmup {
        /// The epochs of the way up.
        epochs: f64,
        /// What rules then, with its epochs counted from the end of the way up.
        then: Box<Schedule>,
    },
    /// Whatever a function says for each epoch; callbacks that change the learning rate have no effect then.
    Custom(Arc<dyn Fn(usize) -> f32 + Send + Sync>),
}

impl Schedule {
    /// The learning rate that a function gives for each epoch, from 0.
    pub fn custom(rate: impl Fn(usize) -> f32 + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(rate))
    }

    /// Puts a linear way up of some epochs before this schedule.
    pub fn after_warmup(self, epochs: f64) -> Self {
        Self::Warmup {
            epochs,
            then: Box::new(self),
        }
    }

    /// The learning rate at `epoch` (2.5 stands for the middle of the third) of `epochs`.
    pub fn rate(&self, base: f32, epoch: f64, epochs: usize) -> f32 {
        match self {
            Self::Custom(rate) => rate(epoch as usize),
            _ => (f64::from(base) * self.share(epoch, epochs as f64)) as f32,
        }
    }

    /// Whether the learning rate of an epoch depends on how many there are in all.
    pub(super) fn depends_on_epochs(&self) -> bool {
        match self {
            Self::Cosine { .. } | Self::OneCycle => true,
            Self::Warmup { then, .. } => then.depends_on_epochs(),
            Self::Constant | Self::Step { .. } | Self::Exponential { .. } | Self::Custom(_) => {
                false
            }
        }
    }

    fn share(&self, epoch: f64, epochs: f64) -> f64 {
        let done = (epoch / epochs).clamp(0.0, 1.0);
        // Half a cosine from `from` to `to` while x goes from 0 to 1.
        let ease = |from: f64, to: f64, x: f64| to + (from - to) * (1.0 + libm::cos(PI * x)) / 2.0;
        match self {
            Self::Constant | Self::Custom(_) => 1.0,
            Self::Step { every, factor } => libm::pow(*factor, (epoch / *every as f64).floor()),
            Self::Exponential { factor } => libm::pow(*factor, epoch.floor()),
            Self::Cosine { lowest } => ease(1.0, *lowest, done),
            Self::OneCycle if done < 0.3 => ease(0.04, 1.0, done / 0.3),
            Self::OneCycle => ease(1.0, 1e-4, (done - 0.3) / 0.7),
            Self::Warmup { epochs: up, .. } if epoch < *up => epoch / up,
            Self::Warmup { epochs: up, then } => {
                then.share(epoch - up, (epochs - up).max(f64::MIN_POSITIVE))
            }
        }
    }

    /// Checks that the numbers are in their ranges.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |found: String, expected: &str| {
            Err(LabError::value(
                "schedule",
                found,
                expected,
                "exponential=0.95 is the lab's schedule",
            ))
        };
        match self {
            Self::Step { every: 0, .. } => wrong("a step every 0 epochs".into(), "1 epoch or more"),
            Self::Step { factor, .. } | Self::Exponential { factor }
                if !(*factor > 0.0 && factor.is_finite()) =>
            {
                wrong(format!("factor {factor}"), "a factor above 0")
            }
            Self::Cosine { lowest } if !(0.0..=1.0).contains(lowest) => {
                wrong(lowest.to_string(), "a share from 0 to 1")
            }
            Self::Warmup { epochs, .. } if !(*epochs > 0.0 && epochs.is_finite()) => {
                wrong(format!("a way up of {epochs} epochs"), "more than 0 epochs")
            }
            Self::Warmup { then, .. }
                if matches!(**then, Self::Custom(_) | Self::Warmup { .. }) =>
            {
                wrong(
                    "a way up before a custom schedule or another way up".into(),
                    "one of the other schedules",
                )
            }
            Self::Warmup { then, .. } => then.check(),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Step { every, factor } => write!(f, "step={every}:{factor}"),
            Self::Exponential { factor } => write!(f, "exponential={factor}"),
            Self::Cosine { lowest } => write!(f, "cosine={lowest}"),
            Self::OneCycle => f.write_str("one-cycle"),
            Self::Warmup { epochs, then } => write!(f, "warmup={epochs},{then}"),
            Self::Custom(_) => f.write_str("custom"),
        }
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({self})")
    }
}

/// `constant`, `step=10:0.5`, `exponential=0.95`, `cosine`, `cosine=0.01`, `one-cycle`, `warmup=2,cosine`.
impl FromStr for Schedule {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self> {
        const FORMS: [(&str, &str); 6] = [
            ("constant", "constant"),
            ("step", "step=EPOCHS:FACTOR"),
            ("exponential", "exponential or exponential=FACTOR"),
            ("cosine", "cosine or cosine=LOWEST"),
            ("one-cycle", "one-cycle"),
            ("warmup", "warmup=EPOCHS or warmup=EPOCHS,SCHEDULE"),
        ];
        let (first, then) = text
            .split_once(',')
            .map_or((text, None), |(first, then)| (first, Some(then)));
        let (name, numbers) = first
            .split_once('=')
            .map_or((first, ""), |(name, numbers)| (name, numbers));
        let name = name.trim().to_lowercase();
        let Some((_, form)) = FORMS.into_iter().find(|(known, _)| *known == name) else {
            return Err(LabError::name(
                "schedule",
                &name,
                &FORMS.map(|(known, _)| known),
            ));
        };
        let wrong = || {
            LabError::value(
                "schedule",
                format!("`{text}`"),
                form,
                "exponential=0.95 is the lab's schedule",
            )
        };
        let numbers = numbers
            .split(':')
            .map(str::trim)
            .filter(|number| !number.is_empty() || first.contains('='));
        let numbers = numbers
            .map(|number| number.parse().map_err(|_| wrong()))
            .collect::<Result<Vec<f64>>>()?;
        let schedule = match (name.as_str(), &numbers[..], then) {
            ("constant", [], None) => Self::Constant,
            ("step", [every, factor], None) if every.fract() == 0.0 => Self::Step {
                every: *every as usize,
                factor: *factor,
            },
            ("exponential", [], None) => Self::Exponential { factor: 0.95 },
            ("exponential", [factor], None) => Self::Exponential { factor: *factor },
            ("cosine", [], None) => Self::Cosine { lowest: 0.0 },
            ("cosine", [lowest], None) => Self::Cosine { lowest: *lowest },
            ("one-cycle", [], None) => Self::OneCycle,
            ("warmup", [epochs], then) => then
                .unwrap_or("constant")
                .parse::<Self>()?
                .after_warmup(*epochs),
            _ => return Err(wrong()),
        };
        schedule.check()?;
        Ok(schedule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_pass_through_the_points_of_their_formulas() {
        let rate = |schedule: &str, epoch: f64| {
            schedule.parse::<Schedule>().unwrap().rate(1.0, epoch, 100)
        };
        for (schedule, epoch, expected) in [
            ("constant", 57.0, 1.0),
            ("step=10:0.5", 9.99, 1.0),
            ("step=10:0.5", 30.0, 0.125),
            ("exponential=0.9", 2.5, 0.81),
            ("cosine", 0.0, 1.0),
            ("cosine=0.1", 50.0, 0.55),
            ("cosine=0.1", 100.0, 0.1),
            ("one-cycle", 0.0, 0.04),
            ("one-cycle", 30.0, 1.0),
            ("one-cycle", 100.0, 1e-4),
            ("warmup=4", 1.0, 0.25),
            ("warmup=20,cosine", 20.0, 1.0),
            ("warmup=20,cosine", 60.0, 0.5),
        ] {
            assert!(
                (rate(schedule, epoch) - expected).abs() < 1e-6,
                "{schedule} at {epoch}: {}",
                rate(schedule, epoch)
            );
        }
        assert_eq!(
            Schedule::custom(|epoch| epoch as f32).rate(9.0, 3.9, 10),
            3.0
        );
    }

    #[test]
    fn wrong_schedules_are_refused() {
        for text in [
            "expnential=0.9",
            "exponential=x",
            "step=0:0.5",
            "step=5",
            "warmup",
            "warmup=0,cosine",
            "cosine=2",
        ] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
        assert!("cosine,step=1:2".parse::<Schedule>().is_err());
    }
}
