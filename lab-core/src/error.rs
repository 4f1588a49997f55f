//! What can go wrong, in words that say where, what was found, what was expected and what to do; and the usual checks.

use std::fmt::{self, Debug, Display};
use std::io;
use std::ops::{Bound, RangeBounds};
use std::path::Path;

/// The result of everything in this crate that can fail.
pub type Result<T, E = LabError> = std::result::Result<T, E>;

/// An error whose text names its place, what was found there, what was expected, and the remedy.
///
/// `Debug` prints the same text as `Display`, because that is what a notebook shows after a failed `?`
/// and what `main` prints when it returns an error.
///
/// ```
/// use lab_core::prelude::*;
/// let error = Cifar10::sample().train.batches(0).unwrap_err();
/// let text = "batch size: found 0, expected at least 1\n  what to do: 32 to 256 are usual";
/// assert_eq!(error.to_string(), text);
/// assert!(matches!(error, LabError::Value(_)));
/// ```
#[derive(thiserror::Error)]
#[error("{0}")]
#[non_exhaustive]
pub enum LabError {
    /// A file or folder that cannot be read or written, and the operating system's answer.
    Io(String, #[source] io::Error),
    /// A file whose content is not what its format asks for.
    Format(String),
    /// Shapes that do not fit together.
    Shape(String),
    /// An option whose value is outside of its range.
    Value(String),
    /// A name that is not known, and the known name that is nearest to it, if one is near.
    Name(String, Option<&'static str>),
}

impl fmt::Debug for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl LabError {
    /// A file or folder that cannot be read or written, as the verb says.
    pub fn io(verb: &str, path: impl AsRef<Path>, source: io::Error, remedy: impl Display) -> Self {
        let path = path.as_ref().display();
        let text = format!("{path}: cannot {verb}: {source}\n  what to do: {remedy}");
        Self::Io(text, source)
    }

    /// A file whose content is not what its format asks for.
    pub fn format(
        path: impl AsRef<Path>,
        found: impl Display,
        expected: impl Display,
        remedy: impl Display,
    ) -> Self {
        let place = path.as_ref().display();
        Self::Format(text([&place, &found, &expected, &remedy]))
    }

    /// Shapes that do not fit together; `place` names the layer or the argument.
    pub fn shape(
        place: impl Display,
        found: impl Display,
        expected: impl Display,
        remedy: impl Display,
    ) -> Self {
        let found = format_args!("shape {found}");
        Self::Shape(text([&place, &found, &expected, &remedy]))
    }

    /// An option whose value is outside of its range.
    pub fn value(
        option: impl Display,
        found: impl Display,
        expected: impl Display,
        remedy: impl Display,
    ) -> Self {
        Self::Value(text([&option, &found, &expected, &remedy]))
    }

    /// A name that is not known, with the nearest of the `known` ones.
    pub fn name(kind: &str, found: &str, known: &[&'static str]) -> Self {
        let wanted = found.to_lowercase();
        let distance = |name: &&str| strsim::osa_distance(&wanted, name);
        let near = |name: &&str| 2 * distance(name) <= name.chars().count();
        let nearest = known.iter().copied().filter(near).min_by_key(distance);
        let hint = nearest.map(|name| format!("did you mean `{name}`? Otherwise "));
        let (hint, known) = (hint.unwrap_or_default(), known.join(", "));
        let text = format!("unknown {kind} `{found}`\n  what to do: {hint}use one of: {known}");
        Self::Name(text, nearest)
    }
}

fn text([place, found, expected, remedy]: [&dyn Display; 4]) -> String {
    format!("{place}: found {found}, expected {expected}\n  what to do: {remedy}")
}

impl From<lab_kernels::Error> for LabError {
    fn from(error: lab_kernels::Error) -> Self {
        Self::value(error.option, error.found, error.expected, error.remedy)
    }
}

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
        (_, Bound::Excluded(to)) if to.to_string() == "inf" => format!("a finite number, {lower}"),
        (_, Bound::Excluded(to)) => format!("{lower} and below {to}"),
        _ => lower,
    };
    Err(LabError::value(place, value, expected, remedy))
}

/// The range from above 0 to below `to`, for [`check_range`].
pub(crate) fn above_zero<T: Default>(to: T) -> (Bound<T>, Bound<T>) {
    (Bound::Excluded(T::default()), Bound::Excluded(to))
}

/// The shape is the expected one.
pub(crate) fn check_shape<T: Debug + PartialEq>(
    place: &str,
    found: T,
    expected: T,
    remedy: &str,
) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    Err(LabError::shape(place, found, expected, remedy))
}

/// There are as many as `count`; `of` says of what, such as `label for each image`.
pub(crate) fn check_length(place: &str, length: usize, count: usize, of: &str) -> Result<()> {
    let remedy = format!("give one {of}, in the same order");
    check_shape(place, [length], [count], &remedy)
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
    if let Some(weights) = weights {
        let (place, each) = (format!("{of} weights"), format!("weight for each {of}"));
        check_length(&place, weights.len(), count, &each)?;
        for &weight in weights {
            check_range(&place, weight, 0.0..f32::INFINITY, "1 is usual")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_name_is_proposed() {
        let error = LabError::name("activation", "Rleu", &["elu", "linear", "relu", "tanh"]);
        assert_eq!(
            error.to_string(),
            "unknown activation `Rleu`\n  what to do: did you mean `relu`? Otherwise use one of: elu, linear, relu, tanh"
        );
    }

    #[test]
    fn nothing_is_proposed_when_nothing_is_near() {
        let error = LabError::name("activation", "convolution", &["linear", "relu", "tanh"]);
        assert!(
            error
                .to_string()
                .ends_with("what to do: use one of: linear, relu, tanh"),
            "{error}"
        );
    }
}
