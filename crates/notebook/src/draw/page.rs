//! The sheet that a figure is drawn on: title, a line in grey below it, legend, and room for the data.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::IntoDrawingArea;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBAColor, RGBColor};
use plotters_bitmap::{BitMapBackend, BitMapBackendError};

use super::theme::*;
use crate::figure::encode;
use crate::prelude::*;

/// A place, or a size, across and down.
pub(crate) type Point = (f64, f64);

/// The result of drawing.
pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<BitMapBackendError>>;

/// A part of a page, with places in CSS pixels from its top left corner.
pub(crate) struct Area<'a>(pub(super) DrawingArea<BitMapBackend<'a>, Shift>);

impl Area<'_> {
    /// Writes with the middle of the capitals at the height of the place.
    pub(crate) fn text(&self, text: &str, font: Font, h: HPos, (x, y): Point) -> Drawn {
        let place = (u(x), u(y - font.above()));
        self.0.draw(&Text::new(text, place, font.style(h)))
    }

    /// A rectangle from one corner to the opposite one.
    pub(crate) fn fill(&self, from: Point, to: Point, colour: RGBColor) -> Drawn {
        let corners = [from, to].map(drawn);
        self.0.draw(&Rectangle::new(corners, colour.filled()))
    }

    /// The area inside of a line around it.
    pub(crate) fn polygon(&self, points: &[Point], colour: RGBAColor) -> Drawn {
        let points: Vec<_> = points.iter().copied().map(drawn).collect();
        self.0.draw(&Polygon::new(points, colour.filled()))
    }

    /// A line with round corners, and dots on its points if they are asked for.
    pub(super) fn line(&self, points: &[Point], stroke: Stroke, dots: bool) -> Drawn {
        let corners: Vec<_> = points.iter().copied().map(drawn).collect();
        let style = stroke.colour.stroke_width(u(stroke.width) as u32);
        let dash = if stroke.width > 1.5 { 6.0 } else { 4.0 };
        if stroke.dashed {
            let path = DashedPathElement::new(corners.clone(), u(dash), u(4.5), style);
            self.0.draw(&path)?;
        }
        // Plotters draws a path with sharp corners, which stand out where a line is rough.
        for pair in corners.windows(2).filter(|_| !stroke.dashed) {
            self.0.draw(&PathElement::new(pair.to_vec(), style))?;
        }
        let radius = if dots { 3.0 } else { stroke.width / 2.0 };
        let mut discs = points.iter().filter(|_| dots || !stroke.dashed);
        discs.try_for_each(|at| self.disc(*at, radius, stroke.colour))
    }

    /// A ring around a point.
    pub(super) fn ring(&self, at: Point) -> Drawn {
        let mut discs = [(5.5, WHITE), (5.0, VALIDATION), (2.5, WHITE)].into_iter();
        discs.try_for_each(|(radius, colour)| self.disc(at, radius, colour))
    }

    fn disc(&self, at: Point, radius: f64, colour: RGBColor) -> Drawn {
        let disc = Circle::new(drawn(at), u(radius), colour.filled());
        self.0.draw(&disc)
    }

    /// The part of `size` at a place.
    pub(crate) fn part(&self, place: Point, size: Point) -> Self {
        Area(self.0.clone().shrink(drawn(place), drawn(size)))
    }
}

/// A place as drawn pixels.
fn drawn((x, y): Point) -> (i32, i32) {
    (u(x), u(y))
}

/// What stands before a name in a legend.
#[derive(Clone, Copy)]
pub(crate) enum Swatch {
    Line(Stroke),
    Block(RGBColor),
    Ring,
}

impl Swatch {
    fn draw(self, area: &Area<'_>, (x, y): Point) -> Drawn {
        match self {
            Self::Ring => area.ring((x + 9.0, y)),
            Self::Block(colour) => area.fill((x, y - 5.0), (x + 18.0, y + 5.0), colour),
            Self::Line(stroke) => area.line(&[(x, y), (x + 18.0, y)], stroke, false),
        }
    }
}

/// A page to be drawn.
#[derive(Default)]
pub(crate) struct Page<'t> {
    pub(crate) title: &'t str,
    /// What stands in grey below the title.
    pub(crate) notes: Vec<String>,
    pub(crate) legend: Vec<(String, Swatch)>,
    /// The size of what stands below the legend, or of each of the panels there.
    pub(crate) size: (f64, f64),
    /// How many panels stand side by side, unless all do that have room.
    pub(crate) columns: Option<usize>,
    /// What is to be seen, in words, besides title and notes.
    pub(crate) words: Vec<String>,
}

/// The longest side of a figure.
const LONGEST: f64 = 4_000.0;
/// The widths of a swatch with the gap after it, and of the gap between two entries of a legend.
const SWATCH: f64 = 24.0;
const BETWEEN: f64 = 18.0;

impl<'t> Page<'t> {
    /// A page as wide as a figure may be.
    pub(crate) fn new(title: &'t str, height: f64) -> Self {
        let mut page = Self::default();
        (page.title, page.size) = (title, (WIDTH, height));
        page
    }

    /// Adds a line in grey below the title.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds an entry to the legend.
    pub(crate) fn key(&mut self, name: impl Into<String>, swatch: Swatch) {
        self.legend.push((name.into(), swatch));
    }

    /// Draws title and legend, and lets `content` draw the data below them.
    pub(crate) fn draw(self, content: impl FnOnce(&Area<'_>) -> Drawn) -> Result<Figure> {
        let title = TITLE.wrap(self.title, self.size.0, 3);
        let note = NOTE.wrap(&self.notes.join("; "), self.size.0, 3);
        let places = self.legend_places();
        let legend = places.last().map_or(0.0, |(_, y)| y + 25.0);
        let head = 22.0 * title.len() as f64 + 19.0 * note.len() as f64 + legend + 6.0;
        let around = 2.0 * MARGIN;
        let (width, height) = (self.size.0 + around, self.size.1 + head + around);
        let remedy = "show fewer things at a time, or smaller images";
        if width > WIDTH + around + 0.5 || height > LONGEST {
            let found = format!("a picture of {width:.0} x {height:.0} pixels");
            let expected = format!("at most {} x {LONGEST}", WIDTH + around);
            return Err(LabError::value("figure", found, expected, remedy));
        }
        let size = (width.round() as u32, height.round() as u32);
        let fine = (size.0 * UNIT as u32, size.1 * UNIT as u32);
        let mut pixels = vec![255; 3 * fine.0 as usize * fine.1 as usize];
        let draw = |area: Area<'_>| {
            let mut y = MARGIN + 9.0;
            for (lines, font, step) in [(&title, TITLE, 22.0), (&note, NOTE, 19.0)] {
                for line in lines {
                    area.text(line, font, HPos::Left, (MARGIN, y))?;
                    y += step;
                }
            }
            for ((name, swatch), place) in self.legend.iter().zip(&places) {
                let (x, y) = (MARGIN + place.0, y + 4.0 + place.1);
                swatch.draw(&area, (x, y))?;
                let name = TEXT.fit(name, self.size.0 - SWATCH);
                area.text(&name, TEXT, HPos::Left, (x + SWATCH, y))?;
            }
            let top = f64::from(size.1) - MARGIN - self.size.1;
            content(&area.part((MARGIN, top), self.size))
        };
        let area = BitMapBackend::with_buffer(&mut pixels, fine).into_drawing_area();
        let expected = "room for what is drawn";
        let failed = |e: DrawingAreaErrorKind<_>| LabError::value("figure", e, expected, remedy);
        draw(Area(area)).map_err(failed)?;
        let png = encode(&average(&pixels, fine.0 as usize), size.0 * DENSITY);
        let words = [self.words, self.notes].concat().join("; ");
        let alt = format!("{}: {words}", self.title);
        Ok(Figure { png, alt, size })
    }

    /// Where each entry of the legend stands: side by side as far as there is room.
    fn legend_places(&self) -> Vec<(f64, f64)> {
        let (mut places, mut x, mut y) = (Vec::new(), 0.0, 0.0);
        for (name, _) in &self.legend {
            let width = (SWATCH + TEXT.width(name)).min(self.size.0);
            if x > 0.0 && x + width > self.size.0 {
                (x, y) = (0.0, y + 21.0);
            }
            places.push((x, y));
            x += width + BETWEEN;
        }
        places
    }
}

/// A picture each of whose pixels is the mean of a square of those drawn; edges get few shades, so that most figures fit a
/// palette.
fn average(drawn: &[u8], width: usize) -> Vec<[u8; 3]> {
    const SIDE: usize = OVERSAMPLING as usize;
    const AREA: u32 = OVERSAMPLING * OVERSAMPLING;
    let mean = |rows: &[u8], column: usize, channel: usize| {
        let at = |i: usize| 3 * (i / SIDE * width + SIDE * column + i % SIDE) + channel;
        let sum: u32 = (0..SIDE * SIDE).map(|i| u32::from(rows[at(i)])).sum();
        match rows[at(0)] {
            first if sum == AREA * u32::from(first) => first,
            _ => ((sum / AREA + 7) / 15 * 15) as u8,
        }
    };
    let mut pixels = Vec::new();
    for rows in drawn.chunks_exact(3 * width * SIDE) {
        let pixel = |column| [0, 1, 2].map(|channel| mean(rows, column, channel));
        pixels.extend((0..width / SIDE).map(pixel));
    }
    pixels
}
