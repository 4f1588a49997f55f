//! Axes with data between them: what all charts consist of.

use plotters::chart::ChartBuilder;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBAColor, RGBColor, TRANSPARENT};

use super::axis::Axis;
use super::page::{Area, Drawn, Page, Point, Swatch};
use super::theme::*;
use crate::numbers::{listed, short};
use crate::prelude::*;

/// Something drawn in the coordinates of the data.
enum Layer {
    /// A line with gaps where a point has no place, and dots where there are few.
    Line(Vec<Point>, Stroke),
    /// Between the second and the third number at each first one.
    Band(Vec<(f64, f64, f64)>, RGBAColor),
    /// A text to the right or left of a point.
    Text(String, Point, HPos),
    /// A ring around a point.
    Ring(Point),
}

/// Points up to which dots are drawn on a line.
const DOTS: usize = 30;
/// How wide a name at an axis may be.
const LONGEST: f64 = 260.0;
/// The most things of a panel that are told in words.
const TOLD: usize = 40;

/// Two axes and what is drawn between them, with its entries in the legend and in the text of the figure.
#[derive(Default)]
pub(crate) struct Panel {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    layers: Vec<Layer>,
    pub(crate) legend: Vec<(String, Swatch)>,
    words: Vec<String>,
}

/// Draws panels in rows, under one legend.
pub(crate) fn draw_panels(mut page: Page<'_>, panels: &[Panel]) -> Result<Figure> {
    let (width, height) = page.size;
    let columns = page.columns.unwrap_or(panels.len().min(3));
    let (across, down) = ((width + 20.0) / columns as f64, height + 14.0);
    page.size.1 = down * panels.len().div_ceil(columns) as f64 - 14.0;
    panels.iter().for_each(|panel| panel.announce(&mut page));
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
        let panel = Self::default();
        Self { x, y, ..panel }
    }

    /// Brings its legend and its text onto the page.
    pub(crate) fn announce(&self, page: &mut Page<'_>) {
        let mut labels = [&self.y.label, &self.x.label].into_iter();
        let label = labels.find(|label| !label.is_empty() && !self.words.is_empty());
        let text = |label| format!("{label}: {}", listed(&self.words, TOLD));
        page.words.extend(label.map(text));
        for (name, swatch) in &self.legend {
            if page.legend.iter().all(|(known, _)| known != name) {
                page.key(name, *swatch);
            }
        }
    }

    /// Adds an entry to the legend of the page.
    pub(crate) fn key(&mut self, name: &str, swatch: Swatch) {
        self.legend.push((name.to_owned(), swatch));
    }

    /// Adds to what the figure says in words.
    pub(crate) fn tell(&mut self, words: String) {
        self.words.push(words);
    }

    /// A line with its entry in the legend, where it has a name, and its course in words.
    pub(crate) fn line(&mut self, name: &str, points: Vec<Point>, stroke: Stroke) {
        self.tell(format!("{name} {}", self.course(&points)));
        if !name.is_empty() {
            self.key(name, Swatch::Line(stroke));
        }
        self.path(points, stroke);
    }

    /// A line of which nothing is said.
    pub(crate) fn path(&mut self, points: Vec<Point>, stroke: Stroke) {
        self.layers.push(Layer::Line(points, stroke));
    }

    /// An area under all lines.
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

    /// A ring around a point, with its entry in the legend and in words.
    pub(crate) fn ring(&mut self, name: &str, at: Point) {
        self.key(name, Swatch::Ring);
        self.tell(name.to_owned());
        self.layers.push(Layer::Ring(at));
    }

    /// Whether a point has a place; others are gaps.
    pub(crate) fn shows(&self, (x, y): Point) -> bool {
        self.x.shows(x) && self.y.shows(y)
    }

    /// `from 2.07 at 1 to 1.6 at 5, lowest 1.45 at 4`.
    fn course(&self, points: &[Point]) -> String {
        let told = |(x, y): Point| format!("{} at {}", short(y), self.x.text(x));
        let shown = || points.iter().copied().filter(|point| self.shows(*point));
        let (Some(first), Some(last)) = (shown().next(), shown().next_back()) else {
            return "without a finite number".to_owned();
        };
        let mut course = format!("from {} to {}", told(first), told(last));
        for (word, sign) in [("lowest", 1.0), ("highest", -1.0)] {
            let extreme = shown().min_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)));
            let extreme = extreme.filter(|point| point.1 != first.1 && point.1 != last.1);
            course += &extreme.map_or(String::new(), |point| format!(", {word} {}", told(point)));
        }
        course
    }

    /// All points that the axes must hold.
    pub(crate) fn points(&self) -> Vec<Point> {
        let of = |layer: &Layer| match layer {
            Layer::Line(points, _) => points.clone(),
            Layer::Band(points, _) => {
                let ends = |(x, low, high): &(f64, f64, f64)| [(*x, *low), (*x, *high)];
                points.iter().flat_map(ends).collect()
            }
            Layer::Text(_, at, _) | Layer::Ring(at) => vec![*at],
        };
        self.layers.iter().flat_map(of).collect()
    }

    /// Draws the panel into an area of this size.
    pub(crate) fn draw(&self, area: &Area<'_>, (width, height): Point) -> Drawn {
        let head = if self.y.label.is_empty() { 8.0 } else { 26.0 };
        let foot = if self.x.label.is_empty() { 24.0 } else { 41.0 };
        let (xs, ys): (Vec<f64>, Vec<f64>) = self.points().into_iter().unzip();
        let most = ((height - head - foot) / 24.0).clamp(2.0, 8.0) as usize;
        let mut y = self.y.scale(&ys, most, 0.06);
        let left = (NAME.widest(&y.labels).clamp(14.0, LONGEST) + 10.0).round();
        let mut x = self.x.along(&xs, width - left);
        let numbers = self.x.names.is_empty();
        let each = (width - left) / x.labels.len().max(1) as f64;
        let room = if numbers { width } else { each - 6.0 };
        x.labels = x.labels.iter().map(|it| TICK.fit(it, room)).collect();
        y.labels = y.labels.iter().map(|it| NAME.fit(it, LONGEST)).collect();
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
        let thin = |colour: RGBColor| colour.stroke_width(u(0.7) as u32);
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(thin(GRID))
            .axis_style(thin(AXIS))
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
        let corner = area.0.get_base_pixel();
        let css = |drawn: i32, corner: i32| f64::from(drawn - corner) / UNIT;
        let place = |point: &Point| {
            let (x, y) = chart.plotting_area().map_coordinate(point);
            (css(x, corner.0), css(y, corner.1))
        };
        let mut layers: Vec<&Layer> = self.layers.iter().collect();
        layers.sort_by_key(|layer| !matches!(layer, Layer::Band(..)));
        let mut layers = layers.into_iter();
        layers.try_for_each(|layer| self.draw_layer(area, layer, place))
    }

    fn draw_layer(&self, area: &Area<'_>, layer: &Layer, place: impl Fn(&Point) -> Point) -> Drawn {
        match layer {
            Layer::Line(points, stroke) => {
                let dots = points.len() <= DOTS && stroke.width > 1.5;
                for part in points.split(|point| !self.shows(*point)) {
                    let places: Vec<Point> = part.iter().map(&place).collect();
                    area.line(&places, *stroke, dots || part.len() == 1)?;
                }
            }
            Layer::Band(points, colour) => {
                let mut shown = points.clone();
                shown.retain(|(x, low, high)| self.shows((*x, *low)) && self.shows((*x, *high)));
                let lower = shown.iter().map(|(x, low, _)| place(&(*x, *low)));
                let upper = shown.iter().rev().map(|(x, _, high)| place(&(*x, *high)));
                area.polygon(&lower.chain(upper).collect::<Vec<Point>>(), *colour)?;
            }
            Layer::Text(text, at, h) => {
                let (x, y) = place(at);
                let beside = if matches!(h, HPos::Left) { 6.0 } else { -6.0 };
                area.text(text, NAME, *h, (x + beside, y))?;
            }
            Layer::Ring(at) => area.ring(place(at))?,
        }
        Ok(())
    }
}
