//! The few kernels in which training spends its time, behind safe functions on plain slices. All the `unsafe` code of the
//! laboratory is in this crate.
//!
//! The crate knows nothing of layers. Each kernel uses the widest vector instructions of the processor, chosen at run time
//! ([`Instructions::detect`]), so no build flags are needed. Each gives the same bits for any number of [`Threads`], and
//! on every processor that has fused multiply-add.

#![warn(missing_docs)]

mod convolution;
mod elementwise;
mod error;
mod gelu;
mod instructions;
mod patches;
mod product;
mod shared;
mod side_by_side;
mod thread_pool;
mod threads;
mod tile;
mod update;
mod vector;

pub use convolution::Convolution;
pub use elementwise::{add, elu, elu_backward, exp, relu, relu_backward};
pub use elementwise::{sigmoid, sigmoid_backward, softmax_rows, softmax_rows_backward};
pub use elementwise::{sum_of_squares, tanh, tanh_backward, unit};
pub use error::{Error, Result};
pub use gelu::{gelu, gelu_backward};
pub use instructions::Instructions;
pub use product::{MatRef, product};
pub use side_by_side::side_by_side;
pub use threads::Threads;
pub use update::{AdamStep, RmsPropStep, SgdStep, Step, add_penalty, update, update_by_product};
