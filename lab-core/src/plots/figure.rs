//! A finished picture, and how it gets into a notebook, a file, or a page.

use std::io::Write;
use std::path::Path;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{PathElement, Rectangle};
use plotters::prelude::IntoDrawingArea;
use plotters::style::text_anchor::HPos;

use super::canvas::Canvas;
use super::html::escape;
use super::notebook::show;
use super::theme::{DENSITY, MARGIN, NOTE, Stroke, TEXT, TITLE, fill, line, tint, u};
use crate::error::{LabError, Result};
use crate::files::write_whole;

/// A picture as PNG, drawn at twice its size on the page, with a text that says what is to be seen.
///
/// ```
/// use lab_core::prelude::*;
/// let figure = figures::bars("Images of each class", "images", &[("cat".into(), 5_000.0), ("dog".into(), 4_500.0)])?;
/// assert!(figure.alt().contains("cat 5,000"));
/// assert!(figure.to_html().starts_with("<img alt="));
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    png: Vec<u8>,
    alt: String,
    size: (u32, u32),
}

impl Figure {
    /// The file's bytes.
    pub fn png(&self) -> &[u8] {
        &self.png
    }

    /// What is to be seen, in words and numbers.
    pub fn alt(&self) -> &str {
        &self.alt
    }

    /// Width and height in CSS pixels; the picture has twice as many.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// An `<img>` that holds the whole picture and its text.
    pub fn to_html(&self) -> String {
        let (alt, width, data) = (escape(&self.alt), self.size.0, base64(&self.png));
        let style = "max-width:100%;height:auto";
        format!(
            "<img alt=\"{alt}\" width=\"{width}\" style=\"{style}\" src=\"data:image/png;base64,{data}\">"
        )
    }

    /// Writes the picture as a PNG file, whole or not at all.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), |file| file.write_all(&self.png))
    }

    /// Shows the picture in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.alt);
    }
}

/// A part of a figure that plotters draws on.
pub(crate) type Area<'a> = DrawingArea<Canvas<'a>, Shift>;

/// An entry of a legend.
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) stroke: Stroke,
    /// How strong the block is that stands for bars or areas; lines are drawn as lines.
    pub(crate) block: Option<f64>,
}

/// Everything around the data: title, a line in grey below it, legend, and the size that the data gets.
pub(crate) struct Page<'t> {
    pub(crate) title: &'t str,
    pub(crate) subtitle: String,
    pub(crate) legend: Vec<Key>,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The widths of what stands before a legend's name and between two entries.
const SWATCH: f64 = 24.0;
const BETWEEN: f64 = 18.0;

impl Page<'_> {
    /// Draws the frame and lets `content` draw the data below it.
    pub(crate) fn draw(
        self,
        alt: String,
        content: impl FnOnce(&Area<'_>) -> Result<()>,
    ) -> Result<Figure> {
        let title = TITLE.wrap(self.title, self.width, 3);
        let subtitle = NOTE.wrap(&self.subtitle, self.width, 3);
        let rows = self.legend_rows();
        let legend = rows
            .last()
            .map_or(0.0, |(row, ..)| 21.0 * (row + 1.0) + 4.0);
        let head = 22.0 * title.len() as f64 + 19.0 * subtitle.len() as f64 + legend + 6.0;
        let size = (self.width + 2.0 * MARGIN, self.height + head + 2.0 * MARGIN);
        let [width, height] = [size.0, size.1].map(|css| css.round() as u32);
        if width.max(height) > 8_000 {
            let found = format!("a picture of {width} x {height} pixels");
            return Err(LabError::value(
                "figure",
                found,
                "at most 8,000 each way",
                "show fewer things at a time",
            ));
        }
        let [across, down] = [width, height].map(|css| (css * DENSITY) as usize);
        let mut pixels = vec![[255; 3]; across * down];
        {
            let area = Canvas {
                pixels: &mut pixels,
                width: across,
            }
            .into_drawing_area();
            let mut y = MARGIN + 9.0;
            for (lines, kind, step) in [(&title, TITLE, 22.0), (&subtitle, NOTE, 19.0)] {
                for text in lines {
                    area.draw_text(text, &kind.style(HPos::Left), (u(MARGIN), u(y)))?;
                    y += step;
                }
            }
            for (key, (row, x, name)) in self.legend.iter().zip(&rows) {
                key.draw(&area, name, MARGIN + x, y + 4.0 + 21.0 * row)?;
            }
            let bottom = u(MARGIN + self.height);
            content(&area.margin(
                u(f64::from(height)) - bottom,
                u(MARGIN),
                u(MARGIN),
                u(MARGIN),
            ))?;
        }
        Ok(Figure {
            png: encode(&pixels, across as u32),
            alt,
            size: (width, height),
        })
    }

    /// For each entry the number of its row, its place in it, and its name as far as there is room.
    fn legend_rows(&self) -> Vec<(f64, f64, String)> {
        let (mut row, mut x) = (0.0, 0.0);
        let place = |key: &Key| {
            let name = TEXT.fit(&key.name, self.width - SWATCH);
            let width = SWATCH + TEXT.width(&name);
            if x > 0.0 && x + width > self.width {
                (row, x) = (row + 1.0, 0.0);
            }
            let at = x;
            x += width + BETWEEN;
            (row, at, name)
        };
        self.legend.iter().map(place).collect()
    }
}

impl Key {
    fn draw(&self, area: &Area<'_>, name: &str, x: f64, y: f64) -> Result<()> {
        let colour = self.stroke.colour;
        if let Some(strength) = self.block {
            area.draw(&Rectangle::new(
                [(u(x), u(y - 5.0)), (u(x + 18.0), u(y + 5.0))],
                fill(tint(colour, strength)),
            ))?;
        } else {
            let pieces: &[[f64; 2]] = if self.stroke.dashed {
                &[[0.0, 4.5], [6.8, 11.2], [13.5, 18.0]]
            } else {
                &[[0.0, 18.0]]
            };
            for piece in pieces {
                let points = piece.map(|along| (u(x + along), u(y)));
                area.draw(&PathElement::new(points.to_vec(), line(colour, 2.5)))?;
            }
        }
        Ok(area.draw_text(name, &TEXT.style(HPos::Left), (u(x + SWATCH), u(y)))?)
    }
}

/// Drawing in memory fails only where an area is laid out without room.
impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for LabError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        LabError::value(
            "figure",
            error.to_string(),
            "room for what is drawn",
            "show fewer things at a time",
        )
    }
}

/// The pixels as PNG: with a palette where 256 colours are enough, at the best compression.
fn encode(pixels: &[[u8; 3]], width: u32) -> Vec<u8> {
    let mut palette: Vec<[u8; 3]> = Vec::new();
    let mut numbers = std::collections::HashMap::new();
    let mut indices = Vec::with_capacity(pixels.len());
    for pixel in pixels {
        let number = *numbers.entry(*pixel).or_insert_with(|| {
            palette.push(*pixel);
            palette.len() - 1
        });
        if palette.len() > 256 {
            break;
        }
        indices.push(number as u8);
    }
    let write = |filter: png::Filter| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, pixels.len() as u32 / width);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(filter);
        let written = if palette.len() <= 256 {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette.concat());
            encoder
                .write_header()
                .and_then(|mut writer| writer.write_image_data(&indices))
        } else {
            encoder.set_color(png::ColorType::Rgb);
            encoder
                .write_header()
                .and_then(|mut writer| writer.write_image_data(&pixels.concat()))
        };
        debug_assert!(written.is_ok(), "memory takes every picture: {written:?}");
        bytes
    };
    let plain = write(png::Filter::NoFilter);
    if palette.len() <= 256 {
        return plain;
    }
    // Which of the two is smaller depends on whether there are more photographs or more lines.
    let filtered = write(png::Filter::Adaptive);
    if filtered.len() < plain.len() {
        filtered
    } else {
        plain
    }
}

/// Bytes as letters (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let three = [0, 1, 2].map(|i| u32::from(chunk.get(i).copied().unwrap_or(0)));
        let bits = three[0] << 16 | three[1] << 8 | three[2];
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { letter.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        cases
            .iter()
            .for_each(|(from, to)| assert_eq!(base64(from.as_bytes()), *to));
        assert_eq!(base64(&[251, 255]), "+/8=");
    }

    #[test]
    fn pictures_come_back_from_png_with_and_without_a_palette() {
        for colours in [200u32, 300] {
            let pixels: Vec<[u8; 3]> = (0..600)
                .map(|i| [(i % colours) as u8, (i % colours / 100) as u8, 7])
                .collect();
            let png = encode(&pixels, 30);
            let mut decoder = png::Decoder::new(std::io::Cursor::new(&png));
            decoder.set_transformations(png::Transformations::EXPAND);
            let mut reader = decoder.read_info().unwrap();
            let mut back = vec![0; 1800];
            reader.next_frame(&mut back).unwrap();
            assert_eq!(back, pixels.concat());
            assert_eq!(reader.info().palette.is_some(), colours == 200);
        }
    }

    #[test]
    fn a_text_cannot_become_markup_and_a_picture_keeps_its_size_on_the_page() {
        let figure = Figure {
            png: vec![1, 2, 3],
            alt: "\"<b>\"".into(),
            size: (760, 300),
        };
        let html = figure.to_html();
        assert!(
            html.contains("alt=\"&quot;&lt;b&gt;&quot;\" width=\"760\""),
            "{html}"
        );
        assert!(html.ends_with("base64,AQID\">"));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let figure = Figure {
            png: vec![],
            alt: String::new(),
            size: (1, 1),
        };
        assert!(
            figure
                .save("no/such/folder/a.png")
                .unwrap_err()
                .to_string()
                .contains("cannot write")
        );
    }
}
