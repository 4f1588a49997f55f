//! The reliability diagram: how far a classifier's confidence can be trusted.

use lab_core::text::thousands;

use super::check_any;
use crate::draw::*;
use crate::prelude::*;

/// Confidence against accuracy in each bin, the gap between the two in orange where the classifier is too sure and in light blue where it is not sure enough, and how many predictions each bin has.
///
/// ```
/// use lab_notebook::prelude::*;
/// let probabilities = ndarray::array![[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]];
/// let calibration = Calibration::new(&[0, 1, 1], probabilities.view(), Calibration::DEFAULT_BINS)?;
/// let figure = figures::reliability("Three predictions", &calibration)?;
/// assert!(figure.alt.contains("ECE 0.4"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a calibration without predictions.
pub fn reliability(title: &str, calibration: &Calibration) -> Result<Figure> {
    let bins = || calibration.bins.iter().filter(|bin| bin.count > 0);
    let total: usize = bins().map(|bin| bin.count).sum();
    check_any(total, "predictions")?;
    let confidence = || Axis::new("confidence").range(0.0, 1.0);
    let mut shares = Panel::new(confidence(), Axis::new("accuracy").range(0.0, 1.0));
    let mut counts = Panel::new(confidence(), Axis::new("predictions"));
    let [above, below] = [tint(SERIES[1], 0.55), tint(SERIES[0], 0.4)];
    let (mut right, mut sure) = (0.0, 0.0);
    for bin in bins() {
        let (accuracy, confidence, count) = (bin.accuracy, bin.confidence, bin.count as f64);
        let thin = 0.04 * (bin.upper - bin.lower);
        let (from, to) = (bin.lower + thin, bin.upper - thin);
        // Blue in all its strengths ends at the accuracy.
        let gap = if accuracy > confidence { below } else { above };
        shares.bar((from, 0.0), (to, accuracy.max(confidence)), gap);
        shares.bar((from, 0.0), (to, accuracy.min(confidence)), SERIES[0]);
        counts.bar((from, 0.0), (to, count), SERIES[7]);
        (right, sure) = (right + count * accuracy, sure + count * confidence);
    }
    shares.path(vec![(0.0, 0.0), (1.0, 1.0)], GUIDE);
    shares.key("accuracy", Swatch::Block(SERIES[0]));
    shares.key("confidence above it", Swatch::Block(above));
    shares.key("accuracy above the confidence", Swatch::Block(below));
    let (accuracy, mean) = (right / total as f64, sure / total as f64);
    let verdict = ["not too sure", "too sure"][usize::from(mean > accuracy)];
    let (ece, total) = (calibration.ece, thousands(total));
    let title = format!("{title} (ECE {ece:.3})");
    let mut page = Page::new(&title, 300.0);
    page.words = vec![format!("{total} predictions, on the whole {verdict}")];
    let means = format!("mean confidence {mean:.3}, accuracy {accuracy:.3}");
    page.note(format!("{means}; the dashed line is perfect calibration"));
    draw_panels(page, &[shares, counts])
}
