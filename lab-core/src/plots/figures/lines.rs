//! The general chart: lines over a number.

use super::super::figure::{Figure, Key};
use super::super::panel::{Layer, Panel, draw_panels};
use super::super::scale::{Axis, short};
use super::super::theme::{GREY, Stroke};
use super::{listed, nothing};
use crate::error::{LabError, Result};

/// Lines over a number, put together call by call.
///
/// Points that are not finite, or not above 0 on a logarithmic axis, are gaps; where there are at most 30 points they
/// are drawn as dots too.
///
/// ```
/// use lab_core::prelude::*;
/// let chart = LineChart::new("Which learning rate?")
///     .x("learning rate")
///     .log_x()
///     .y("validation loss after 5 epochs")
///     .line("SGD", vec![(1e-3, 1.9), (1e-2, 1.7), (1e-1, 1.6), (1.0, f64::NAN)])
///     .line("Adam", vec![(1e-4, 1.6), (1e-3, 1.5), (1e-2, 2.3)])
///     .marker(1e-3, 1.5, "best: Adam, 0.001");
/// let figure = figures::lines(&chart)?;
/// assert!(figure.alt().contains("Adam: 3 points, lowest 1.5 at 0.001"));
/// # Ok::<(), LabError>(())
/// ```
pub struct LineChart {
    title: String,
    subtitle: String,
    x: Axis,
    y: Axis,
    series: Vec<(String, Vec<(f64, f64)>)>,
    markers: Vec<(f64, f64, String)>,
}

impl LineChart {
    /// A chart without lines.
    pub fn new(title: impl Into<String>) -> Self {
        let (x, y) = (Axis::default(), Axis::default());
        Self {
            title: title.into(),
            subtitle: String::new(),
            x,
            y,
            series: Vec::new(),
            markers: Vec::new(),
        }
    }

    /// A line in grey under the title.
    pub fn subtitle(mut self, text: impl Into<String>) -> Self {
        self.subtitle = text.into();
        self
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

    /// Puts a ring at a point, and a text beside it.
    pub fn marker(mut self, x: f64, y: f64, text: impl Into<String>) -> Self {
        self.markers.push((x, y, text.into()));
        self
    }
}

/// Draws a chart of lines.
///
/// # Errors
/// [`LabError::Value`] for a chart without a point that has a place, and for axes whose ends are not in order.
pub fn lines(chart: &LineChart) -> Result<Figure> {
    let LineChart {
        title,
        subtitle,
        x,
        y,
        series,
        markers,
    } = chart;
    let mut x = x.clone();
    let shown = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        points
            .iter()
            .copied()
            .filter(|(a, b)| x.shows(*a) && y.shows(*b))
            .collect()
    };
    if series.iter().all(|(_, points)| shown(points).is_empty()) {
        return Err(nothing(
            "lines",
            "add a line with a finite point, above 0 where an axis is logarithmic",
        ));
    }
    if let (Some(from), Some(to)) = (y.from, y.to)
        && !(from < to && y.shows(from) && y.shows(to))
    {
        let expected = "two numbers in order, above 0 where the axis is logarithmic";
        return Err(LabError::value(
            "y_range",
            format!("{from} to {to}"),
            expected,
            "swap or change them",
        ));
    }
    let mut layers = Vec::new();
    let mut parts = Vec::new();
    for (number, (name, points)) in series.iter().enumerate() {
        layers.push(Layer::Line {
            points: points.clone(),
            stroke: Stroke::of(number),
        });
        let shown = shown(points);
        let lowest = shown.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let lowest = lowest.map_or(String::new(), |(x, y)| {
            format!(", lowest {} at {}", short(*y), short(*x))
        });
        parts.push(format!("{name}: {} points{lowest}", shown.len()));
    }
    for (x, y, text) in markers {
        layers.push(Layer::Mark {
            at: (*x, *y),
            text: text.clone(),
            colour: GREY,
        });
        parts.push(format!("marked: {text}"));
    }
    let mut all = series.iter().flat_map(|(_, points)| points);
    x.whole = !x.log && all.all(|(x, _)| x.fract() == 0.0);
    let keys = series.iter().enumerate().map(|(i, (name, _))| Key {
        name: name.clone(),
        stroke: Stroke::of(i),
        block: None,
    });
    let keys = keys.filter(|key| !key.name.is_empty()).collect();
    let log = |axis: &Axis| if axis.log { " (logarithmic)" } else { "" };
    let axes = format!("{}{} over {}{}", y.label, log(y), x.label, log(&x));
    let alt = format!("{title}: {axes}. {}.", listed(&parts, "; ", 14));
    let panel = Panel {
        x,
        y: y.clone(),
        layers,
    };
    draw_panels(title, subtitle.clone(), keys, &[panel], (1, 360.0), alt)
}
