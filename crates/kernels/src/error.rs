//! What can be wrong with a number of threads or a choice of instructions.

use std::fmt;

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// A value that an option cannot have, what it can be, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The option or the environment variable.
    pub option: &'static str,
    /// The value that it has.
    pub found: String,
    /// The values that it can have.
    pub expected: String,
    /// What to do.
    pub remedy: &'static str,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            option,
            found,
            expected,
            remedy,
        } = self;
        write!(
            f,
            "{option}: found {found}, expected {expected}\n  what to do: {remedy}"
        )
    }
}

impl std::error::Error for Error {}
