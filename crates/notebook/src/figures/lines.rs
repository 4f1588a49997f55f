//! The general chart: lines over a number.

use super::check_any;
use crate::draw::*;
use crate::prelude::*;

/// Lines over a number, put together call by call.
///
/// Points that are not finite, or not above 0 on a logarithmic axis, are gaps; where there are at most 30 points they
/// are drawn as dots too.
///
/// ```
/// use lab_notebook::prelude::*;
/// let chart = LineChart::new("Which learning rate?")
///     .x("learning rate")
///     .log_x()
///     .y("validation loss after 5 epochs")
///     .line("SGD", vec![(1e-3, 1.9), (1e-2, 1.7), (1e-1, 1.6), (1.0, f64::NAN)])
///     .line("Adam", vec![(1e-4, 1.6), (1e-3, 1.5), (1e-2, 2.3)]);
/// let figure = figures::lines(&chart)?;
/// assert!(figure.alt.contains("Adam from 1.6 at 0.0001 to 2.3 at 0.01, lowest 1.5 at 0.001"));
/// # Ok::<(), LabError>(())
/// ```
#[derive(Default)]
pub struct LineChart {
    title: String,
    panel: Panel,
}

impl LineChart {
    /// A chart without lines.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// What is along the horizontal axis, with its unit.
    pub fn x(mut self, label: impl Into<String>) -> Self {
        self.panel.x.label = label.into();
        self
    }

    /// What is along the vertical axis, with its unit.
    pub fn y(mut self, label: impl Into<String>) -> Self {
        self.panel.y.label = label.into();
        self
    }

    /// Makes the horizontal axis logarithmic.
    pub fn log_x(mut self) -> Self {
        self.panel.x.log = true;
        self
    }

    /// Makes the vertical axis logarithmic.
    pub fn log_y(mut self) -> Self {
        self.panel.y.log = true;
        self
    }

    /// Fixes the ends of the vertical axis; what lies outside is drawn at the nearer end.
    pub fn y_range(mut self, from: f64, to: f64) -> Self {
        (self.panel.y.from, self.panel.y.to) = (Some(from.min(to)), Some(to.max(from)));
        self
    }

    /// Adds a line through points `(x, y)`, in the order of the legend.
    pub fn line(mut self, name: impl Into<String>, points: impl Into<Vec<(f64, f64)>>) -> Self {
        let stroke = Stroke::of(self.panel.legend.len());
        self.panel.line(&name.into(), points.into(), stroke);
        self
    }
}

/// Draws a chart of lines.
///
/// # Errors
/// [`LabError::Value`] for a chart without a point that has a place.
pub fn lines(chart: &LineChart) -> Result<Figure> {
    let panel = &chart.panel;
    let points = panel.points().into_iter();
    let shown = points.filter(|point| panel.shows(*point));
    check_any(shown.count(), "finite points, above 0 on logarithmic axes")?;
    draw_panels(Page::new(&chart.title, 360.0), std::slice::from_ref(panel))
}
