//! What can go wrong, in words that say where, what was found, what was expected and what to do.

use std::fmt::{self, Display};
use std::io;
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
#[non_exhaustive]
pub enum LabError {
    /// A file or folder that cannot be read or written, and the operating system's answer.
    #[error("{0}")]
    Io(String, #[source] io::Error),
    /// A file whose content is not what its format asks for.
    #[error("{0}")]
    Format(String),
    /// Shapes that do not fit together.
    #[error("{0}")]
    Shape(String),
    /// An option whose value is outside of its range.
    #[error("{0}")]
    Value(String),
    /// A name that is not known, and the known name that is nearest to it, if one is near.
    #[error("{0}")]
    Name(String, Option<&'static str>),
}

impl fmt::Debug for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl LabError {
    /// A file or folder that cannot be read or written; `action` is a verb.
    pub fn io(
        action: &str,
        path: impl AsRef<Path>,
        source: io::Error,
        remedy: impl Display,
    ) -> Self {
        let path = path.as_ref().display();
        let text = format!("{path}: cannot {action}: {source}\n  what to do: {remedy}");
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
        let near = known.iter().copied();
        let near = near.filter(|name| 2 * distance(name) <= name.chars().count());
        let nearest = near.min_by_key(distance);
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
