//! The numbers that callbacks watch.

use crate::error::{LabError, Result};
use crate::names::named;
use crate::training::history::EpochRecord;

/// The number of an epoch that a callback watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// The training loss.
    Loss,
    /// The training accuracy.
    Accuracy,
    /// The validation loss.
    ValLoss,
    /// The validation accuracy.
    ValAccuracy,
}

named!(Monitor, "monitor", 4, {
    Loss => "loss",
    Accuracy => "accuracy",
    ValLoss => "val_loss",
    ValAccuracy => "val_accuracy",
});

impl Monitor {
    /// The number, turned so that lower is better.
    fn badness(self, record: &EpochRecord) -> Result<f64> {
        let value = match self {
            Self::Loss => Some(record.loss),
            Self::Accuracy => Some(-record.accuracy),
            Self::ValLoss => record.val_loss,
            Self::ValAccuracy => record.val_accuracy.map(|accuracy| -accuracy),
        };
        value.ok_or_else(|| {
            let expected = "validation data for fit";
            LabError::value(
                format!("monitor {self:?}"),
                "none",
                expected,
                "give fit validation data, or watch Loss",
            )
        })
    }
}

/// The best value of a monitored number so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) monitor: Monitor,
    pub(super) badness: f64,
}

impl Best {
    pub(super) fn of(monitor: Monitor) -> Self {
        Self {
            monitor,
            badness: f64::INFINITY,
        }
    }

    /// Whether an epoch is better than all before it by more than `least`; then it is the best.
    pub(super) fn improves(&mut self, record: &EpochRecord, least: f64) -> Result<bool> {
        let badness = self.monitor.badness(record)?;
        let better = badness < self.badness - least;
        if better {
            self.badness = badness;
        }
        Ok(better)
    }
}
