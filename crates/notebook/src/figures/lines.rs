//! The general chart: lines over a number.

use super::{check_any, listed};
use crate::draw::*;
use crate::numbers::short;
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
/// assert!(figure.alt().contains("Adam: 3 points, lowest 1.5 at 0.001"));
/// # Ok::<(), LabError>(())
/// ```
#[derive(Default)]
pub struct LineChart {
    title: String,
    x: Axis,
    y: Axis,
    series: Vec<(String, Vec<(f64, f64)>)>,
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
        self.x.label = label.into();
        self
    }

    /// What is along the vertical axis, with its unit.
    pub fn y(mut self, label: impl Into<String>) -> Self {
        self.y.label = label.into();
        self
    }

    /// Makes the horizontal axis logarithmic.
    pub fn log_x(mut self) -> Self {
        self.x.log = true;
        self
    }

    /// Makes the vertical axis logarithmic.
    pub fn log_y(mut self) -> Self {
        self.y.log = true;
        self
    }

    /// Fixes the ends of the vertical axis; what lies outside is drawn at the nearer end.
    pub fn y_range(mut self, from: f64, to: f64) -> Self {
        self.y = self.y.range(from, to);
        self
    }

    /// Adds a line through points `(x, y)`, in the order of the legend.
    pub fn line(mut self, name: impl Into<String>, points: impl Into<Vec<(f64, f64)>>) -> Self {
        self.series.push((name.into(), points.into()));
        self
    }
}

/// Draws a chart of lines.
///
/// # Errors
/// [`LabError::Value`] for a chart without a point that has a place, and for axes whose ends are not in order.
pub fn lines(chart: &LineChart) -> Result<Figure> {
    let (x, y, title) = (&chart.x, &chart.y, &chart.title);
    let ends = [y.from, y.to].map(|end| end.unwrap_or(f64::NAN));
    if y.from.is_some() && !(ends[0] < ends[1] && ends.iter().all(|end| y.shows(*end))) {
        let expected = "two numbers in order, above 0 where the axis is logarithmic";
        let found = format!("{} to {}", ends[0], ends[1]);
        let remedy = "swap or change them";
        return Err(LabError::value("y_range", found, expected, remedy));
    }
    let mut panel = Panel::new(x.clone(), y.clone());
    let (mut page, mut parts, mut count) = (Page::new(title, 360.0), Vec::new(), 0);
    for (number, (name, points)) in chart.series.iter().enumerate() {
        panel.line(points.clone(), Stroke::of(number));
        let mut shown = points.clone();
        shown.retain(|(a, b)| x.shows(*a) && y.shows(*b));
        count += shown.len();
        let mut part = format!("{name}: {} points", shown.len());
        if let Some((x, y)) = shown.iter().min_by(|a, b| a.1.total_cmp(&b.1)) {
            part += &format!(", lowest {} at {}", short(*y), short(*x));
        }
        parts.push(part);
        if !name.is_empty() {
            page.key(name, Swatch::Line(Stroke::of(number)));
        }
    }
    let log = |axis: &Axis| if axis.log { " (logarithmic)" } else { "" };
    check_any(count, &format!("finite points{}{}", log(x), log(y)))?;
    let axes = format!("{}{} over {}{}", y.label, log(y), x.label, log(x));
    page.alt = format!("{title}: {axes}. {}.", listed(&parts, "; ", 14));
    draw_panels(page, &[panel])
}
