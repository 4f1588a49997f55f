//! The metrics that early stopping monitors.

use serde::{Deserialize, Serialize};

use super::history::EpochRecord;
use crate::error::{LabError, Result};
use crate::names::named;

/// The number of an epoch that a callback watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The metric of an epoch, negative where more is better: the lower, the better.
    pub(super) fn score(self, record: &EpochRecord) -> Result<f64> {
        let value = match self {
            Self::Loss => Some(record.loss),
            Self::Accuracy => Some(-record.accuracy),
            Self::ValLoss => record.val_loss,
            Self::ValAccuracy => record.val_accuracy.map(|accuracy| -accuracy),
        };
        value.ok_or_else(|| {
            let (place, expected) = (format!("monitor {self:?}"), "validation data for fit");
            let remedy = "give fit validation data, or monitor Loss";
            LabError::value(place, "none", expected, remedy)
        })
    }
}
