//! Activation functions and their derivatives.

use super::check_any;
use crate::draw::*;
use crate::prelude::*;

/// How many points a curve has.
const POINTS: usize = 241;
/// The same axes let the panels be compared.
const LOW: f64 = -1.8;
const HIGH: f64 = 3.2;

/// Each function and its derivative from one z to another, in panels with the same axes.
///
/// ```
/// use lab_notebook::prelude::*;
/// let figure = figures::activations(&[Activation::Relu, Activation::Elu, Activation::Sigmoid], -4.0, 4.0)?;
/// assert!(figure.alt.contains("derivative from 0.01766 at −4 to 0.01766 at 4, highest 0.25 at 0"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no functions, and for softmax, which is no function of a single z.
pub fn activations(kinds: &[Activation], from: f32, to: f32) -> Result<Figure> {
    check_any(kinds.len(), "functions")?;
    let step = (to - from) / (POINTS - 1) as f32;
    let z: Vec<f32> = (0..POINTS).map(|i| from + step * i as f32).collect();
    let derivative = Stroke::new(SERIES[1], 2.0, true);
    let mut panels = Vec::new();
    for kind in kinds {
        let mut panel = Panel::new(Axis::new("z"), Axis::new(kind.name()).range(LOW, HIGH));
        let values = ("f(z)", kind.values(&z)?, Stroke::of(0));
        for (name, values, stroke) in [values, ("derivative", kind.derivatives(&z)?, derivative)] {
            let values = values.into_iter().map(f64::from);
            let points = z.iter().map(|z| f64::from(*z)).zip(values);
            // A line that runs away leaves the panel.
            let inside = points.filter(|(_, v)| (LOW..=HIGH).contains(v));
            panel.line(name, inside.collect(), stroke);
        }
        panels.push(panel);
    }
    let title = "Activation functions and their derivatives";
    draw_panels(Page::new(title, 200.0), &panels)
}
