//! The few kernels where the time of a training goes, behind safe functions: plain slices in, plain slices out. All the
//! `unsafe` code of the laboratory is here.
//!
//! Nothing here knows of layers. Each kernel uses the widest vectors that the processor has, chosen at run time
//! ([`Instructions::detect`]), so a notebook cell is as fast as a release build without any build flags; and each
//! gives the same bits whatever the number of [`Threads`], and on every processor that has fused multiply-add.

#![warn(missing_docs)]

mod elementwise;
mod error;
mod instructions;
mod product;
mod shared;
mod side_by_side;
mod team;
mod threads;
mod tile;
mod update;
mod vector;

pub use elementwise::{
    elu, elu_backward, exp, gelu, gelu_backward, relu, relu_backward, sigmoid, sigmoid_backward,
};
pub use elementwise::{
    softmax_rows, softmax_rows_backward, sum_of_squares, tanh, tanh_backward, unit,
};
pub use error::{Error, Result};
pub use instructions::Instructions;
pub use product::{MatRef, product};
pub use side_by_side::side_by_side;
pub use threads::Threads;
pub use update::{AdamStep, RmsPropStep, SgdStep, Step, add_penalty, update, update_by_product};
