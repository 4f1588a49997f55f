//! Images and labels: from bytes on disk to the batches that a network learns from.
//!
//! Pixels stay `u8` until a batch is gathered; augmentation and normalization happen on that one way.
//!
//! ```
//! use lab_core::prelude::*;
//!
//! let cifar = Cifar10::sample();                           // Cifar10::open("data")? for all 60,000 images
//! let (train, validation) = cifar.train.split_stratified(0.8, Seed(42))?;
//! let train = train.with_normalization(Normalization::standardize(&cifar.train)?)?;
//! for batch in train.batches(64)?.shuffled(Seed(0), 0) {
//!     assert_eq!(batch.images.dim(), (batch.labels.len(), 32, 32, 3));
//! }
//! assert_eq!(validation.class_counts(), [20; 10]);
//! # Ok::<(), LabError>(())
//! ```

mod augment;
mod batches;
pub mod binary;
pub mod cifar10;
mod dataset;
mod geometry;

pub use augment::{Augmentation, RandomMove};
pub use batches::{Batch, Batches, Normalization, epoch_order};
pub use cifar10::Cifar10;
pub(crate) use dataset::content_hash;
pub use dataset::{Dataset, one_hot};
pub use geometry::{Fill, Move};

// What the files of this module use.
use crate::compute::{self, Threads};
use crate::error::{
    LabError, Result, above_zero, check_labels, check_length, check_range, check_shape,
    check_weights,
};
use crate::files::{read_whole, write_whole};
use crate::random::{Purpose, Seed, below, shuffle, unit};
use crate::text::{shape, thousands};
use batches::Table;
use binary::{MOST_RECORDS, REMEDY, Records};
use geometry::{Map, resample};
use ndarray::{ArcArray, Array2, Array3, Array4, ArrayView3, Axis, Ix4};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
