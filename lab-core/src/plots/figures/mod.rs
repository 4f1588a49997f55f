//! Ready figures, one call each, from the library's own types.
//!
//! All have one look: training is blue and validation orange, scales are round numbers, values that are not finite are
//! gaps, and the text of each ([`Figure::alt`](super::Figure::alt)) says in words and numbers what is to be seen.
//!
//! ```
//! use lab_core::prelude::*;
//! let cifar = Cifar10::sample();
//! let figure = figures::samples("The first images", &cifar.train, &[0, 1, 2, 3, 4], 5)?;
//! assert!(figure.alt().contains("frog"));
//! # Ok::<(), LabError>(())
//! ```

mod activation_plot;
mod bars;
mod calibration_plot;
mod confusion;
mod curves;
mod histogram;
mod images;
mod lines;
mod rate_plot;
mod weights_plot;

pub use activation_plot::activations;
pub use bars::{bars, grouped_bars};
pub use calibration_plot::reliability;
pub use confusion::confusion_matrix;
pub use curves::{compare, compare_means, training_curves};
pub use histogram::histograms;
#[cfg(feature = "inspect")]
pub(crate) use images::draw_image;
pub use images::{images, samples};
pub use lines::{LineChart, lines};
pub use rate_plot::range_test;
pub use weights_plot::weights;

use crate::error::LabError;

/// The error of a figure without anything to show.
fn nothing(what: &str, remedy: &str) -> LabError {
    LabError::value(what, "nothing to draw", "at least one", remedy)
}

/// `a, b, c and 4 more`: the first `most` of a list.
fn listed(parts: &[String], between: &str, most: usize) -> String {
    let shown = parts[..parts.len().min(most)].join(between);
    if parts.len() > most {
        format!("{shown} and {} more", parts.len() - most)
    } else {
        shown
    }
}

#[cfg(test)]
mod tests;
