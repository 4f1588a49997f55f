//! A finished picture, and how it gets into a notebook, a file, or a page.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lab_core::files::write_whole;

use crate::prelude::*;
use crate::show::{View, escape};

/// A picture as PNG, drawn at twice its size on the page, with a text that says what is to be seen.
///
/// ```
/// use lab_notebook::prelude::*;
/// let figure = figures::bars("Images of each class", "images", &[("cat".into(), 5_000.0), ("dog".into(), 4_500.0)])?;
/// assert!(figure.alt.contains("cat 5,000"));
/// assert!(figure.to_html().starts_with("<img alt="));
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The file's bytes.
    pub png: Vec<u8>,
    /// What is to be seen, in words and numbers.
    pub alt: String,
    /// Width and height in CSS pixels; the picture has twice as many.
    pub size: (u32, u32),
}

impl Figure {
    /// Writes the picture as a PNG file, whole or not at all.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), |file| file.write_all(&self.png))
    }
}

/// An `<img>` that holds the whole picture and its text.
impl Show for Figure {
    fn view(&self) -> View {
        let (alt, width, data) = (escape(&self.alt), self.size.0, STANDARD.encode(&self.png));
        let style = "max-width:100%;height:auto";
        let image = format!("<img alt=\"{alt}\" width=\"{width}\" style=\"{style}\"");
        let html = format!("{image} src=\"data:image/png;base64,{data}\">");
        View::new(html, &self.alt)
    }
}

/// The pixels as PNG, with a palette where 256 colours are enough.
pub(crate) fn encode(pixels: &[[u8; 3]], width: u32) -> Vec<u8> {
    let mut palette = pixels.to_vec();
    palette.sort_unstable();
    palette.dedup();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, pixels.len() as u32 / width);
    encoder.set_compression(png::Compression::High);
    encoder.set_color(png::ColorType::Rgb);
    let mut data = pixels.concat();
    if palette.len() <= 256 {
        let number = |pixel| palette.binary_search(pixel).unwrap_or_default() as u8;
        data = pixels.iter().map(number).collect();
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette.concat());
        encoder.set_filter(png::Filter::NoFilter);
    }
    let header = encoder.write_header();
    let written = header.and_then(|mut writer| writer.write_image_data(&data));
    debug_assert!(written.is_ok(), "memory takes every picture: {written:?}");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

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
