//! The learning-rate range test as a curve.

use super::cut_off;
use crate::draw::*;
use crate::numbers::short;
use crate::prelude::*;

/// Loss over learning rate, the rate on a logarithmic axis: each batch in grey, the smoothed loss in blue, and the
/// suggestion marked.
///
/// ```
/// use lab_notebook::prelude::*;
/// let train = Cifar10::sample().train;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let test = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01)).range_test(&model, &train, 1e-5, 10.0, 60)?;
/// assert!(figures::range_test("Plain descent", &test)?.alt.contains("suggestion"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a test without a finite loss.
pub fn range_test(title: &str, test: &RangeTest) -> Result<Figure> {
    let curve = |losses: &[f64]| -> Vec<Point> {
        let rates = test.rates.iter().map(|rate| f64::from(*rate));
        rates.zip(losses.iter().copied()).collect()
    };
    let smooth = curve(&test.smoothed());
    let suggestion = f64::from(test.suggestion());
    let far = |point: &Point| (point.0 - suggestion).abs();
    let finite = smooth.iter().filter(|point| point.1.is_finite());
    let Some(&marked) = finite.min_by(|a, b| far(a).total_cmp(&far(b))) else {
        let remedy = "start from a lower learning rate: even the first loss was not finite";
        let found = "no finite loss";
        return Err(LabError::value("range test", found, "some", remedy));
    };
    let rate = Axis::new("learning rate").log();
    let mut panel = Panel::new(rate, Axis::new("loss of the batch"));
    let each = Stroke::new(AXIS, 1.25, false);
    panel.line("each batch", curve(&test.losses), each);
    panel.line("smoothed", smooth, Stroke::of(0));
    panel.ring(&format!("suggestion: {}", short(suggestion)), marked);
    let mut page = Page::new(title, 340.0);
    cut_off(&mut page, &mut panel);
    draw_panels(page, &[panel])
}
