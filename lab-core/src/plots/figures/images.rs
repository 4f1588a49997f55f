//! Images side by side, each pixel a crisp square.

use ndarray::{Array3, ArrayView3};
use plotters::element::Rectangle;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::super::figure::{Area, Figure, Page};
use super::super::theme::{DENSITY, MARGIN, TICK, WIDTH, fill, u};
use super::{listed, nothing};
use crate::data::Dataset;
use crate::error::{LabError, Result};

/// White between two images, across and down.
const GAP: f64 = 10.0;
/// A line of a caption.
const LINE: f64 = 16.0;
/// Device pixels that a pixel of an image has at most.
const LARGEST: usize = 8;

/// A grid of images of shape (height, width, 3), or (height, width, 1) for grey ones, with a caption under each.
///
/// Captions may be empty, have lines of their own, and take two lines at most.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train;
/// let frog = train.image(0).map(|image| image.to_owned()).unwrap_or_default();
/// let figure = figures::images("A frog, twice", &[(frog.clone(), "once".into()), (frog, "again".into())], 2)?;
/// assert!(figure.alt().contains("2 images: once, again"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no images or columns, and for images that are too large for the figure;
/// [`LabError::Shape`] for an image without pixels or with another number of channels.
pub fn images(title: &str, images: &[(Array3<u8>, String)], columns: usize) -> Result<Figure> {
    let views: Vec<_> = images
        .iter()
        .map(|(image, caption)| (image.view(), caption.clone()))
        .collect();
    grid(title, String::new(), &views, columns)
}

/// A grid of images of a data set, with the names of their classes as captions.
///
/// ```
/// use lab_core::prelude::*;
/// let figure = figures::samples("The first ten", &Cifar10::sample().train, &(0..10).collect::<Vec<_>>(), 5)?;
/// assert!(figure.alt().starts_with("The first ten: 10 images: "));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// As for [`images`], and [`LabError::Value`] for an index past the end.
pub fn samples(title: &str, data: &Dataset, indices: &[usize], columns: usize) -> Result<Figure> {
    let chosen = data.subset(indices)?;
    let caption = |i: usize| Some(data.class_names()[usize::from(chosen.label(i)?)].clone());
    let views: Vec<_> = (0..chosen.len())
        .filter_map(|i| Some((chosen.image(i)?, caption(i)?)))
        .collect();
    grid(title, String::new(), &views, columns)
}

/// The grid, with a line under the title.
pub(super) fn grid(
    title: &str,
    subtitle: String,
    images: &[(ArrayView3<'_, u8>, String)],
    columns: usize,
) -> Result<Figure> {
    if images.is_empty() {
        return Err(nothing("images", "give at least one image"));
    }
    if columns == 0 {
        return Err(LabError::value(
            "columns",
            "0",
            "at least 1",
            "5 or 10 are usual",
        ));
    }
    let wrong = |image: &ArrayView3<u8>| image.is_empty() || !matches!(image.dim().2, 1 | 3);
    if let Some((image, _)) = images.iter().find(|(image, _)| wrong(image)) {
        let (found, expected) = (
            format!("{:?}", image.shape()),
            "(height, width, 3) or (height, width, 1)",
        );
        return Err(LabError::shape(
            "image",
            found,
            expected,
            "put the channels last",
        ));
    }
    let columns = columns.min(images.len());
    let most = |of: fn((usize, usize, usize)) -> usize| {
        images
            .iter()
            .map(|(image, _)| of(image.dim()))
            .max()
            .unwrap_or(1)
    };
    let (height, width) = (most(|shape| shape.0), most(|shape| shape.1));
    let room = (WIDTH - 2.0 * MARGIN + GAP) / columns as f64 - GAP;
    // A whole number of device pixels for each of the image's keeps all of them equal.
    let scale = ((room * f64::from(DENSITY) / width as f64).floor().max(0.0) as usize).min(LARGEST);
    if scale == 0 {
        let found = format!("{columns} columns of images {width} pixels wide");
        let expected = format!(
            "at most {} pixels in all",
            (WIDTH * f64::from(DENSITY)) as usize
        );
        return Err(LabError::value(
            "images",
            found,
            expected,
            "take fewer columns or smaller images",
        ));
    }
    let css = scale as f64 / f64::from(DENSITY);
    let (across, down) = (css * width as f64, css * height as f64);
    // Captions may be wider than small images, as long as the whole fits.
    let cell = across.max((room - 2.0).min(72.0).floor());
    let wrap = |caption: &String| -> Vec<String> {
        let mut lines: Vec<String> = caption
            .lines()
            .flat_map(|line| TICK.wrap(line, cell + GAP - 4.0, 2))
            .collect();
        lines.truncate(2);
        lines
    };
    let captions: Vec<Vec<String>> = images.iter().map(|(_, caption)| wrap(caption)).collect();
    let lines = captions.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let row = down + if lines > 0.0 { LINE * lines + 6.0 } else { 0.0 } + GAP;
    let total = row * images.len().div_ceil(columns) as f64 - GAP;
    let width = ((cell + GAP) * columns as f64 - GAP).max(320.0);
    let named: Vec<String> = images
        .iter()
        .map(|(_, caption)| caption.replace('\n', " "))
        .filter(|c| !c.is_empty())
        .collect();
    let captions_text = if named.is_empty() {
        String::new()
    } else {
        format!(": {}", listed(&named, ", ", 30))
    };
    let plural = if images.len() == 1 { "" } else { "s" };
    let note = if subtitle.is_empty() {
        String::new()
    } else {
        format!(" ({subtitle})")
    };
    let alt = format!(
        "{title}: {} image{plural}{captions_text}{note}",
        images.len()
    );
    Page {
        title,
        subtitle,
        legend: vec![],
        width,
        height: total,
    }
    .draw(alt, |area| {
        images
            .iter()
            .zip(&captions)
            .enumerate()
            .try_for_each(|(i, ((image, _), caption))| {
                let (x, y) = (
                    (i % columns) as f64 * (cell + GAP),
                    (i / columns) as f64 * row,
                );
                let left = x + ((cell - css * image.dim().1 as f64) / 2.0).floor();
                draw_image(area, image, (left, y), css)?;
                caption.iter().zip(0..).try_for_each(|(line, number)| {
                    let below = y + down + 10.0 + LINE * f64::from(number);
                    Ok(area.draw_text(
                        line,
                        &TICK.style(HPos::Center),
                        (u(x + cell / 2.0), u(below)),
                    )?)
                })
            })
    })
}

/// Each pixel of the image as a square with sides of `css` pixels.
pub(crate) fn draw_image(
    area: &Area<'_>,
    image: &ArrayView3<u8>,
    (x, y): (f64, f64),
    css: f64,
) -> Result<()> {
    for (row, pixels) in image.outer_iter().enumerate() {
        for (column, pixel) in pixels.outer_iter().enumerate() {
            let colour = match *pixel.to_vec() {
                [r, g, b] => RGBColor(r, g, b),
                [grey, ..] => RGBColor(grey, grey, grey),
                [] => continue,
            };
            let corner =
                |across: usize, down: usize| (u(x + css * across as f64), u(y + css * down as f64));
            area.draw(&Rectangle::new(
                [corner(column, row), corner(column + 1, row + 1)],
                fill(colour),
            ))?;
        }
    }
    Ok(())
}
