//! Schedules: how the learning rate changes during training.

use std::f64::consts::PI;

use super::*;

/// The learning rate during training, from the optimizer's own rate lr and the epoch e (from 0) of E.
///
/// Step and exponential decay change between epochs, the others from batch to batch.
///
/// ```
/// use lab_core::training::Schedule;
/// let schedule = Schedule::Exponential { factor: 0.95 };
/// assert_eq!(schedule.rate(0.001, 0.0, 50), 0.001);
/// assert!((schedule.rate(0.001, 2.7, 50) - 0.001 * 0.95 * 0.95).abs() < 1e-9);
/// assert_eq!(schedule.to_string(), "exponential=0.95");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
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
    /// lr · factor^⌊e⌋: the original lab's schedule, with 0.95.
    Exponential {
        /// What the rate is multiplied by after each epoch.
        factor: f64,
    },
    /// From lr down to lr · lowest along half a cosine (Loshchilov and Hutter, 2017).
    Cosine {
        /// The fraction of lr at the end.
        lowest: f64,
    },
    /// Up to lr in the first 30 % of training, then down nearly to 0, each along half a cosine, from lr / 25 to
    /// lr / 10,000 (Smith and Topin, 2018).
    OneCycle,
    /// Linear warm-up from 0 in the first epochs, then another schedule.
    Warmup {
        /// The epochs of the warm-up.
        epochs: f64,
        /// The schedule after it, with its epochs counted from the end of the warm-up.
        then: Box<Schedule>,
    },
}

impl Schedule {
    /// Puts a linear warm-up of some epochs before this schedule.
    pub fn after_warmup(self, epochs: f64) -> Self {
        let then = Box::new(self);
        Self::Warmup { epochs, then }
    }

    /// The learning rate at `epoch` (2.5 is the middle of the third) of `epochs`.
    pub fn rate(&self, base: f32, epoch: f64, epochs: usize) -> f32 {
        (f64::from(base) * self.factor_at(epoch, epochs as f64)) as f32
    }

    /// Whether the learning rate of an epoch depends on how many there are in all.
    pub fn depends_on_epochs(&self) -> bool {
        match self {
            Self::Warmup { then, .. } => then.depends_on_epochs(),
            _ => matches!(self, Self::Cosine { .. } | Self::OneCycle),
        }
    }

    fn factor_at(&self, epoch: f64, epochs: f64) -> f64 {
        let done = (epoch / epochs).clamp(0.0, 1.0);
        // Half a cosine from `from` to `to` while x goes from 0 to 1.
        let ease = |from: f64, to: f64, x: f64| to + (from - to) * (1.0 + libm::cos(PI * x)) / 2.0;
        match self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => libm::pow(*factor, (epoch / *every as f64).floor()),
            Self::Exponential { factor } => libm::pow(*factor, epoch.floor()),
            Self::Cosine { lowest } => ease(1.0, *lowest, done),
            Self::OneCycle if done < 0.3 => ease(0.04, 1.0, done / 0.3),
            Self::OneCycle => ease(1.0, 1e-4, (done - 0.3) / 0.7),
            Self::Warmup { epochs: up, .. } if epoch < *up => epoch / up,
            Self::Warmup { epochs: up, then } => {
                then.factor_at(epoch - up, (epochs - up).max(f64::MIN_POSITIVE))
            }
        }
    }

    /// Checks that the options are in their ranges.
    pub(super) fn check(&self) -> Result<()> {
        let usual = "an exponential one with the factor 0.95 is the original lab's";
        let positive = |name, value| {
            let place = format!("schedule: {name}");
            check_range(place, value, above_zero(f64::INFINITY), usual)
        };
        match self {
            Self::Constant | Self::OneCycle => Ok(()),
            Self::Step { every: 0, .. } => positive("epochs between two steps", 0.0),
            Self::Step { factor, .. } | Self::Exponential { factor } => positive("factor", *factor),
            Self::Cosine { lowest } => check_range("schedule: lowest", *lowest, 0.0..=1.0, usual),
            Self::Warmup { then, .. } if matches!(**then, Self::Warmup { .. }) => {
                let (found, expected) = ("a warm-up before another", "one warm-up");
                Err(LabError::value("schedule", found, expected, usual))
            }
            Self::Warmup { epochs, then } => positive("warm-up", *epochs).and(then.check()),
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_pass_through_the_points_of_their_formulas() {
        let (every, factor) = (10, 0.5);
        let step = Schedule::Step { every, factor };
        let exponential = Schedule::Exponential { factor: 0.9 };
        let cosine = |lowest| Schedule::Cosine { lowest };
        let warmup = cosine(0.0).after_warmup(20.0);
        for (schedule, epoch, expected) in [
            (Schedule::Constant, 57.0, 1.0),
            (step.clone(), 9.99, 1.0),
            (step, 30.0, 0.125),
            (exponential, 2.5, 0.81),
            (cosine(0.0), 0.0, 1.0),
            (cosine(0.1), 50.0, 0.55),
            (cosine(0.1), 100.0, 0.1),
            (Schedule::OneCycle, 0.0, 0.04),
            (Schedule::OneCycle, 30.0, 1.0),
            (Schedule::OneCycle, 100.0, 1e-4),
            (Schedule::Constant.after_warmup(4.0), 1.0, 0.25),
            (warmup.clone(), 20.0, 1.0),
            (warmup, 60.0, 0.5),
        ] {
            let rate = schedule.rate(1.0, epoch, 100);
            assert!(
                (rate - expected).abs() < 1e-6,
                "{schedule} at {epoch}: {rate}"
            );
        }
    }
}
