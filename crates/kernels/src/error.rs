//! The error of an invalid number of threads or an unavailable set of instructions.

use std::fmt;

/// The result of a call that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An invalid value of an option: what was found, what was expected, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The option or the environment variable.
    pub option: &'static str,
    /// Its value.
    pub found: String,
    /// The values that it may have.
    pub expected: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Error {
    pub(crate) fn new(
        option: &'static str,
        found: impl fmt::Display,
        expected: impl fmt::Display,
        remedy: &'static str,
    ) -> Self {
        let (found, expected) = (found.to_string(), expected.to_string());
        Self {
            option,
            found,
            expected,
            remedy,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: found {}, expected {}",
            self.option, self.found, self.expected
        )?;
        write!(f, "\n  what to do: {}", self.remedy)
    }
}

impl std::error::Error for Error {}
