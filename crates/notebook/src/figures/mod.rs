//! Ready figures, one call each, from the library's own types.
//!
//! All have one look: training is blue and validation orange, scales are round numbers, values that are not finite are
//! gaps, and the text of each ([`Figure::alt`](crate::Figure::alt)) says in words and numbers what is to be seen.
//!
//! ```
//! use lab_notebook::prelude::*;
//! let cifar = Cifar10::sample();
//! let figure = figures::samples("The first images", &cifar.train, &[0, 1, 2, 3, 4], 5)?;
//! assert!(figure.alt().contains("frog"));
//! # Ok::<(), LabError>(())
//! ```

use crate::prelude::*;

mod activations;
mod bars;
mod confusion;
mod curves;
mod histogram;
mod images;
mod lines;
mod range_test;
mod reliability;
mod weights;

pub use activations::activations;
pub(crate) use bars::bar_panel;
pub use bars::{bars, grouped_bars};
pub use confusion::confusion_matrix;
pub use curves::{compare, compare_means, training_curves};
pub use histogram::histograms;
pub(crate) use images::draw_image;
pub use images::{before_and_after, images, samples, thumbnails};
pub use lines::{LineChart, lines};
pub use range_test::range_test;
pub use reliability::reliability;
pub use weights::weights;

/// An error where there is nothing to show.
fn check_any(count: usize, what: &str) -> Result<()> {
    let (found, remedy) = ("nothing to draw", "give something to be shown");
    let error = || LabError::value(what, found, "at least one", remedy);
    (count > 0).then_some(()).ok_or_else(error)
}

/// An error where there is more than can be told apart.
fn check_most(what: &str, count: usize, most: usize) -> Result<()> {
    let (found, expected) = (count.to_string(), format!("at most {most}"));
    let error = || LabError::value(what, found, expected, "show the most telling ones");
    (count <= most).then_some(()).ok_or_else(error)
}

/// `a, b, c and 4 more`: the first `most` of a list.
fn listed(parts: &[String], between: &str, most: usize) -> String {
    let shown = parts[..parts.len().min(most)].join(between);
    match parts.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
