//! Networks: layers, activations, initial weights, forward and backward passes, the summary, weights on disk.
//!
//! An [`Architecture`] lists the layers ([`Sequential::new`] begins one); [`Architecture::build`] draws the weights with a
//! seed and makes a [`Sequential`]. Shapes are checked when a network is built and when data arrives.
//!
//! # How to write a layer
//!
//! A layer is a struct with its options in a file of its own, such as `model/dropout.rs`, that implements the trait
//! `Layer` of `model/layer.rs`:
//!
//! | method | what it does |
//! |---|---|
//! | `kind` | the names of Keras: `("Dense", "dense")` |
//! | `output_shape` | checks options and input shape, returns the shape of one example's output |
//! | `parameters` | the arrays that it needs: name, shape, initial values, trained or not, L2 penalty |
//! | `is_identity` | whether it does nothing in this mode, as dropout in inference |
//! | `skip` | how many layers before it form a block whose input it gets as well, as the residual addition does |
//! | `forward` | computes `cache.output` from `context.pass.input`, keeps in the cache what the backward pass needs |
//! | `backward` | turns the gradient of the output into that of the input, passes those of its arrays to `own.take` |
//! | `update_running_stats` | changes arrays that are not trained, as batch normalization's moving averages |
//!
//! It becomes one more variant of [`LayerKind`], in `model/architecture.rs`. Its gradients are checked against central
//! differences by one line in `tests/agreement_textbook.rs`, its numbers against Keras's by `tools/golden/layers.py`; those
//! of layers for images in `tests/agreement_images.rs` and by `tools/golden/images.py`.

mod activation;
mod architecture;
mod batch_norm;
mod conv2d;
mod dense;
mod dropout;
mod gradients;
mod initializer;
mod layer;
mod layer_norm;
mod passes;
mod pooling2d;
mod predict;
mod sequential;
mod summary;
mod sums;
mod weightless;
mod weights;
mod whitening;
mod windows;

pub use activation::Activation;
pub use architecture::{Architecture, LayerKind};
pub use batch_norm::BatchNorm;
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use dropout::Dropout;
pub use initializer::Initializer;
pub use layer::Mode;
pub use layer_norm::LayerNorm;
pub use pooling2d::{Pool, Pooling2d};
pub use predict::{Inputs, NamedArrays};
pub use sequential::Sequential;
pub use summary::{Summary, SummaryRow};
pub use weightless::{Add, Flatten, Rescaling};
pub use whitening::whitening;
pub use windows::Padding;

pub(crate) use gradients::Updates;
pub(crate) use layer::{Parameter, Pass};
pub(crate) use passes::Outputs;
pub(crate) use weights::{Arrays, named_arrays, write_arrays};

// What the files of this module use.
use crate::compute::{self, Convolution, MatRef, Step, Threads};
use crate::error::{LabError, Result, above_zero, check_range, check_shape};
use crate::files::{read_whole, write_failed, write_whole};
use crate::names::named;
use crate::random::{Purpose, Seed, unit};
use crate::text::thousands;
use batch_norm::PIECE;
use gradients::Gradients;
use layer::{Backward, Cache, Context, Layer, LayerSpec, last_axis};
use ndarray::{Array2, ArrayBase, ArrayD, ArrayViewD, Data, Dimension, IxDyn};
use passes::Workspace;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sums::{SHARD, sum_columns, sum_rows};
use windows::Windows;
