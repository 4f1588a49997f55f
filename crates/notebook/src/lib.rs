//! What only notebooks need: figures, how the library's types show themselves, live curves, the folder of runs, and a
//! look inside a network.
//!
//! A notebook's first cell asks for this crate alone; [`prelude`] brings it and [`lab_core`]:
//!
//! ```text
//! :dep lab-notebook = { path = "../crates/notebook" }
//! use lab_notebook::prelude::*;
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`figures`] | a function for each kind of picture, from the library's own types; [`Figure`] is what they give |
//! | [`lab`] | [`lab::Lab`], the folder of the laboratory: its data, its runs, and what a cell shows and keeps |
//! | [`inspect`] | what a batch does to each layer, and what an answer depends on: the trait [`inspect::Inspect`] |
//! | [`textbook`] | the same mathematics in plain `f64`, as one writes it on the blackboard |
//! | [`recipes`] | networks that get further, each with its recipe in one file |
//! | [`checks`] | the checks of the notebooks' exercises |
//!
//! The trait [`Show`] says what a value looks like at the end of a cell. Figures are drawn with plotters on its bitmap
//! backend; nothing in [`lab_core`] knows that there are pictures or notebooks.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod draw;
mod figure;
pub mod figures;
pub mod inspect;
pub mod lab;
mod numbers;
mod seed;
mod show;
mod statistics;
mod table;
mod views;

pub use figure::Figure;
pub use lab_core::{self, ndarray};
pub use show::{Show, View, show};
pub use statistics::{Mean, mcnemar};
pub use {lab_checks as checks, lab_recipes as recipes, lab_textbook as textbook};

/// What a notebook needs: `use lab_notebook::prelude::*;`.
pub mod prelude {
    pub use crate::figures::{self, LineChart};
    pub use crate::inspect::{Explanation, Inspect, Inspection, LayerInspection};
    pub use crate::lab::{Lab, LiveCurves, LogTo, Run, Scale};
    pub use crate::seed::Seed;
    pub use crate::{Figure, Mean, Show, checks, claim, mcnemar, row, textbook};
    pub use lab_core::prelude::*;
}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust-for-readers-of-python.md")]
struct RustForReadersOfPython;
