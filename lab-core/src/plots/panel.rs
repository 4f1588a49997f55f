//! Axes with data between them: what all charts consist of.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::Cartesian2d;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor, TRANSPARENT};

use super::canvas::Canvas;
use super::figure::{Area, Figure, Key, Page};
use super::scale::{Axis, Scale};
use super::theme::{AXIS, GREY, GRID, NOTE, Stroke, TEXT, TICK, Type, WHITE, WIDTH, fill, line, u};
use crate::error::Result;

/// Something drawn in the coordinates of the data.
pub(crate) enum Layer {
    /// A line through the points, with gaps where a point has no place, and dots where there are few.
    Line {
        points: Vec<(f64, f64)>,
        stroke: Stroke,
    },
    /// A thin line without dots, however few points there are.
    Outline {
        points: Vec<(f64, f64)>,
        stroke: Stroke,
    },
    /// Between the second and the third number at each first one.
    Band {
        points: Vec<(f64, f64, f64)>,
        colour: RGBColor,
    },
    /// A box from one corner to the opposite one, with a text above it where there is room.
    Bar {
        from: (f64, f64),
        to: (f64, f64),
        colour: RGBColor,
        opacity: f64,
        text: String,
    },
    /// A ring with a text near it.
    Mark {
        at: (f64, f64),
        text: String,
        colour: RGBColor,
    },
    /// A thin dashed line.
    Guide { points: [(f64, f64); 2] },
}

/// Points up to which dots are drawn on a line.
const DOTS: usize = 30;
/// How wide a text above a point or bar may be.
const NEAR: f64 = 260.0;

type Chart<'a, 'b> = ChartContext<'a, Canvas<'b>, Cartesian2d<Scale, Scale>>;

/// Two axes and what is drawn between them.
pub(crate) struct Panel {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) layers: Vec<Layer>,
}

/// Panels in rows of `columns`, each `height` CSS pixels high, under one title and legend.
pub(crate) fn draw_panels(
    title: &str,
    subtitle: String,
    legend: Vec<Key>,
    panels: &[Panel],
    (columns, height): (usize, f64),
    alt: String,
) -> Result<Figure> {
    let rows = panels.len().div_ceil(columns);
    let (between, below) = (20.0, 14.0);
    let width =
        (WIDTH - 2.0 * super::theme::MARGIN - between * (columns - 1) as f64) / columns as f64;
    let total = height * rows as f64 + below * (rows.max(1) - 1) as f64;
    let page = Page {
        title,
        subtitle,
        legend,
        width: WIDTH - 2.0 * super::theme::MARGIN,
        height: total,
    };
    page.draw(alt, |area| {
        panels.iter().enumerate().try_for_each(|(i, panel)| {
            let (x, y) = (
                (i % columns) as f64 * (width + between),
                (i / columns) as f64 * (height + below),
            );
            panel.draw(
                &area.clone().shrink((u(x), u(y)), (u(width), u(height))),
                width,
                height,
            )
        })
    })
}

impl Panel {
    /// All values along one of the axes.
    pub(crate) fn values(&self, of: impl Fn((f64, f64)) -> f64) -> Vec<f64> {
        let points = self.layers.iter().flat_map(|layer| match layer {
            Layer::Line { points, .. } | Layer::Outline { points, .. } => points.clone(),
            Layer::Band { points, .. } => points
                .iter()
                .flat_map(|(x, a, b)| [(*x, *a), (*x, *b)])
                .collect(),
            Layer::Bar { from, to, .. } => vec![*from, *to],
            Layer::Mark { at, .. } => vec![*at],
            Layer::Guide { .. } => vec![],
        });
        points.map(of).collect()
    }

    pub(crate) fn draw(&self, area: &Area<'_>, width: f64, height: f64) -> Result<()> {
        let head = if self.y.label.is_empty() { 8.0 } else { 26.0 };
        let foot = if self.x.label.is_empty() { 24.0 } else { 41.0 };
        // The label of the upright axis stands above it, where it need not be read upright.
        area.draw_text(
            &NOTE.fit(&self.y.label, width),
            &NOTE.style(HPos::Left),
            (0, u(8.0)),
        )?;
        let y = self.y.scale(
            self.values(|p| p.1).into_iter(),
            ((height - head - foot) / 38.0).clamp(2.0, 6.0),
            0.06,
        );
        let left = y
            .labels
            .iter()
            .map(|label| TICK.width(label))
            .fold(14.0, f64::max)
            + 9.0;
        let x = self.x.along(&self.values(|p| p.0), width - left, 0.025);
        let x = self.named(x, width - left);
        // Half of a number at the end of the axis stands beyond it.
        let last = x.labels.last().filter(|_| self.x.names.is_empty());
        let right = last
            .map_or(4.0, |label| TICK.width(label) / 2.0 + 2.0)
            .max(6.0);
        let mut chart = ChartBuilder::on(area)
            .margin_top(u(head))
            .margin_right(u(right))
            .x_label_area_size(u(foot))
            .y_label_area_size(u(left))
            .build_cartesian_2d(x, y)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(line(GRID, 1.0))
            .axis_style(line(AXIS, 1.0))
            .set_all_tick_mark_size(u(3.0))
            .label_style(TICK.style(HPos::Center))
            .axis_desc_style(NOTE.style(HPos::Center));
        if !self.x.names.is_empty() {
            mesh.disable_x_mesh();
        }
        if !self.x.label.is_empty() {
            mesh.x_desc(NOTE.fit(&self.x.label, width - left));
        }
        mesh.draw()?;
        self.layers
            .iter()
            .try_for_each(|layer| self.draw_layer(&mut chart, layer))
    }

    /// The scale with the names along it cut to the room that each has.
    fn named(&self, mut scale: Scale, width: f64) -> Scale {
        let room = width / self.x.names.len().max(1) as f64 - 6.0;
        if !self.x.names.is_empty() {
            scale
                .labels
                .iter_mut()
                .for_each(|label| *label = TICK.fit(label, room));
        }
        scale
    }

    fn draw_layer(&self, chart: &mut Chart<'_, '_>, layer: &Layer) -> Result<()> {
        let shows = |(x, y): (f64, f64)| self.x.shows(x) && self.y.shows(y);
        match layer {
            Layer::Line { points, stroke } => {
                let style = line(stroke.colour, 2.0);
                for part in points.split(|p| !shows(*p)).filter(|part| !part.is_empty()) {
                    let path = part.to_vec();
                    if stroke.dashed {
                        chart.draw_series([DashedPathElement::new(path, u(6.0), u(5.0), style)])?;
                    } else {
                        chart.draw_series([PathElement::new(path, style)])?;
                    }
                    let few = points.len() <= DOTS || part.len() == 1;
                    let dots = part
                        .iter()
                        .filter(|_| few)
                        .map(|p| Circle::new(*p, u(3.0), fill(stroke.colour)));
                    chart.draw_series(dots)?;
                }
            }
            Layer::Outline { points, stroke } => {
                let parts = points.split(|p| !shows(*p)).filter(|part| !part.is_empty());
                let style = line(stroke.colour, 1.25);
                chart.draw_series(parts.map(|part| PathElement::new(part.to_vec(), style)))?;
            }
            Layer::Band { points, colour } => {
                for part in points.split(|(x, a, b)| !shows((*x, *a)) || !shows((*x, *b))) {
                    let below = part.iter().map(|(x, low, _)| (*x, *low));
                    let above = part.iter().rev().map(|(x, _, high)| (*x, *high));
                    let corners: Vec<_> = below.chain(above).collect();
                    chart.draw_series(
                        (corners.len() > 2).then(|| Polygon::new(corners, fill(colour.mix(0.2)))),
                    )?;
                }
            }
            Layer::Bar {
                from,
                to,
                colour,
                opacity,
                text,
            } if shows(*from) && shows(*to) => {
                chart.draw_series([Rectangle::new([*from, *to], fill(colour.mix(*opacity)))])?;
                let area = chart.plotting_area();
                let (left, right) = (area.map_coordinate(from), area.map_coordinate(to));
                let room = f64::from((right.0 - left.0).abs()) / f64::from(u(1.0));
                if !text.is_empty() && TICK.width(text) <= room + 6.0 {
                    let end = if to.1 >= 0.0 {
                        right.1 - u(8.0)
                    } else {
                        right.1 + u(8.0)
                    };
                    write_over(
                        &area.use_screen_coord(),
                        text,
                        ((left.0 + right.0) / 2, end),
                        TICK,
                    )?;
                }
            }
            Layer::Mark { at, text, colour } if shows(*at) => {
                self.draw_mark(chart, *at, text, *colour)?
            }
            Layer::Guide { points } if points.iter().all(|p| shows(*p)) => {
                let style = line(GREY, 1.0);
                chart.draw_series([DashedPathElement::new(
                    points.to_vec(),
                    u(4.0),
                    u(4.0),
                    style,
                )])?;
            }
            // What has no place is left out.
            Layer::Bar { .. } | Layer::Mark { .. } | Layer::Guide { .. } => {}
        }
        Ok(())
    }

    /// A ring around a point, and a text near it where it covers the least of the curves.
    fn draw_mark(
        &self,
        chart: &Chart<'_, '_>,
        at: (f64, f64),
        text: &str,
        colour: RGBColor,
    ) -> Result<()> {
        let area = chart.plotting_area();
        let (x, y) = area.map_coordinate(&at);
        let (columns, rows) = area.get_pixel_range();
        let text = TEXT.fit(text, NEAR);
        let (half, high) = (u(TEXT.width(&text) / 2.0 + 2.0), u(9.0));
        let curves = self.curve_pixels(chart);
        let (far, aside) = (u(17.0), half + u(8.0));
        let near = [
            (0, -far),
            (0, far),
            (aside, 0),
            (-aside, 0),
            (0, -2 * far),
            (0, 2 * far),
            (0, -3 * far),
            (0, 3 * far),
        ];
        let beside =
            [(-1, -1), (1, -1), (-1, 1), (1, 1)].map(|(dx, dy)| (dx * (aside + 3 * far), dy * far));
        let middle = |(dx, dy): (i32, i32)| {
            let inside = |at: i32, range: &std::ops::Range<i32>| {
                at.max(range.start + half).min(range.end - half)
            };
            (if dx == 0 { inside(x, &columns) } else { x + dx }, y + dy)
        };
        let badness = |(cx, cy): (i32, i32)| {
            let covered = curves
                .iter()
                .filter(|(px, py)| (px - cx).abs() < half && (py - cy).abs() < high)
                .count();
            let fits = cx - half >= columns.start
                && cx + half <= columns.end
                && rows.start <= cy - high
                && cy + high <= rows.end;
            (!fits, covered)
        };
        let place = near
            .into_iter()
            .chain(beside)
            .map(middle)
            .min_by_key(|place| badness(*place))
            .unwrap_or((x, y));
        let screen = area.use_screen_coord();
        for (radius, colour) in [(5.5, WHITE), (5.0, colour), (2.5, WHITE)] {
            screen.draw(&Circle::new((x, y), u(radius), fill(colour)))?;
        }
        write_over(&screen, &text, place, TEXT)
    }

    /// Places along all lines, close enough together to see what a text covers.
    fn curve_pixels(&self, chart: &Chart<'_, '_>) -> Vec<(i32, i32)> {
        let area = chart.plotting_area();
        let lines = self.layers.iter().filter_map(|layer| match layer {
            Layer::Line { points, .. } | Layer::Outline { points, .. } => Some(points),
            _ => None,
        });
        let pairs = lines.flat_map(|points| points.windows(2));
        let pairs = pairs.filter(|pair| {
            pair.iter()
                .all(|(x, y)| self.x.shows(*x) && self.y.shows(*y))
        });
        let pairs =
            pairs.map(|pair| (area.map_coordinate(&pair[0]), area.map_coordinate(&pair[1])));
        let between = |(a, b): ((i32, i32), (i32, i32))| {
            let steps = ((b.0 - a.0).abs().max((b.1 - a.1).abs()) / u(4.0)).max(1);
            let along = move |from: i32, to: i32, i: i32| from + (to - from) * i / steps;
            (0..=steps).map(move |i| (along(a.0, b.0, i), along(a.1, b.1, i)))
        };
        pairs.flat_map(between).collect()
    }
}

/// Writes centred at a place, with a white edge around the letters that keeps them apart from what they cover.
fn write_over(area: &Area<'_>, text: &str, (x, y): (i32, i32), kind: Type) -> Result<()> {
    for (dx, dy) in [
        (-1, -1),
        (0, -1),
        (1, -1),
        (-1, 0),
        (1, 0),
        (-1, 1),
        (0, 1),
        (1, 1),
    ] {
        let at = (x + dx * u(1.25), y + dy * u(1.25));
        area.draw(&Text::new(
            text,
            at,
            kind.coloured(WHITE).style(HPos::Center),
        ))?;
    }
    Ok(area.draw(&Text::new(text, (x, y), kind.style(HPos::Center)))?)
}
