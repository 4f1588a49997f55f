//! The reliability diagram: how far a classifier's confidence can be trusted.

use super::super::figure::{Figure, Key};
use super::super::panel::{Layer, Panel, draw_panels};
use super::super::scale::Axis;
use super::super::theme::{SERIES, Stroke};
use super::nothing;
use crate::error::Result;
use crate::metrics::Calibration;
use crate::text::thousands;

/// Confidence against accuracy in each bin, the gap between the two in orange where the classifier is too sure and in light blue where it is not sure enough, and how many predictions each bin has.
///
/// ```
/// use lab_core::prelude::*;
/// let probabilities = ndarray::array![[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]];
/// let calibration = Calibration::new(&[0, 1, 1], probabilities.view(), Calibration::DEFAULT_BINS)?;
/// let figure = figures::reliability("Three predictions", &calibration)?;
/// assert!(figure.alt().contains("expected calibration error 0.4"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`](crate::LabError::Value) for a calibration without predictions.
pub fn reliability(title: &str, calibration: &Calibration) -> Result<Figure> {
    let total: usize = calibration.bins().iter().map(|bin| bin.count).sum();
    if total == 0 {
        return Err(nothing("calibration", "predict at least one example"));
    }
    let (mut shares, mut counts) = (Vec::new(), Vec::new());
    for bin in calibration.bins().iter().filter(|bin| bin.count > 0) {
        let thin = 0.04 * (bin.upper - bin.lower);
        let (left, right) = (bin.lower + thin, bin.upper - thin);
        let bar = |from: f64, to: f64, colour: usize, opacity: f64| Layer::Bar {
            from: (left, from),
            to: (right, to),
            colour: SERIES[colour],
            opacity,
            text: String::new(),
        };
        let (low, high) = (
            bin.accuracy.min(bin.confidence),
            bin.accuracy.max(bin.confidence),
        );
        shares.push(bar(0.0, low, 0, 1.0));
        // Blue in all its strengths ends at the accuracy.
        shares.push(if bin.accuracy > bin.confidence {
            bar(low, high, 0, 0.4)
        } else {
            bar(low, high, 1, 0.55)
        });
        counts.push(bar(0.0, bin.count as f64, 7, 1.0));
    }
    shares.push(Layer::Guide {
        points: [(0.0, 0.0), (1.0, 1.0)],
    });
    let confidence = || Axis::new("confidence").range(0.0, 1.0);
    let panels = [
        Panel {
            x: confidence(),
            y: Axis::new("accuracy").range(0.0, 1.0),
            layers: shares,
        },
        Panel {
            x: confidence(),
            y: Axis {
                from: Some(0.0),
                whole: true,
                ..Axis::new("predictions")
            },
            layers: counts,
        },
    ];
    let key = |name: &str, number, strength| Key {
        name: name.to_owned(),
        stroke: Stroke::of(number),
        block: Some(strength),
    };
    let legend = vec![
        key("accuracy", 0, 1.0),
        key("confidence above it", 1, 0.55),
        key("accuracy above the confidence", 0, 0.4),
    ];
    let weigh = |of: fn(&crate::metrics::Bin) -> f64| {
        calibration
            .bins()
            .iter()
            .map(|bin| bin.count as f64 * of(bin))
            .sum::<f64>()
            / total as f64
    };
    let (accuracy, mean) = (weigh(|bin| bin.accuracy), weigh(|bin| bin.confidence));
    let verdict = if mean > accuracy {
        "too sure"
    } else {
        "not too sure"
    };
    let title = format!("{title} (ECE {:.3})", calibration.ece());
    let subtitle = format!(
        "mean confidence {mean:.3}, accuracy {accuracy:.3}; the dashed line is perfect calibration"
    );
    let alt = format!(
        "{title}: reliability diagram of {} predictions: expected calibration error {:.4}, mean confidence {mean:.3}, \
         accuracy {accuracy:.3}: on the whole {verdict}",
        thousands(total),
        calibration.ece()
    );
    draw_panels(&title, subtitle, legend, &panels, (2, 300.0), alt)
}
