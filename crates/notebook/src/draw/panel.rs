//! Axes with data between them: what all charts consist of.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon};
use plotters::prelude::Cartesian2d;
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
    /// A ring with a text near it.
    Mark(String, Point),
}

/// Points up to which dots are drawn on a line.
const DOTS: usize = 30;
/// How wide a name or a text near a point may be.
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

    pub(crate) fn mark(&mut self, text: String, at: Point) {
        self.layers.push(Layer::Mark(text, at));
    }

    /// All points that the axes must hold.
    fn points(&self) -> Vec<Point> {
        let of = |layer: &Layer| match layer {
            Layer::Line(points, _) => points.clone(),
            Layer::Band(points, _) => [low_ends(points), high_ends(points)].concat(),
            Layer::Text(_, at, _) | Layer::Mark(_, at) => vec![*at],
        };
        self.layers.iter().flat_map(of).collect()
    }

    fn draw(&self, area: &Area<'_>, (width, height): Point) -> Drawn {
        let head = if self.y.label.is_empty() { 8.0 } else { 26.0 };
        let foot = if self.x.label.is_empty() { 24.0 } else { 41.0 };
        let (xs, ys): (Vec<f64>, Vec<f64>) = self.points().into_iter().unzip();
        let most = ((height - head - foot) / 24.0).clamp(2.0, 8.0) as usize;
        let y = self.y.scale(&ys, most, 0.06);
        let left = (NAME.widest(&y.labels).clamp(14.0, LONGEST) + 9.0).round();
        let x = self.x.along(&xs, width - left);
        let numbers = self.x.names.is_empty();
        let each = (width - left) / x.labels.len().max(1) as f64;
        let room = if numbers { width } else { each - 6.0 };
        // Half of a number at the end of the axis stands beyond it.
        let last = x.labels.last().filter(|_| numbers);
        let right = 4.0 + last.map_or(2.0, |label| TICK.width(label) / 2.0).round();
        let mut chart = ChartBuilder::on(&area.0)
            .margin_top(u(head))
            .margin_right(u(right))
            .x_label_area_size(u(foot))
            .y_label_area_size(u(left))
            .build_cartesian_2d(x.clone(), y.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(line(GRID, 0.7));
        mesh.axis_style(line(AXIS, 0.7))
            .set_all_tick_mark_size(u(3.0));
        mesh.label_style(TICK.style(HPos::Center));
        if !numbers {
            mesh.disable_x_mesh();
        }
        if !self.y.names.is_empty() {
            mesh.disable_y_mesh();
        }
        mesh.draw()?;
        let ends = [left, head, width - right, height - foot];
        let panel = self;
        let plot = Plot {
            panel,
            area,
            chart,
            ends,
        };
        // The label of the upright axis stands above it, where it need not be read upright.
        let label = NOTE.fit(&self.y.label, width);
        area.text(&label, NOTE, HPos::Left, (0.0, 8.0))?;
        let label = NOTE.fit(&self.x.label, width - left);
        let middle = ((left + width - right) / 2.0, height - 8.0);
        area.text(&label, NOTE, HPos::Center, middle)?;
        for (tick, label) in x.ticks.iter().zip(&x.labels) {
            let place = (plot.place((*tick, 1.0)).0, height - foot + 12.0);
            area.text(&TICK.fit(label, room), TICK, HPos::Center, place)?;
        }
        let font = if self.y.names.is_empty() { TICK } else { NAME };
        for (tick, label) in y.ticks.iter().zip(&y.labels) {
            let place = (left - 7.0, plot.place((1.0, *tick)).1);
            area.text(&font.fit(label, LONGEST), font, HPos::Right, place)?;
        }
        self.layers.iter().try_for_each(|layer| plot.draw(layer))
    }
}

fn low_ends(band: &[(f64, f64, f64)]) -> Vec<Point> {
    band.iter().map(|(x, low, _)| (*x, *low)).collect()
}

fn high_ends(band: &[(f64, f64, f64)]) -> Vec<Point> {
    band.iter().map(|(x, _, high)| (*x, *high)).collect()
}

fn line(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width(u(width) as u32)
}

/// A panel while it is drawn; `ends` are the left, top, right and bottom of what is between the axes.
struct Plot<'p, 'a> {
    panel: &'p Panel,
    area: &'p Area<'a>,
    chart: ChartContext<'p, BitMapBackend<'a>, Cartesian2d<Scale, Scale>>,
    ends: [f64; 4],
}

impl Plot<'_, '_> {
    /// Where a point is in the area of the panel.
    fn place(&self, point: Point) -> Point {
        let (x, y) = self.chart.backend_coord(&point);
        let (left, top) = self.area.0.get_base_pixel();
        (f64::from(x - left) / UNIT, f64::from(y - top) / UNIT)
    }

    fn shows(&self, (x, y): Point) -> bool {
        self.panel.x.shows(x) && self.panel.y.shows(y)
    }

    fn draw(&self, layer: &Layer) -> Drawn {
        match layer {
            Layer::Line(points, stroke) => {
                let dots = points.len() <= DOTS && stroke.width > 1.5;
                let mut parts = points.split(|point| !self.shows(*point));
                parts.try_for_each(|part| self.line(part, *stroke, dots || part.len() == 1))
            }
            Layer::Band(points, colour) => {
                let shown = |(x, low, high): &_| self.shows((*x, *low)) && self.shows((*x, *high));
                let shown: Vec<_> = points.iter().copied().filter(shown).collect();
                let mut corners = low_ends(&shown);
                corners.extend(high_ends(&shown).into_iter().rev());
                let band = Polygon::new(corners, colour.filled());
                self.chart.plotting_area().draw(&band)
            }
            Layer::Text(text, at, h) => {
                let ((x, y), up) = (self.place(*at), if at.1 < 0.0 { -8.0 } else { 8.0 });
                let place = match h {
                    HPos::Left => (x + 6.0, y),
                    HPos::Right => (x - 6.0, y),
                    HPos::Center => (x, y - up),
                };
                self.area.text_over(text, NAME, *h, place)
            }
            Layer::Mark(text, at) if self.shows(*at) => self.mark(text, *at),
            Layer::Mark(..) => Ok(()),
        }
    }

    /// A line with round corners, and dots on its points if they are asked for.
    fn line(&self, points: &[Point], stroke: Stroke, dots: bool) -> Drawn {
        let style = line(stroke.colour, stroke.width);
        let (area, path) = (self.chart.plotting_area(), points.to_vec());
        let dash = if stroke.width > 1.5 { u(6.0) } else { u(4.0) };
        if stroke.dashed {
            area.draw(&DashedPathElement::new(path, dash, u(4.5), style))?;
        }
        // Plotters draws a path with sharp corners, which stand out where a line is rough.
        for pair in points.windows(2).filter(|_| !stroke.dashed) {
            area.draw(&PathElement::new(pair.to_vec(), style))?;
        }
        let radius = if dots { 3.0 } else { stroke.width / 2.0 };
        for point in points.iter().filter(|_| dots || !stroke.dashed) {
            area.draw(&Circle::new(*point, u(radius), stroke.colour.filled()))?;
        }
        Ok(())
    }

    /// A ring around a point, and a text near it where it covers the least of the lines.
    fn mark(&self, text: &str, at: Point) -> Drawn {
        let ((x, y), [left, top, right, bottom]) = (self.place(at), self.ends);
        let text = TEXT.fit(text, LONGEST);
        let half = TEXT.width(&text) / 2.0 + 2.0;
        let middle = x.max(left + half).min(right - half);
        let rows = [-1.0, 1.0, -2.0, 2.0, -3.0, 3.0].map(|row| (middle, y + 17.0 * row));
        let beside = [1.0, -1.0].map(|side| (x + side * (half + 8.0), y));
        let traced = self.traced();
        let cost = |&&(cx, cy): &&Point| {
            let over = |&&(px, py): &&Point| (px - cx).abs() < half && (py - cy).abs() < 9.0;
            let across = cx - half >= left && cx + half <= right;
            let inside = across && cy - 9.0 >= top && cy + 9.0 <= bottom;
            (!inside, traced.iter().filter(over).count())
        };
        let places = [&rows[..2], &beside, &rows[2..]].concat();
        let place = *places.iter().min_by_key(cost).unwrap_or(&at);
        for (radius, colour) in [(5.5, WHITE), (5.0, VALIDATION), (2.5, WHITE)] {
            let ring = Circle::new((u(x), u(y)), u(radius), colour.filled());
            self.area.0.draw(&ring)?;
        }
        self.area.text_over(&text, TEXT, HPos::Center, place)
    }

    /// Places along all lines, close enough together to see what a text covers.
    fn traced(&self) -> Vec<Point> {
        let mut places = Vec::new();
        for layer in &self.panel.layers {
            let points = if let Layer::Line(points, _) = layer {
                &points[..]
            } else {
                &[]
            };
            for part in points.split(|point| !self.shows(*point)) {
                for pair in part.windows(2) {
                    let [(x, y), end] = [pair[0], pair[1]].map(|point| self.place(point));
                    let (dx, dy) = (end.0 - x, end.1 - y);
                    let along = (0..=50).map(|i| f64::from(i) / 50.0);
                    places.extend(along.map(|share| (x + dx * share, y + dy * share)));
                }
            }
        }
        places
    }
}
