//! Histograms: how values are distributed.

use lab_core::text::thousands;

use super::{check_any, check_most};
use crate::draw::*;
use crate::numbers::{range, round_step, short};
use crate::prelude::*;

/// About how many bins the range of the values is cut into.
const BINS: f64 = 40.0;

/// Histograms over each other, with the same bins; up to 8 series. Where there are several, bars are shares of a
/// series; values that are not finite are left out, and a line under the title counts them.
///
/// ```
/// use lab_notebook::prelude::*;
/// let images = Cifar10::sample().train.batches(100)?.next().unwrap_or_default().images;
/// let pixels: Vec<f32> = images.iter().copied().collect();
/// let figure = figures::histograms("A hundred images", "pixel", &[("normalized", pixels)])?;
/// assert!(figure.alt().contains("307,200 values from 0 to 1"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no finite values, or more than 8 series.
pub fn histograms(title: &str, axis: &str, series: &[(&str, Vec<f32>)]) -> Result<Figure> {
    check_most("series", series.len(), SERIES.len())?;
    let (mut all, mut lost) = (Vec::new(), 0);
    for (_, values) in series {
        let mut finite: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        finite.retain(|v| v.is_finite());
        lost += values.len() - finite.len();
        all.push(finite);
    }
    let ends = range(all.iter().flatten().copied());
    check_any(usize::from(ends.is_some()), "finite values")?;
    let (low, high) = ends.unwrap_or_default();
    // Values that are all equal stand in the middle of an axis around them.
    let size = low.abs().max(high.abs());
    let equal = high - low <= 1e-6 * size;
    let around = if equal { (0.05 * size).max(0.5) } else { 0.0 };
    let (low, high) = (low - around, high + around);
    let width = round_step((high - low) / BINS);
    let first = (low / width + 1e-9).floor();
    let bins = (((high / width - 1e-9).ceil() - first) as usize).max(1);
    let several = series.len() > 1;
    let counted = ["number of values", "share of the values in %"][usize::from(several)];
    let mut panel = Panel::new(Axis::new(axis), Axis::new(counted));
    let (mut page, mut parts) = (Page::new(title, 310.0), Vec::new());
    for ((name, _), (values, colour)) in series.iter().zip(all.into_iter().zip(SERIES)) {
        let count = values.len().max(1) as f64;
        let mut heights = vec![0.0; bins];
        for value in &values {
            let bin = (value / width - first + 1e-9).max(0.0) as usize;
            heights[bin.min(bins - 1)] += if several { 100.0 / count } else { 1.0 };
        }
        let edge = |bin: usize| (first + bin as f64) * width;
        let mut outline = vec![(edge(0), 0.0)];
        for (bin, height) in heights.into_iter().enumerate() {
            outline.extend([(edge(bin), height), (edge(bin + 1), height)]);
        }
        outline.push((edge(bins), 0.0));
        let area = outline.iter().map(|(x, height)| (*x, 0.0, *height));
        panel.band(area.collect(), colour.mix(0.2));
        panel.line(outline, Stroke::new(colour, 1.25, false));
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let moments = format!("mean {}, deviation {}", short(mean), short(variance.sqrt()));
        let mut part = format!("{name}: {} values", thousands(values.len()));
        if let Some((low, high)) = range(values) {
            part += &format!(" from {} to {}", short(low), short(high));
        }
        parts.push(format!("{part}, {moments}"));
        let swatch = Swatch::Block(tint(colour, 0.3));
        page.key(format!("{name} ({moments})"), swatch);
    }
    if lost > 0 {
        page.subtitle = format!("{} values are not finite and left out", thousands(lost));
    }
    page.alt = format!("{title}: histogram over {axis}: {}", parts.join("; "));
    draw_panels(page, &[panel])
}
