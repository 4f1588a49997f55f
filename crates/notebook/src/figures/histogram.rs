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
    let (first, width, shift) = bins(all.iter().flatten(), low, high);
    let bins = (((high - first + shift) / width - 1e-9).ceil() as usize).max(1);
    let several = series.len() > 1;
    let counted = ["number of values", "share of the values in %"][usize::from(several)];
    let mut panel = Panel::new(Axis::new(axis), Axis::new(counted));
    let (mut page, mut parts) = (Page::new(title, 310.0), Vec::new());
    for ((name, _), (values, colour)) in series.iter().zip(all.into_iter().zip(SERIES)) {
        let count = values.len().max(1) as f64;
        let mut heights = vec![0.0; bins];
        let ends = range(values.iter().copied());
        // The greatest value at an edge belongs to the bin below it, as in NumPy.
        let top = ends.map_or(0.0, |(_, high)| high - 2e-9 * width);
        for value in &values {
            let bin = ((value.min(top) - first + shift) / width).max(0.0) as usize;
            heights[bin.min(bins - 1)] += if several { 100.0 / count } else { 1.0 };
        }
        let edge = |bin: usize| first + bin as f64 * width;
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
        if let Some((low, high)) = ends {
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

/// The first edge and the width of the bins, and how far values are moved before they are counted.
fn bins<'a>(values: impl Iterator<Item = &'a f64>, low: f64, high: f64) -> (f64, f64, f64) {
    let size = low.abs().max(high.abs());
    if high - low <= 1e-6 * size || high == low {
        // Values that are all equal stand in the middle of an axis around them.
        let around = (0.05 * size).max(0.5);
        return (low - around, 2.0 * around / BINS, 1e-9 * around);
    }
    let mut levels: Vec<f64> = Vec::new();
    for value in values.take(1 << 20) {
        if let Err(at) = levels.binary_search_by(|level| level.total_cmp(value)) {
            levels.insert(at, *value);
        }
        if levels.len() > 256 {
            break;
        }
    }
    let steps = levels.windows(2).map(|pair| pair[1] - pair[0]);
    let step = steps.fold(f64::INFINITY, f64::min);
    let count = ((high - low) / step).round() + 1.0;
    if levels.len() <= 256 && count > BINS && count <= 256.0 {
        // Pixels have 256 levels: a bin that holds one more than its neighbours would look like a peak.
        let each = (count / BINS).ceil() as u32;
        return (low, step * f64::from(each.next_power_of_two()), 0.5 * step);
    }
    let width = round_step((high - low) / BINS);
    let first = (low / width + 1e-9).floor() * width;
    (first, width, 1e-9 * width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_of_pixels_hold_equally_many_levels_and_others_have_round_edges() {
        let pixels: Vec<f64> = (0..=255).map(|level| f64::from(level) / 255.0).collect();
        let (first, width, shift) = bins(pixels.iter(), 0.0, 1.0);
        let mut counts = vec![0; 32];
        for pixel in &pixels {
            counts[((pixel - first + shift) / width) as usize] += 1;
        }
        assert_eq!(counts, [8; 32]);
        let smooth: Vec<f64> = (0..1000).map(|i| (f64::from(i) / 300.0).sin()).collect();
        let (first, width, _) = bins(smooth.iter(), -0.98, 1.0);
        assert!((first + 1.0).abs() < 1e-12 && (width - 0.05).abs() < 1e-12);
        let (first, width, _) = bins([3.0].iter(), 3.0, 3.0);
        assert_eq!((first, width), (2.5, 1.0 / BINS));
    }
}
