//! The surface that plotters draws on: device pixels, with smooth edges and text in our own typeface.
//!
//! Lines are drawn by their distance from each pixel, areas by the share of each pixel that they cover.

use std::convert::Infallible;

use ab_glyph::{Font, Glyph, PxScale};
use ab_glyph_rasterizer::{Point, Rasterizer};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, FontTransform};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::theme::{TEXT, Type, device, font, shown, u};

/// Steps between nothing and full cover: enough for smooth edges, few enough that most figures fit a palette.
const STEPS: f32 = 12.0;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// Pixels in rows, and how many there are in a row.
pub(crate) struct Canvas<'a> {
    pub(super) pixels: &'a mut [[u8; 3]],
    pub(super) width: usize,
}

impl Canvas<'_> {
    fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// Lays a colour over the pixel, where there is one.
    fn blend(&mut self, x: i32, y: i32, colour: BackendColor, cover: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x >= self.width || y >= self.height() {
            return;
        }
        let share = (cover.min(1.0) * STEPS).round() / STEPS * colour.alpha as f32;
        let (r, g, b) = colour.rgb;
        let mix = |below: u8, above: u8| {
            (f32::from(below) + share * (f32::from(above) - f32::from(below))).round() as u8
        };
        let pixel = &mut self.pixels[y * self.width + x];
        *pixel = [mix(pixel[0], r), mix(pixel[1], g), mix(pixel[2], b)];
    }

    /// The whole pixels from `low` to `high`, as far as they lie on the canvas.
    fn span(low: f32, high: f32, size: usize) -> std::ops::Range<i32> {
        let size = size as f32;
        low.floor().clamp(0.0, size) as i32..high.ceil().clamp(0.0, size) as i32
    }

    /// A line through all points, in device pixels; no part of it is laid on twice.
    fn stroke(&mut self, points: &[(f32, f32)], width: f32, colour: BackendColor) {
        let reach = width / 2.0 + 1.0;
        let around = |points: &[(f32, f32)], this: &Self| {
            let low = points.iter().fold((f32::MAX, f32::MAX), |low, p| {
                (low.0.min(p.0), low.1.min(p.1))
            });
            let high = points.iter().fold((f32::MIN, f32::MIN), |high, p| {
                (high.0.max(p.0), high.1.max(p.1))
            });
            let xs = Self::span(low.0 - reach, high.0 + reach, this.width);
            (xs, Self::span(low.1 - reach, high.1 + reach, this.height()))
        };
        let (columns, rows) = around(points, self);
        let mut cover = vec![0.0f32; columns.len() * rows.len()];
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let (dx, dy) = (x1 - x0, y1 - y0);
            let (xs, ys) = around(pair, self);
            for y in ys {
                for x in xs.clone() {
                    let (px, py) = (x as f32 + 0.5 - x0, y as f32 + 0.5 - y0);
                    let along =
                        ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
                    let distance = (px - along * dx).hypot(py - along * dy);
                    let at =
                        (y - rows.start) as usize * columns.len() + (x - columns.start) as usize;
                    cover[at] = cover[at].max((width / 2.0 + 0.5 - distance).clamp(0.0, 1.0));
                }
            }
        }
        let places = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
        places
            .zip(cover)
            .filter(|(_, cover)| *cover > 0.0)
            .for_each(|((x, y), c)| self.blend(x, y, colour, c));
    }
}

fn to_device((x, y): BackendCoord) -> (f32, f32) {
    (device(x), device(y))
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let units = |pixels: usize| (pixels as f32 / device(1)).round() as u32;
        (units(self.width), units(self.height()))
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let mut points: Vec<_> = path.into_iter().map(to_device).collect();
        // Lines along the axes lie on whole pixels: a hairline between two would be grey and wide.
        if let [from, to] = &mut points[..] {
            if from.0 == to.0 {
                (from.0, to.0) = (from.0.round(), from.0.round());
            }
            if from.1 == to.1 {
                (from.1, to.1) = (from.1.round(), from.1.round());
            }
        }
        if style.color().alpha > 0.0 {
            self.stroke(&points, device(style.stroke_width() as i32), style.color());
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [from, (to.0, from.1), to, (from.0, to.1)];
        if !fill {
            return self.draw_path(corners.into_iter().chain([from]), style);
        }
        let ((x0, y0), (x1, y1)) = (to_device(from), to_device(to));
        let ((x0, x1), (y0, y1)) = ((x0.min(x1), x0.max(x1)), (y0.min(y1), y0.max(y1)));
        let part = |at: i32, low: f32, high: f32| high.min(at as f32 + 1.0) - low.max(at as f32);
        for y in Self::span(y0, y1, self.height()) {
            for x in Self::span(x0, x1, self.width) {
                self.blend(x, y, style.color(), part(x, x0, x1) * part(y, y0, y1));
            }
        }
        Ok(())
    }

    /// A disc; figures have no other circles.
    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        _: bool,
    ) -> Drawn {
        let centre = to_device(centre);
        self.stroke(&[centre, centre], device(2 * radius as i32), style.color());
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let (width, height) = (self.width, self.height());
        let clamped = |p| {
            let (x, y) = to_device(p);
            ab_glyph_rasterizer::point(x.clamp(0.0, width as f32), y.clamp(0.0, height as f32))
        };
        let corners: Vec<Point> = corners.into_iter().map(clamped).collect();
        let mut rasterizer = Rasterizer::new(width + 1, height + 1);
        let next = corners.iter().cycle().skip(1);
        corners
            .iter()
            .zip(next)
            .for_each(|(from, to)| rasterizer.draw_line(*from, *to));
        rasterizer.for_each_pixel_2d(|x, y, cover| {
            if cover > 0.0 {
                self.blend(x as i32, y as i32, style.color(), cover);
            }
        });
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let kind = kind(style);
        let font = font(kind.bold);
        let size = device(u(kind.size));
        let em = font.units_per_em().unwrap_or(1000.0);
        let scale = PxScale::from(size * font.height_unscaled() / em);
        let length = device(u(kind.width(text)));
        let mut along = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -length / 2.0,
            HPos::Right => -length,
        };
        // The middle of a text is that of its capitals.
        let below = match style.anchor().v_pos {
            VPos::Top => 0.95,
            VPos::Center => 0.36,
            VPos::Bottom => -0.25,
        };
        let upright = matches!(style.transform(), FontTransform::Rotate270);
        let (x0, y0) = to_device(at);
        // Whole pixels across the direction of reading keep the baseline sharp.
        let (x0, y0) = if upright {
            ((x0 + below * size).round(), y0)
        } else {
            (x0, (y0 + below * size).round())
        };
        for c in text.chars() {
            let id = font.glyph_id(shown(&font, c));
            let start = if upright { along } else { x0 + along };
            let glyph = Glyph {
                id,
                scale,
                position: ab_glyph::point(start, 0.0),
            };
            if let Some(outline) = font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                outline.draw(|x, y, cover| {
                    let (x, y) = (x as i32 + corner.x as i32, y as i32 + corner.y as i32);
                    let (x, y) = if upright {
                        (x0 as i32 + y, y0.round() as i32 - x)
                    } else {
                        (x, y0 as i32 + y)
                    };
                    self.blend(x, y, style.color(), cover);
                });
            }
            along += font.h_advance_unscaled(id) * size / em;
        }
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let kind = kind(style);
        Ok((u(kind.width(text)) as u32, u(1.25 * kind.size) as u32))
    }
}

/// Size and weight, in our own words.
fn kind<T: BackendTextStyle>(style: &T) -> Type {
    let bold = matches!(style.style(), FontStyle::Bold);
    Type {
        size: style.size() / f64::from(u(1.0)),
        bold,
        ..TEXT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::theme::{INK, SERIES, fill, line};
    use plotters::element::{Circle, PathElement, Polygon, Rectangle};
    use plotters::prelude::IntoDrawingArea;
    use plotters::style::{Color, RGBColor};

    /// Draws on 60 x 60 device pixels and gives them back.
    fn drawn(
        draw: impl FnOnce(&plotters::drawing::DrawingArea<Canvas<'_>, plotters::coord::Shift>),
    ) -> Vec<[u8; 3]> {
        let mut pixels = vec![[255; 3]; 3600];
        draw(
            &Canvas {
                pixels: &mut pixels,
                width: 60,
            }
            .into_drawing_area(),
        );
        pixels
    }

    /// The summed darkness of red, as a number of black pixels.
    fn dark(pixels: &[[u8; 3]]) -> f64 {
        pixels.iter().map(|p| f64::from(255 - p[0]) / 255.0).sum()
    }

    const BLACK: RGBColor = RGBColor(0, 0, 0);

    #[test]
    fn shapes_cover_as_many_pixels_as_their_area() {
        let rectangle = drawn(|a| {
            a.draw(&Rectangle::new(
                [(u(5.1), u(5.0)), (u(15.1), u(15.0))],
                fill(BLACK),
            ))
            .unwrap()
        });
        assert!(
            (dark(&rectangle) - 400.0).abs() < 12.0,
            "{}",
            dark(&rectangle)
        );
        let disc = drawn(|a| {
            a.draw(&Circle::new((u(15.0), u(15.0)), u(5.0), fill(BLACK)))
                .unwrap()
        });
        assert!((dark(&disc) - 314.0).abs() < 8.0, "{}", dark(&disc));
        let corners = vec![(u(5.0), u(5.0)), (u(25.0), u(5.0)), (u(5.0), u(25.0))];
        let triangle = drawn(|a| a.draw(&Polygon::new(corners, fill(BLACK))).unwrap());
        assert!(
            (dark(&triangle) - 800.0).abs() < 20.0,
            "{}",
            dark(&triangle)
        );
        let path = vec![(u(5.0), u(5.0)), (u(20.0), u(20.0)), (u(5.0), u(20.0))];
        let path = drawn(|a| a.draw(&PathElement::new(path, line(BLACK, 2.0))).unwrap());
        assert!(
            (dark(&path) - (42.4 + 30.0) * 4.0).abs() < 20.0,
            "{}",
            dark(&path)
        );
    }

    #[test]
    fn what_lies_outside_of_the_canvas_is_left_out() {
        let (far, style) = (u(1e4), fill(SERIES[0].mix(0.5)));
        let mut pixels = vec![[255; 3]; 3600];
        let mut canvas = Canvas {
            pixels: &mut pixels,
            width: 60,
        };
        canvas
            .draw_rect((far, far), (2 * far, 2 * far), &style, true)
            .unwrap();
        canvas
            .fill_polygon([(-far, -far), (-far, -far / 2), (-far / 2, -far)], &style)
            .unwrap();
        canvas
            .draw_path([(far, -far), (2 * far, far)], &line(INK, 2.0))
            .unwrap();
        canvas.draw_circle((-far, 0), 10, &style, true).unwrap();
        canvas
            .draw_text("text", &TEXT.style(HPos::Left), (far, far))
            .unwrap();
        assert!(pixels.iter().all(|p| *p == [255; 3]));
    }

    #[test]
    fn upright_text_is_the_text_turned() {
        let across = drawn(|a| {
            a.draw_text("mm", &TEXT.style(HPos::Left), (u(5.0), u(15.0)))
                .unwrap()
        });
        let upright = drawn(|a| {
            a.draw_text("mm", &TEXT.upright(HPos::Left), (u(15.0), u(25.0)))
                .unwrap()
        });
        assert!(
            (dark(&across) - dark(&upright)).abs() < 0.05 * dark(&across) && dark(&across) > 40.0
        );
        let rows = |pixels: &[[u8; 3]]| {
            pixels
                .chunks(60)
                .filter(|row| row.iter().any(|p| p[0] < 128))
                .count()
        };
        assert!(
            rows(&upright) > rows(&across) + 10,
            "{} {}",
            rows(&upright),
            rows(&across)
        );
    }
}
