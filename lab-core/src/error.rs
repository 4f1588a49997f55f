//! What can go wrong, in words that say where, what was found, what was expected and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = LabError> = std::result::Result<T, E>;

/// An error that names its place, what was found there, what was expected, and the remedy.
///
/// `Debug` prints the same text as `Display`, because that is what a notebook shows after a failed `?`
/// and what `main` prints when it returns an error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// A file or folder that cannot be read or written.
    #[error("{}: cannot {action}: {source}\n  what to do: {remedy}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
        /// What to do about it.
        remedy: String,
    },
    /// A file whose content is not what its format asks for.
    #[error("{}: found {found}, expected {expected}\n  what to do: {remedy}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What stands in the file.
        found: String,
        /// What should stand there.
        expected: String,
        /// What to do about it.
        remedy: String,
    },
    /// Shapes that do not fit together.
    #[error("{place}: found shape {found}, expected {expected}\n  what to do: {remedy}")]
    Shape {
        /// The layer or argument.
        place: String,
        /// The shape that came.
        found: String,
        /// The shape that fits.
        expected: String,
        /// What to do about it.
        remedy: String,
    },
    /// An option whose value is outside of what it may be.
    #[error("{option}: found {found}, expected {expected}\n  what to do: {remedy}")]
    Value {
        /// The option or argument.
        option: String,
        /// The value that came.
        found: String,
        /// The values that are allowed.
        expected: String,
        /// What to do about it.
        remedy: String,
    },
    /// A name that nothing is known by.
    #[error(
        "unknown {kind} `{found}`\n  what to do: {}use one of: {known}",
        nearest.map(|name| format!("did you mean `{name}`? Otherwise ")).unwrap_or_default()
    )]
    Name {
        /// What the name should stand for: `loss`, `optimizer`, `activation`.
        kind: &'static str,
        /// The name that came.
        found: String,
        /// The known name that is nearest to it, if one is near.
        nearest: Option<&'static str>,
        /// All known names, separated by commas.
        known: String,
    },
}

impl fmt::Debug for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl LabError {
    /// A file or folder that cannot be read or written; `action` is a verb.
    pub fn io(
        action: &'static str,
        path: impl AsRef<Path>,
        source: std::io::Error,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
            remedy: remedy.into(),
        }
    }

    /// A file whose content is not what its format asks for.
    pub fn format(
        path: impl AsRef<Path>,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let path = path.as_ref().to_owned();
        Self::Format {
            path,
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        }
    }

    /// Shapes that do not fit together; `place` names the layer or the argument.
    pub fn shape(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Shape {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        }
    }

    /// An option whose value is outside of what it may be.
    pub fn value(
        option: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Value {
            option: option.into(),
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        }
    }

    /// A name that nothing is known by, with the nearest of the `known` ones.
    pub fn name(kind: &'static str, found: &str, known: &[&'static str]) -> Self {
        let wanted = found.to_lowercase();
        let near = known
            .iter()
            .map(|name| (edit_distance(&wanted, name), *name));
        let near = near.filter(|(distance, name)| 2 * distance <= name.chars().count());
        let nearest = near.min().map(|(_, name)| name);
        Self::Name {
            kind,
            found: found.to_owned(),
            nearest,
            known: known.join(", "),
        }
    }
}

impl From<lab_kernels::Error> for LabError {
    fn from(error: lab_kernels::Error) -> Self {
        Self::value(error.option, error.found, error.expected, error.remedy)
    }
}

/// The number of characters to insert, delete, replace or swap with their neighbour on the way from `a` to `b`
/// (Damerau, 1964, in its restricted form).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swapped = if swapped {
                    table[i - 2][j - 2] + 1
                } else {
                    usize::MAX
                };
                replaced
                    .min(swapped)
                    .min(table[i - 1][j] + 1)
                    .min(table[i][j - 1] + 1)
            };
        }
    }
    table[a.len()][b.len()]
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

    #[test]
    fn edit_distances_are_those_of_the_textbook() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("elu", "elu"), 0);
        assert_eq!(edit_distance("rleu", "relu"), 1);
    }
}
