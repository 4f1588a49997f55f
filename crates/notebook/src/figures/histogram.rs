//! Histograms: how values are distributed.

use lab_core::text::thousands;

use super::{check_any, check_most};
use crate::draw::*;
use crate::numbers::{range, short};
use crate::prelude::*;

/// How many bins the range of the values is cut into; pixels get about as many.
const BINS: f64 = 40.0;
/// Values this share of a bin below an edge count as at the edge: levels stand at edges, and are rounded.
const SHIFT: f64 = 1e-4;

/// Histograms over each other; up to 8 series. Where there are several, the area under each is 1; values that are not
/// finite are left out, and a line under the title counts them.
///
/// ```
/// use lab_notebook::prelude::*;
/// let images = Cifar10::sample().train.batches(100)?.next().unwrap_or_default().images;
/// let pixels: Vec<f32> = images.iter().copied().collect();
/// let figure = figures::histograms("A hundred images", "pixel", &[("normalized", pixels)])?;
/// assert!(figure.alt.contains("307,200 values from 0 to 1"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no finite values, or more than 8 series.
pub fn histograms(title: &str, axis: &str, series: &[(&str, Vec<f32>)]) -> Result<Figure> {
    check_most("series", series.len(), SERIES.len())?;
    let several = series.len() > 1;
    let counted = ["number of values", "density"][usize::from(several)];
    let mut panel = Panel::new(Axis::new(axis), Axis::new(counted));
    let (mut page, mut lost) = (Page::new(title, 310.0), 0);
    for ((name, values), colour) in series.iter().zip(SERIES) {
        let mut finite: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        finite.retain(|v| v.is_finite());
        lost += values.len() - finite.len();
        let Some((low, high)) = range(finite.iter().copied()) else {
            continue;
        };
        let (count, (first, width)) = (finite.len() as f64, bins(&finite, low, high));
        let place = |value: f64| (value - first) / width;
        let mut heights = vec![0.0; ((place(high) - SHIFT).ceil() as usize).max(1)];
        let last = heights.len() - 1;
        for value in &finite {
            // The greatest value at an edge belongs to the bin below it, as in NumPy.
            let bin = last.min((place(*value) + SHIFT) as usize);
            heights[bin] += if several { 1.0 / (count * width) } else { 1.0 };
        }
        let edge = |bin: usize| first + bin as f64 * width;
        let mut outline = vec![(edge(0), 0.0)];
        for (bin, height) in heights.into_iter().enumerate() {
            outline.extend([(edge(bin), height), (edge(bin + 1), height)]);
        }
        outline.push((edge(last + 1), 0.0));
        let area = outline.iter().map(|(x, height)| (*x, 0.0, *height));
        panel.band(area.collect(), colour.mix(0.2));
        panel.path(outline, Stroke::new(colour, 1.25, false));
        let mean = finite.iter().sum::<f64>() / count;
        let variance = finite.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let moments = format!("mean {}, deviation {}", short(mean), short(variance.sqrt()));
        let (count, [low, high]) = (thousands(finite.len()), [low, high].map(short));
        let values = format!("{count} values from {low} to {high}");
        panel.tell(format!("{name}: {values}, {moments}"));
        let swatch = Swatch::Block(tint(colour, 0.3));
        panel.key(&format!("{name} ({moments})"), swatch);
    }
    check_any(panel.points().len(), "finite values")?;
    if lost > 0 {
        let lost = thousands(lost);
        page.note(format!("{lost} values are not finite and left out"));
    }
    draw_panels(page, &[panel])
}

/// The first edge and the width of the bins of one series.
fn bins(values: &[f64], low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if high - low <= 1e-6 * size {
        // Values that are all equal stand in the middle of one bin.
        let around = (0.05 * size).max(0.5);
        return (low - around, 2.0 * around);
    }
    let mut levels = values.to_vec();
    levels.sort_unstable_by(f64::total_cmp);
    levels.dedup();
    let steps = levels.windows(2).map(|pair| pair[1] - pair[0]);
    let step = steps.fold(f64::INFINITY, f64::min);
    let count = (high - low) / step + 1.0;
    if count > BINS && count < 256.5 {
        // Pixels have 256 levels: a bin that holds one more than its neighbours would look like a peak.
        let each = (count / BINS).ceil() as u32;
        return (low, step * f64::from(each.next_power_of_two()));
    }
    (low, (high - low) / BINS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_of_pixels_hold_equally_many_levels_and_others_are_equally_wide() {
        // Standardized pixels have other levels in each colour.
        for (mean, deviation) in [(0.0, 1.0), (0.4914, 0.247), (0.4465, 0.2616)] {
            let pixel = |level: u8| f64::from((f32::from(level) / 255.0 - mean) / deviation);
            let pixels: Vec<f64> = (0..=255).map(pixel).collect();
            let (first, width) = bins(&pixels, pixels[0], pixels[255]);
            let mut counts = vec![0; 32];
            for pixel in &pixels {
                counts[((pixel - first) / width + SHIFT) as usize] += 1;
            }
            assert_eq!(counts, [8; 32]);
        }
        let smooth: Vec<f64> = (0..1000).map(|i| (f64::from(i) / 300.0).sin()).collect();
        let (first, width) = bins(&smooth, -0.98, 1.0);
        assert!(first == -0.98 && (width - 1.98 / 40.0).abs() < 1e-12);
        assert_eq!(bins(&[3.0], 3.0, 3.0), (2.5, 1.0));
    }
}
