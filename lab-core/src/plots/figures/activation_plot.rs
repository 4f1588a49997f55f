//! Activation functions and their derivatives.

use super::super::figure::{Figure, Key};
use super::super::panel::{Layer, Panel, draw_panels};
use super::super::scale::{Axis, short};
use super::super::theme::{SERIES, Stroke};
use super::nothing;
use crate::error::{LabError, Result};
use crate::model::Activation;

/// How many points a curve has.
const POINTS: usize = 241;

/// Each function and its derivative from one z to another, in panels with the same axes.
///
/// ```
/// use lab_core::prelude::*;
/// let figure = figures::activations(&[Activation::Relu, Activation::Elu, Activation::Sigmoid], -4.0, 4.0)?;
/// assert!(figure.alt().contains("sigmoid from 0.018 to 0.982, derivative at most 0.25"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no functions, for softmax (no function of a single z), and for ends that are not in order.
pub fn activations(kinds: &[Activation], from: f32, to: f32) -> Result<Figure> {
    if kinds.is_empty() {
        return Err(nothing("activations", "give at least one function"));
    }
    if !(from < to && from.abs().max(to.abs()) <= 1e6) {
        let found = format!("{from} to {to}");
        return Err(LabError::value(
            "range of z",
            found,
            "two numbers in order, up to 1,000,000",
            "−4 to 4 shows all",
        ));
    }
    let z: Vec<f32> = (0..POINTS)
        .map(|i| from + (to - from) * i as f32 / (POINTS - 1) as f32)
        .collect();
    let strokes = [0, 1].map(|i| Stroke {
        colour: SERIES[i],
        dashed: i == 1,
    });
    let (mut panels, mut parts) = (Vec::new(), Vec::new());
    for kind in kinds {
        let curves = [kind.values(&z)?, kind.derivatives(&z)?];
        let range = |values: &[f32]| {
            values.iter().fold((f32::MAX, f32::MIN), |(low, high), v| {
                (low.min(*v), high.max(*v))
            })
        };
        let ((low, high), (_, steepest)) = (range(&curves[0]), range(&curves[1]));
        let read = |value: f32| short((1e3 * f64::from(value)).round() / 1e3);
        parts.push(format!(
            "{kind} from {} to {}, derivative at most {}",
            read(low),
            read(high),
            read(steepest)
        ));
        let line = |(values, stroke): (&Vec<f32>, Stroke)| Layer::Line {
            points: z
                .iter()
                .zip(values)
                .map(|(z, v)| (f64::from(*z), f64::from(*v)))
                .collect(),
            stroke,
        };
        let layers = curves.iter().zip(strokes).map(line).collect();
        panels.push(Panel {
            x: Axis::new("z"),
            y: Axis::new(kind.name()),
            layers,
        });
    }
    let bounds = panels
        .iter()
        .flat_map(|panel| panel.values(|point| point.1));
    let (low, high) = bounds.fold((f64::MAX, f64::MIN), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    // The same axes let the panels be compared; a line that runs away leaves the panel, or it would flatten the others.
    let (low, high) = (low.max(-1.6), high.min(3.0));
    let margin = 0.05 * (high - low);
    for panel in &mut panels {
        panel.y = panel.y.clone().range(low - margin, high + margin);
        for layer in &mut panel.layers {
            if let Layer::Line { points, .. } = layer {
                points
                    .iter_mut()
                    .filter(|p| !(low - margin..=high + margin).contains(&p.1))
                    .for_each(|p| p.1 = f64::NAN);
            }
        }
    }
    let legend = ["f(z)", "derivative"].into_iter().zip(strokes);
    let legend = legend
        .map(|(name, stroke)| Key {
            name: name.to_owned(),
            stroke,
            block: None,
        })
        .collect();
    let title = if kinds.len() == 1 {
        "An activation function"
    } else {
        "Activation functions and their derivatives"
    };
    let alt = format!(
        "{title} for z from {} to {}: {}",
        short(from.into()),
        short(to.into()),
        parts.join("; ")
    );
    draw_panels(
        title,
        String::new(),
        legend,
        &panels,
        (kinds.len().min(3), 200.0),
        alt,
    )
}
