//! Images side by side, each pixel a crisp square.

use lab_core::ndarray::{self, Array3};

use super::check_any;
use crate::draw::*;
use crate::numbers::listed;
use crate::prelude::*;

/// White between two images, across and down.
const GAP: f64 = 10.0;
/// A line of a caption.
const LINE: f64 = 16.0;
/// Pixels of the picture that an image is wide at most.
const LARGEST: f64 = 256.0;

/// A grid of images of shape (height, width, 3), or (height, width, 1) for grey ones, with a caption under each.
///
/// Captions may be empty, have lines of their own, and take two lines at most.
///
/// ```
/// use lab_notebook::prelude::*;
/// let train = Cifar10::sample().train;
/// let frog = train.image(0).map(|image| image.to_owned()).unwrap_or_default();
/// let figure = figures::images("A frog, twice", &[(frog.clone(), "once".into()), (frog, "again".into())], 2)?;
/// assert!(figure.alt.contains("2 images; once, again"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no images or columns, and for images that are too large for the figure;
/// [`LabError::Shape`] for an image without pixels or with another number of channels.
pub fn images(title: &str, images: &[(Array3<u8>, String)], columns: usize) -> Result<Figure> {
    grid(Page::new(title, 0.0), images, columns)
}

/// A grid of images of a data set, with the names of their classes as captions.
///
/// ```
/// use lab_notebook::prelude::*;
/// let figure = figures::samples("The first ten", &Cifar10::sample().train, &(0..10).collect::<Vec<_>>(), 5)?;
/// assert!(figure.alt.starts_with("The first ten: 10 images; "));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// As for [`images`], and [`LabError::Value`] for an index past the end.
pub fn samples(title: &str, data: &Dataset, indices: &[usize], columns: usize) -> Result<Figure> {
    let chosen = data.subset(indices)?;
    let name = |label: u8| data.class_names()[usize::from(label)].clone();
    let pair = |i: usize| Some((chosen.image(i)?.to_owned(), name(chosen.label(i)?)));
    let pairs: Vec<_> = (0..chosen.len()).filter_map(pair).collect();
    grid(Page::new(title, 0.0), &pairs, columns)
}

/// An image and its caption.
type Captioned = (Array3<u8>, String);

/// The grid on a page, whose size it sets.
pub(super) fn grid(mut page: Page<'_>, images: &[Captioned], columns: usize) -> Result<Figure> {
    check_any(images.len(), "images")?;
    check_any(columns, "columns")?;
    let fits = |image: &Array3<u8>| !image.is_empty() && matches!(image.dim().2, 1 | 3);
    if let Some((image, _)) = images.iter().find(|(image, _)| !fits(image)) {
        let found = format!("{:?}", image.shape());
        let expected = "(height, width, 3) or (height, width, 1)";
        let remedy = "put the channels last";
        return Err(LabError::shape("image", found, expected, remedy));
    }
    let (columns, density) = (columns.min(images.len()), f64::from(DENSITY));
    let room = (WIDTH + GAP) / columns as f64 - GAP;
    let (mut height, mut width, mut named) = (1, 1, Vec::new());
    for (image, caption) in images {
        (height, width) = (image.dim().0.max(height), image.dim().1.max(width));
        named.push(caption.replace('\n', " "));
    }
    // A whole number of the picture's pixels for each of the image's keeps all of them equal.
    let fine = ((room * density).min(LARGEST) / width as f64).floor();
    let scale = fine.max(1.0) / density;
    let (across, down) = (scale * width as f64, scale * height as f64);
    // Captions may be wider than small images, as long as the whole fits.
    let cell = across.max((room - 2.0).min(72.0).floor());
    let wrap = |caption: &String| TICK.wrap(caption, cell + GAP - 4.0, 2);
    let captions: Vec<_> = images.iter().map(|(_, it)| wrap(it)).collect();
    let most = captions.iter().map(Vec::len).max().unwrap_or(0);
    let row = down + LINE * most as f64 + if most > 0 { 6.0 } else { 0.0 } + GAP;
    page.size.0 = ((cell + GAP) * columns as f64 - GAP).max(320.0);
    page.size.1 = row * images.len().div_ceil(columns) as f64 - GAP;
    named.retain(|caption| !caption.is_empty());
    let plural = if images.len() == 1 { "" } else { "s" };
    let count = format!("{} image{plural}", images.len());
    page.words = vec![count, listed(&named, 30)];
    page.words.retain(|words| !words.is_empty());
    page.draw(|area| {
        for (i, ((image, _), caption)) in images.iter().zip(&captions).enumerate() {
            let x = (cell + GAP) * (i % columns) as f64 + cell / 2.0;
            let y = row * (i / columns) as f64;
            draw_image(area, image, (x, y), (scale, down), caption)?;
        }
        Ok(())
    })
}

/// An image centred at `x` with each pixel a square of `side` CSS pixels, and lines of text centred below `down`.
pub(crate) fn draw_image(
    area: &Area<'_>,
    image: &Array3<u8>,
    (x, y): Point,
    (side, down): (f64, f64),
    caption: &[String],
) -> Drawn {
    let left = (x - side * image.dim().1 as f64 / 2.0).floor();
    for ((row, column), _) in image.index_axis(ndarray::Axis(2), 0).indexed_iter() {
        let channel = |at: usize| image[[row, column, at.min(image.dim().2 - 1)]];
        let colour = RGBColor(channel(0), channel(1), channel(2));
        let (x, y) = (left + side * column as f64, y + side * row as f64);
        area.fill((x, y), (x + side, y + side), colour)?;
    }
    for (number, line) in caption.iter().enumerate() {
        let place = (x, y + down + 10.0 + LINE * number as f64);
        area.text(line, TICK, HPos::Center, place)?;
    }
    Ok(())
}
