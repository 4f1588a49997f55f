//! A look inside a network: what a batch does to each layer ([`Sequential::inspect`](crate::model::Sequential::inspect)),
//! and what an answer depends on ([`Sequential::explain`](crate::model::Sequential::explain)).
//!
//! ```
//! use lab_core::prelude::*;
//!
//! let cifar = Cifar10::sample();
//! let model = Sequential::new([32, 32, 3])
//!     .flatten()
//!     .dense(32, Activation::Relu)
//!     .dense(10, Activation::Softmax)
//!     .build(Seed(0))?;
//! println!("{}", model.inspect(&cifar.train.take(64))?);
//! println!("{}", model.explain(&cifar.test, 0, &cifar.train)?);
//! # Ok::<(), LabError>(())
//! ```

mod explanation;
mod inspection;
mod inspection_view;

pub use explanation::{Explanation, Neighbour};
pub use inspection::{Inspection, LayerInspection};
