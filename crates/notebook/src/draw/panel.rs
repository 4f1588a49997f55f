//! Axes with data between them: what all charts consist of.

use plotters::chart::ChartBuilder;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, DashedPathElement, EmptyElement, PathElement, Polygon, Text};
use plotters::prelude::{Cartesian2d, CoordTranslate};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBAColor, RGBColor, ShapeStyle, TRANSPARENT};
use plotters_bitmap::BitMapBackend;

use super::axis::{Axis, Scale};
use super::page::{Area, Drawn, Page, Point};
use super::theme::*;
use crate::prelude::*;

/// Something drawn in the coordinates of the data.
enum Layer {
    /// A line with gaps where a point has no place, and dots where there are few.
    Line(Vec<Point>, Stroke),
    /// Between the second and the third number at each first one.
    Band(Vec<(f64, f64, f64)>, RGBAColor),
    /// A text to the right or left of a point, or above it (below it where it is negative).
    Text(String, Point, HPos),
    /// A ring around a point.
    Ring(Point),
}

/// Points up to which dots are drawn on a line.
const DOTS: usize = 30;
/// How wide a name at an axis may be.
const LONGEST: f64 = 260.0;

/// Two axes and what is drawn between them.
pub(crate) struct Panel {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    layers: Vec<Layer>,
}

/// Draws panels in rows.
pub(crate) fn draw_panels(mut page: Page<'_>, panels: &[Panel]) -> Result<Figure> {
    let (columns, (width, height)) = (page.columns, page.size);
    let (across, down) = ((width + 20.0) / columns as f64, height + 14.0);
    page.size.1 = down * panels.len().div_ceil(columns) as f64 - 14.0;
    page.draw(|area| {
        for (i, panel) in panels.iter().enumerate() {
            let place = (across * (i % columns) as f64, down * (i / columns) as f64);
            let size = (across - 20.0, height);
            panel.draw(&area.part(place, size), size)?;
        }
        Ok(())
    })
}

impl Panel {
    pub(crate) fn new(x: Axis, y: Axis) -> Self {
        let layers = Vec::new();
        Self { x, y, layers }
    }

    pub(crate) fn line(&mut self, points: Vec<Point>, stroke: Stroke) {
        self.layers.push(Layer::Line(points, stroke));
    }

    pub(crate) fn band(&mut self, points: Vec<(f64, f64, f64)>, colour: impl Color) {
        self.layers.push(Layer::Band(points, colour.to_rgba()));
    }

    /// A rectangle from one corner to the opposite one.
    pub(crate) fn bar(&mut self, from: Point, to: Point, colour: impl Color) {
        self.band(vec![(from.0, from.1, to.1), (to.0, from.1, to.1)], colour);
    }

    pub(crate) fn text(&mut self, text: String, at: Point, h: HPos) {
        self.layers.push(Layer::Text(text, at, h));
    }

    pub(crate) fn ring(&mut self, at: Point) {
        self.layers.push(Layer::Ring(at));
    }

    /// All points that the axes must hold.
    fn points(&self) -> (Vec<f64>, Vec<f64>) {
        let of = |layer: &Layer| match layer {
            Layer::Line(points, _) => points.clone(),
            Layer::Band(points, _) => {
                let ends = points
                    .iter()
                    .map(|(x, low, high)| [(*x, *low), (*x, *high)]);
                ends.flatten().collect()
            }
            Layer::Text(_, at, _) | Layer::Ring(at) => vec![*at],
        };
        self.layers.iter().flat_map(of).unzip()
    }

    /// Draws the panel into an area of this size.
    pub(crate) fn draw(&self, area: &Area<'_>, (width, height): Point) -> Drawn {
        let head = if self.y.label.is_empty() { 8.0 } else { 26.0 };
        let foot = if self.x.label.is_empty() { 24.0 } else { 41.0 };
        let (xs, ys) = self.points();
        let most = ((height - head - foot) / 24.0).clamp(2.0, 8.0) as usize;
        let mut y = self.y.scale(&ys, most, 0.06);
        let left = (NAME.widest(&y.labels).clamp(14.0, LONGEST) + 10.0).round();
        let mut x = self.x.along(&xs, width - left);
        let numbers = self.x.names.is_empty();
        let each = (width - left) / x.labels.len().max(1) as f64;
        x.fit(TICK, if numbers { width } else { each - 6.0 });
        y.fit(NAME, LONGEST);
        // Half of a number at the end of the axis stands beyond it.
        let last = x.labels.last().filter(|_| numbers);
        let right = 4.0 + last.map_or(2.0, |label| TICK.width(label) / 2.0).round();
        let mut chart = ChartBuilder::on(&area.0)
            .margin_top(u(head))
            .margin_right(u(right))
            .x_label_area_size(u(foot))
            .y_label_area_size(u(left))
            .build_cartesian_2d(x, y)?;
        let names = if self.y.names.is_empty() { TICK } else { NAME };
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(line(GRID, 0.7))
            .axis_style(line(AXIS, 0.7))
            .set_all_tick_mark_size(u(4.0))
            .y_label_offset(u(TICK.above()))
            .x_desc(NOTE.fit(&self.x.label, width - left))
            .axis_desc_style(NOTE.style(HPos::Center))
            .x_label_style(TICK.style(HPos::Center))
            .y_label_style(names.style(HPos::Right));
        if !numbers {
            mesh.disable_x_mesh();
        }
        if !self.y.names.is_empty() {
            mesh.disable_y_mesh();
        }
        mesh.draw()?;
        // The label of the upright axis stands above it, where it need not be read upright.
        let label = NOTE.fit(&self.y.label, width);
        area.text(&label, NOTE, HPos::Left, (0.0, 8.0))?;
        let plot = chart.plotting_area();
        self.layers
            .iter()
            .try_for_each(|layer| self.draw_layer(plot, layer))
    }

    fn draw_layer(&self, plot: &PlotArea<'_>, layer: &Layer) -> Drawn {
        let shows = |(x, y): Point| self.x.shows(x) && self.y.shows(y);
        match layer {
            Layer::Line(points, stroke) => {
                let dots = points.len() <= DOTS && stroke.width > 1.5;
                let mut parts = points.split(|point| !shows(*point));
                parts.try_for_each(|part| draw_line(plot, part, *stroke, dots || part.len() == 1))
            }
            Layer::Band(points, colour) => {
                let (mut lower, mut upper) = (Vec::new(), Vec::new());
                for (x, low, high) in points {
                    if shows((*x, *low)) && shows((*x, *high)) {
                        lower.push((*x, *low));
                        upper.insert(0, (*x, *high));
                    }
                }
                plot.draw(&Polygon::new([lower, upper].concat(), colour.filled()))
            }
            Layer::Text(text, at, h) => {
                let (dx, dy) = match h {
                    HPos::Left => (6.0, 0.0),
                    HPos::Right => (-6.0, 0.0),
                    HPos::Center => (0.0, if at.1 < 0.0 { 8.0 } else { -8.0 }),
                };
                let place = (u(dx), u(dy - NAME.above()));
                plot.draw(&(EmptyElement::at(*at) + Text::new(text.clone(), place, NAME.style(*h))))
            }
            Layer::Ring(at) if shows(*at) => draw_ring(plot, *at),
            Layer::Ring(_) => Ok(()),
        }
    }
}

/// What is between the axes.
type PlotArea<'a> = DrawingArea<BitMapBackend<'a>, Cartesian2d<Scale, Scale>>;

fn line(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width(u(width) as u32)
}

/// A ring around a point.
pub(super) fn draw_ring<C: CoordTranslate>(
    plot: &DrawingArea<BitMapBackend<'_>, C>,
    at: C::From,
) -> Drawn
where
    C::From: Clone + 'static,
{
    let mut discs = [(5.5, WHITE), (5.0, VALIDATION), (2.5, WHITE)].into_iter();
    discs.try_for_each(|(r, colour)| plot.draw(&Circle::new(at.clone(), u(r), colour.filled())))
}

/// A line with round corners, and dots on its points if they are asked for.
pub(super) fn draw_line<C: CoordTranslate>(
    plot: &DrawingArea<BitMapBackend<'_>, C>,
    points: &[C::From],
    stroke: Stroke,
    dots: bool,
) -> Drawn
where
    C::From: Clone + 'static,
{
    let style = line(stroke.colour, stroke.width);
    let dash = if stroke.width > 1.5 { u(6.0) } else { u(4.0) };
    if stroke.dashed {
        plot.draw(&DashedPathElement::new(
            points.to_vec(),
            dash,
            u(4.5),
            style,
        ))?;
    }
    // Plotters draws a path with sharp corners, which stand out where a line is rough.
    for pair in points.windows(2).filter(|_| !stroke.dashed) {
        plot.draw(&PathElement::new(pair.to_vec(), style))?;
    }
    let radius = if dots { 3.0 } else { stroke.width / 2.0 };
    for point in points.iter().filter(|_| dots || !stroke.dashed) {
        plot.draw(&Circle::new(
            point.clone(),
            u(radius),
            stroke.colour.filled(),
        ))?;
    }
    Ok(())
}
