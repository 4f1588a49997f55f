//! The learning-rate range test as a curve.

use super::super::figure::Figure;
use super::super::figure::Key;
use super::super::panel::{Layer, Panel, draw_panels};
use super::super::scale::{Axis, round_step, short};
use super::super::theme::{AXIS, Stroke, TRAINING, VALIDATION};
use super::nothing;
use crate::error::Result;
use crate::training::RangeTest;

/// Loss over learning rate, the rate on a logarithmic axis: each batch in grey, the smoothed loss in blue, and the
/// suggestion marked.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let test = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01)).range_test(&model, &train, 1e-5, 10.0, 60)?;
/// assert!(figures::range_test("Plain descent", &test)?.alt().contains("suggestion"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`](crate::LabError::Value) for a test without a finite loss.
pub fn range_test(title: &str, test: &RangeTest) -> Result<Figure> {
    let smoothed = test.smoothed();
    let curve = |losses: &[f64]| -> Vec<(f64, f64)> {
        test.rates
            .iter()
            .map(|rate| f64::from(*rate))
            .zip(losses.iter().copied())
            .collect()
    };
    let (raw, smooth) = (curve(&test.losses), curve(&smoothed));
    let finite: Vec<(f64, f64)> = smooth
        .iter()
        .copied()
        .filter(|(_, loss)| loss.is_finite())
        .collect();
    let (Some(first), Some(lowest)) = (
        finite.first(),
        finite.iter().min_by(|a, b| a.1.total_cmp(&b.1)),
    ) else {
        return Err(nothing(
            "range test",
            "start from a lower learning rate: even the first loss was not finite",
        ));
    };
    let suggestion = f64::from(test.suggestion());
    let at = smooth.iter().min_by(|a, b| {
        (a.0 - suggestion)
            .abs()
            .total_cmp(&(b.0 - suggestion).abs())
    });
    // The last batches may have gone far; the curve is read where it falls.
    let top = lowest.1 + 2.2 * (first.1 - lowest.1).max(0.25 * lowest.1.abs());
    let step = round_step(0.1 * (top - lowest.1).max(1e-12));
    let top = (top / step).ceil() * step;
    let highest = raw
        .iter()
        .chain(&smooth)
        .map(|p| p.1)
        .filter(|v| v.is_finite())
        .fold(lowest.1, f64::max);
    let stroke = |colour| Stroke {
        colour,
        dashed: false,
    };
    let mut layers = vec![
        Layer::Outline {
            points: raw,
            stroke: stroke(AXIS),
        },
        Layer::Line {
            points: smooth.clone(),
            stroke: stroke(TRAINING),
        },
    ];
    let text = format!("suggestion: {}", short(suggestion));
    layers.extend(at.map(|at| Layer::Mark {
        at: *at,
        text: text.clone(),
        colour: VALIDATION,
    }));
    let y = Axis {
        to: (highest > top).then_some(top),
        ..Axis::new("loss of the batch")
    };
    let x = Axis {
        log: true,
        ..Axis::new("learning rate")
    };
    let key = |name: &str, colour| Key {
        name: name.to_owned(),
        stroke: stroke(colour),
        block: None,
    };
    let legend = vec![key("each batch", AXIS), key("smoothed", TRAINING)];
    let subtitle = if highest > top {
        format!("losses above {} are cut off", short(top))
    } else {
        String::new()
    };
    let ends = [test.rates.first(), test.rates.last()]
        .map(|rate| short(f64::from(rate.copied().unwrap_or(f32::NAN))));
    let alt = format!(
        "{title}: learning rates from {} to {}: the smoothed loss begins at {}, is lowest ({}) at {}, and falls most \
         steeply at the suggestion, {}",
        ends[0],
        ends[1],
        short(first.1),
        short(lowest.1),
        short(lowest.0),
        short(suggestion)
    );
    draw_panels(
        title,
        subtitle,
        legend,
        &[Panel { x, y, layers }],
        (1, 340.0),
        alt,
    )
}
