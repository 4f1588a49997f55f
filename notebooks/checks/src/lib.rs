//! Says whether an answer to an exercise of the notebooks is right, and gives a hint where it is not.
//!
//! There is a module for each notebook, with a function for each exercise. A notebook calls them in the cell under the
//! one to fill in:
//!
//! ```text
//! :dep lab-checks = { path = "checks" }
//! use lab_checks::architecture as check;
//! check::exercise_1(answer)
//! ```
//!
//! A check knows the right answer only as a rule that finds it (the definition, the library, the sample of the data
//! set), tries the answer on cases of its own, and compares what is wrong with what the usual mistakes would give.

#![warn(missing_docs)]

pub mod architecture;
pub mod evaluation;
mod judge;
pub mod loss_comparison;
pub mod optimizer;
pub mod preprocessing;
pub mod report;
mod trial;
mod verdict;

pub use verdict::Verdict;
