//! Ready figures, one call each, from the library's own types.
//!
//! All have one look: training is blue and validation orange, scales are round numbers, values that are not finite are
//! gaps, and the text of each ([`Figure::alt`](crate::Figure::alt)) says in words and numbers what is to be seen.
//!
//! ```
//! use lab_notebook::prelude::*;
//! let cifar = Cifar10::sample();
//! let figure = figures::samples("The first images", &cifar.train, &[0, 1, 2, 3, 4], 5)?;
//! assert!(figure.alt.contains("frog"));
//! # Ok::<(), LabError>(())
//! ```

use crate::draw::{Page, Panel};
use crate::numbers::short;
use crate::prelude::*;

mod activations;
mod bars;
mod confusion;
mod curves;
mod histogram;
mod images;
mod lines;
mod network;
mod range_test;
mod reliability;
mod weights;

pub use activations::activations;
pub(crate) use bars::bar_panel;
pub use bars::{bars, grouped_bars};
pub use confusion::confusion_matrix;
pub(crate) use curves::ending;
pub use curves::{compare, compare_means, training_curves};
pub use histogram::histograms;
pub(crate) use images::draw_image;
pub use images::{images, samples};
pub use lines::{LineChart, lines};
pub use network::network;
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

/// Cuts the upright axis where some values are far beyond the others, which they would flatten, and says so.
fn cut_off(page: &mut Page<'_>, panel: &mut Panel) {
    let mut values: Vec<f64> = panel.points().into_iter().map(|point| point.1).collect();
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return;
    };
    let [low, middle, most, highest] = [0, last / 2, (3 * last + 2) / 4, last].map(|at| values[at]);
    let limit = most + 1.5 * (most - low).max(0.2 * middle.abs());
    if highest > limit + 2.0 * (limit - low) {
        let unit = 10_f64.powf(limit.abs().log10().floor() - 1.0);
        let limit = (limit / unit).ceil() * unit;
        panel.y.to = Some(limit);
        page.note(format!("losses above {} are cut off", short(limit)));
    }
}

#[cfg(test)]
mod tests;
