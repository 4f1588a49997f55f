//! The learning-rate range test as a curve.

use crate::draw::*;
use crate::numbers::{round_up, short};
use crate::prelude::*;

/// Loss over learning rate, the rate on a logarithmic axis: each batch in grey, the smoothed loss in blue, and the
/// suggestion marked.
///
/// ```
/// use lab_notebook::prelude::*;
/// let train = Cifar10::sample().train;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let test = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01)).range_test(&model, &train, 1e-5, 10.0, 60)?;
/// assert!(figures::range_test("Plain descent", &test)?.alt().contains("suggestion"));
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
    let (raw, smooth) = (curve(&test.losses), curve(&test.smoothed()));
    let mut finite = smooth.clone();
    finite.retain(|point| point.1.is_finite());
    if finite.is_empty() {
        let remedy = "start from a lower learning rate: even the first loss was not finite";
        let found = "no finite loss";
        return Err(LabError::value("range test", found, "some", remedy));
    }
    let (first, suggestion) = (finite[0], f64::from(test.suggestion()));
    let (mut lowest, mut marked) = (first, first);
    for point in finite {
        let nearer = (point.0 - suggestion).abs() < (marked.0 - suggestion).abs();
        lowest = if point.1 < lowest.1 { point } else { lowest };
        marked = if nearer { point } else { marked };
    }
    // The last batches may have gone far; the curve is read where it falls.
    let above = 2.2 * (first.1 - lowest.1).max(0.25 * lowest.1.abs());
    let top = round_up(lowest.1 + above, above);
    let rate = Axis::new("learning rate").log();
    let mut panel = Panel::new(rate, Axis::new("loss of the batch"));
    let mut page = Page::new(title, 340.0);
    if raw.iter().chain(&smooth).any(|point| point.1 > top) {
        panel.y.to = Some(top);
        page.subtitle = format!("losses above {} are cut off", short(top));
    }
    let [each, mean] = [Stroke::new(AXIS, 1.25, false), Stroke::of(0)];
    let suggestion = short(suggestion);
    let (from, to) = (smooth[0].0, smooth[smooth.len() - 1].0);
    let ends = [from, to, first.1, lowest.1, lowest.0];
    panel.line(raw, each);
    panel.line(smooth, mean);
    panel.ring(marked);
    page.key("each batch", Swatch::Line(each));
    page.key("smoothed", Swatch::Line(mean));
    page.key(format!("suggestion: {suggestion}"), Swatch::Ring);
    let [from, to, begin, low, at] = ends.map(short);
    let course = format!("the smoothed loss begins at {begin}, is lowest ({low}) at {at}");
    let falls = format!("falls most steeply at the suggestion, {suggestion}");
    page.alt = format!("{title}: learning rates from {from} to {to}: {course}, and {falls}");
    draw_panels(page, &[panel])
}
