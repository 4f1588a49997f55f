//! Histograms: how values are distributed.

use super::super::figure::{Figure, Key};
use super::super::panel::{Layer, Panel, draw_panels};
use super::super::scale::{Axis, round_step, short};
use super::super::theme::{SERIES, Stroke};
use super::nothing;
use crate::error::{LabError, Result};
use crate::text::thousands;

/// About how many bins the range of the values is cut into.
const BINS: f64 = 40.0;

/// Histograms over each other, with the same bins; up to 8 series. Where there are several, bars are shares of a
/// series; values that are not finite are left out, and a line under the title counts them.
///
/// ```
/// use lab_core::prelude::*;
/// let (images, _) = Cifar10::sample().train.batches(100)?.next().unwrap_or_default();
/// let pixels: Vec<f32> = images.iter().copied().collect();
/// let figure = figures::histograms("A hundred images", "pixel", &[("normalized", pixels)])?;
/// assert!(figure.alt().contains("307,200 values from 0 to 1"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no finite values, or more than 8 series.
pub fn histograms(title: &str, axis: &str, series: &[(&str, Vec<f32>)]) -> Result<Figure> {
    if series.len() > SERIES.len() {
        let (found, expected) = (
            series.len().to_string(),
            format!("at most {}", SERIES.len()),
        );
        return Err(LabError::value(
            "series",
            found,
            expected,
            "show the most telling ones",
        ));
    }
    let finite = |values: &[f32]| {
        values
            .iter()
            .map(|v| f64::from(*v))
            .filter(|v| v.is_finite())
            .collect::<Vec<f64>>()
    };
    let series: Vec<(&str, usize, Vec<f64>)> = series
        .iter()
        .map(|(name, v)| (*name, v.len(), finite(v)))
        .collect();
    let all = || series.iter().flat_map(|(.., values)| values);
    let (low, high) = all().fold((f64::MAX, f64::MIN), |(low, high), v| {
        (low.min(*v), high.max(*v))
    });
    if low > high {
        return Err(nothing("values", "give at least one finite value"));
    }
    // Values that are all equal stand in the middle of an axis around them.
    let size = low.abs().max(high.abs());
    let around = if high - low > 1e-6 * size {
        0.0
    } else {
        (0.05 * size).max(0.5)
    };
    let (low, high) = (low - around, high + around);
    let width = round_step((high - low) / BINS);
    let (first, last) = ((low / width + 1e-9).floor(), (high / width - 1e-9).ceil());
    let bins = ((last - first) as usize).max(1);
    let several = series.len() > 1;
    let (mut layers, mut parts, mut legend) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (name, _, values)) in series.iter().enumerate() {
        let mut counts = vec![0.0; bins];
        values.iter().for_each(|v| {
            counts[((v / width - first + 1e-9).max(0.0) as usize).min(bins - 1)] += 1.0
        });
        if several {
            counts
                .iter_mut()
                .for_each(|count| *count *= 100.0 / values.len().max(1) as f64);
        }
        let stroke = Stroke {
            dashed: false,
            ..Stroke::of(number)
        };
        let edge = |bin: usize| (first + bin as f64) * width;
        let mut outline = vec![(edge(0), 0.0)];
        outline.extend(
            counts
                .iter()
                .enumerate()
                .flat_map(|(bin, n)| [(edge(bin), *n), (edge(bin + 1), *n)]),
        );
        outline.push((edge(bins), 0.0));
        let area = outline
            .iter()
            .map(|(x, height)| (*x, 0.0, *height))
            .collect();
        layers.push(Layer::Band {
            points: area,
            colour: stroke.colour,
        });
        layers.push(Layer::Outline {
            points: outline,
            stroke,
        });
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
            / values.len().max(1) as f64)
            .sqrt();
        let ends = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| {
            (low.min(*v), high.max(*v))
        });
        let range = if values.is_empty() {
            String::new()
        } else {
            format!(" from {} to {}", short(ends.0), short(ends.1))
        };
        let count = thousands(values.len());
        parts.push(format!(
            "{name}: {count} values{range}, mean {}, deviation {}",
            short(mean),
            short(deviation)
        ));
        legend.push(Key {
            name: format!(
                "{name} (mean {}, deviation {})",
                short(mean),
                short(deviation)
            ),
            stroke,
            block: Some(0.3),
        });
    }
    let lost: usize = series
        .iter()
        .map(|(_, count, values)| count - values.len())
        .sum();
    let subtitle = if lost > 0 {
        format!("{} values are not finite and left out", thousands(lost))
    } else {
        String::new()
    };
    let y = Axis {
        from: Some(0.0),
        ..Axis::new(if several {
            "share of the values in %"
        } else {
            "number of values"
        })
    };
    let alt = format!("{title}: histogram over {axis}: {}", parts.join("; "));
    draw_panels(
        title,
        subtitle,
        legend,
        &[Panel {
            x: Axis::new(axis),
            y,
            layers,
        }],
        (1, 310.0),
        alt,
    )
}
