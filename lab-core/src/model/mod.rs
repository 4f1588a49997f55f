//! Networks: layers, activations, initial weights, forward and backward passes, the summary, weights on disk.
//!
//! A network is planned layer by layer ([`Sequential::new`]), built with a seed ([`Architecture::build`]), and then
//! holds its weights. Shapes are checked when it is built and when data arrives.

mod activation;
mod architecture;
mod arrays;
mod batch_norm;
mod dense;
mod dropout;
mod flatten;
mod initializer;
mod layer;
mod learn;
mod predict;
mod sequential;
mod summary;
#[cfg(feature = "inspect")]
mod trace;
mod weights;

pub use activation::Activation;
pub use architecture::{Architecture, Layer};
pub use batch_norm::BatchNorm;
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use initializer::Initializer;
pub use predict::Inputs;
pub use sequential::Sequential;
pub use summary::{Summary, SummaryRow};

pub(crate) use arrays::{Array, Arrays, read_bytes, write_arrays};
pub(crate) use layer::{Parameter, Pass};
pub(crate) use sequential::{Identity, Tape};
