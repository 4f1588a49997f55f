//! Checks that several modules make of what they are given.

use crate::error::{LabError, Result};

/// Every label names one of the `classes`; `place` names the labels.
pub(crate) fn check_labels(place: &str, labels: &[u8], classes: usize) -> Result<()> {
    let Some(at) = labels
        .iter()
        .position(|&label| usize::from(label) >= classes)
    else {
        return Ok(());
    };
    let found = format!("label {} at position {at}", labels[at]);
    let expected = format!("0 to {} ({classes} classes)", classes.saturating_sub(1));
    let remedy =
        "count the labels from 0, and give all the classes, or the last layer as many units";
    Err(LabError::value(place, found, expected, remedy))
}
