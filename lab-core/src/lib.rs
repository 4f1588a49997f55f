//! lab-core
#![warn(missing_docs)]

pub mod compute;
pub mod error;
pub mod random;

pub use error::{LabError, Result};
pub use random::Seed;

/// Everything a notebook needs.
pub mod prelude {
    pub use crate::error::{LabError, Result};
    pub use crate::random::Seed;
}
