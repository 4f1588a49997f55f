//! The usual checks of arguments, with the errors that they give.

use std::fmt::Display;
use std::ops::{Bound, RangeBounds};

use crate::error::{LabError, Result};

/// The value lies in its range, which a NaN never does; a range up to infinity leaves infinity out.
pub(crate) fn check_range<T: PartialOrd + Display>(
    place: impl Display,
    value: T,
    range: impl RangeBounds<T>,
    remedy: &str,
) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let lower = match range.start_bound() {
        Bound::Included(from) => format!("at least {from}"),
        Bound::Excluded(from) => format!("above {from}"),
        Bound::Unbounded => String::new(),
    };
    let expected = match (range.start_bound(), range.end_bound()) {
        (Bound::Included(from), Bound::Included(to)) => format!("{from} to {to}"),
        (_, Bound::Included(to)) => format!("{lower} and at most {to}"),
        (_, Bound::Excluded(to)) if to.to_string() == "inf" => format!("a finite number, {lower}"),
        (_, Bound::Excluded(to)) => format!("{lower} and below {to}"),
        (_, Bound::Unbounded) => lower,
    };
    Err(LabError::value(place, value, expected, remedy))
}

/// The range from above 0 to below `to`, for [`check_range`].
pub(crate) fn above_zero<T: Default>(to: T) -> (Bound<T>, Bound<T>) {
    (Bound::Excluded(T::default()), Bound::Excluded(to))
}

/// There are as many as `count`; `of` says of what, such as `label for each image`.
pub(crate) fn check_length(place: &str, length: usize, count: usize, of: &str) -> Result<()> {
    if length == count {
        return Ok(());
    }
    let (found, expected) = (format!("({length})"), format!("({count})"));
    let remedy = format!("give one {of}, in the same order");
    Err(LabError::shape(place, found, expected, remedy))
}

/// Every label names one of the classes.
pub(crate) fn check_labels(place: &str, labels: &[u8], classes: usize) -> Result<()> {
    let wrong = |&label: &u8| usize::from(label) >= classes;
    let Some(position) = labels.iter().position(wrong) else {
        return Ok(());
    };
    let found = format!("label {} at position {position}", labels[position]);
    let expected = format!("0 to {} ({classes} classes)", classes.saturating_sub(1));
    let remedy =
        "count the labels from 0, and give all the classes, or the last layer as many units";
    Err(LabError::value(place, found, expected, remedy))
}

/// There is a weight for each of `count` things, which `of` names, and none is negative or infinite.
pub(crate) fn check_weights(of: &str, weights: Option<&[f32]>, count: usize) -> Result<()> {
    let Some(weights) = weights else {
        return Ok(());
    };
    let (place, each) = (format!("{of} weights"), format!("weight for each {of}"));
    check_length(&place, weights.len(), count, &each)?;
    let mut weights = weights.iter();
    weights.try_for_each(|&weight| check_range(&place, weight, 0.0..f32::INFINITY, "1 is usual"))
}
