//! lab-core
#![warn(missing_docs)]

pub mod compute;
pub mod data;
pub mod error;
mod files;
pub mod metrics;
pub mod model;
#[cfg(feature = "display")]
pub mod plots;
pub mod random;
mod text;
pub mod textbook;
pub mod training;

pub use error::{LabError, Result};
pub use random::Seed;

/// Everything a notebook needs.
pub mod prelude {
    pub use crate::data::{Augmentation, Batches, Cifar10, Dataset, Fill, Move, Normalization, from_one_hot, one_hot};
    pub use crate::error::{LabError, Result};
    pub use crate::metrics::*;
    pub use crate::model::*;
    pub use crate::random::Seed;
    pub use crate::training::*;
}
