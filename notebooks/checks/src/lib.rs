//! Says whether an answer to an exercise of the notebooks is right, and gives a hint where it is not.
//!
//! There is a module for each notebook, with a function for each exercise. A notebook calls it in the cell below the one
//! to fill in:
//!
//! ```text
//! :dep lab-notebook = { path = "../crates/notebook" }
//! use lab_notebook::checks::architecture as check;
//! check::exercise_1(answer)
//! ```
//!
//! A check computes the right answer (from the definition, the library or the sample of the data set), runs the reader's
//! answer on its own cases, and compares a wrong result with those of common mistakes.

#![warn(missing_docs)]

pub mod architecture;
pub mod challenge;
mod check;
pub mod evaluation;
mod feedback;
pub mod improvement;
pub mod ladder;
pub mod loss_comparison;
pub mod optimizer;
pub mod preprocessing;
pub mod report;
mod sandbox;
mod training;

pub use feedback::Feedback;
