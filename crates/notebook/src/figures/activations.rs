//! Activation functions and their derivatives.

use super::check_any;
use crate::draw::*;
use crate::numbers::{range, short};
use crate::prelude::*;

/// How many points a curve has.
const POINTS: usize = 241;

/// Each function and its derivative from one z to another, in panels with the same axes.
///
/// ```
/// use lab_notebook::prelude::*;
/// let figure = figures::activations(&[Activation::Relu, Activation::Elu, Activation::Sigmoid], -4.0, 4.0)?;
/// assert!(figure.alt().contains("sigmoid from 0.018 to 0.982, derivative at most 0.25"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no functions, for softmax (no function of a single z), and for ends that are not in order.
pub fn activations(kinds: &[Activation], from: f32, to: f32) -> Result<Figure> {
    check_any(kinds.len(), "functions")?;
    if !(from < to && from.abs().max(to.abs()) <= 1e6) {
        let (found, expected) = (format!("{from} to {to}"), "two numbers in order, up to 10⁶");
        let remedy = "−4 to 4 shows all";
        return Err(LabError::value("range of z", found, expected, remedy));
    }
    let step = (to - from) / (POINTS - 1) as f32;
    let z: Vec<f32> = (0..POINTS).map(|i| from + step * i as f32).collect();
    let points = |values: Vec<f32>| -> Vec<Point> {
        let pairs = z.iter().zip(values);
        pairs.map(|(z, v)| (f64::from(*z), f64::from(v))).collect()
    };
    let ends = |points: &[Point]| range(points.iter().map(|point| point.1)).unwrap_or_default();
    let (mut curves, mut parts) = (Vec::new(), Vec::new());
    for kind in kinds {
        let both = [points(kind.values(&z)?), points(kind.derivatives(&z)?)];
        let ((low, high), (_, steepest)) = (ends(&both[0]), ends(&both[1]));
        let [low, high, steepest] = [low, high, steepest].map(|v| short((1e3 * v).round() / 1e3));
        let slope = format!("derivative at most {steepest}");
        parts.push(format!("{kind} from {low} to {high}, {slope}"));
        curves.push(both);
    }
    // The same axes let the panels be compared; a line that runs away leaves the panel, or it would flatten the others.
    let (low, high) = ends(&curves.concat().concat());
    let (low, high) = (low.max(-1.6), high.min(3.0));
    let (low, high) = (low - 0.05 * (high - low), high + 0.05 * (high - low));
    let strokes = [Stroke::of(0), Stroke::new(SERIES[1], 2.0, true)];
    let mut panels = Vec::new();
    for (kind, both) in kinds.iter().zip(curves) {
        let mut panel = Panel::new(Axis::new("z"), Axis::new(kind.name()).range(low, high));
        for (mut points, stroke) in both.into_iter().zip(strokes) {
            for (_, v) in &mut points {
                *v = if (low..=high).contains(v) {
                    *v
                } else {
                    f64::NAN
                };
            }
            panel.line(points, stroke);
        }
        panels.push(panel);
    }
    let title = match kinds.len() {
        1 => "An activation function",
        _ => "Activation functions and their derivatives",
    };
    let [from, to] = [from, to].map(|z| short(f64::from(z)));
    let mut page = Page::new(title, 200.0);
    page.key("f(z)", Swatch::Line(strokes[0]));
    page.key("derivative", Swatch::Line(strokes[1]));
    page.columns = kinds.len().min(3);
    page.alt = format!("{title} for z from {from} to {to}: {}", parts.join("; "));
    draw_panels(page, &panels)
}
