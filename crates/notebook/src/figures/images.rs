//! Images side by side, each pixel a crisp square.

use lab_core::ndarray::{self, Array3};

use super::{check_any, listed};
use crate::draw::*;
use crate::prelude::*;

/// White between two images, across and down.
const GAP: f64 = 10.0;
/// A line of a caption.
const LINE: f64 = 16.0;
/// Pixels of the picture that a pixel of an image has at most.
const LARGEST: f64 = 8.0;

/// A grid of images of shape (height, width, 3), or (height, width, 1) for grey ones, with a caption under each.
///
/// Captions may be empty, have lines of their own, and take two lines at most.
///
/// ```
/// use lab_notebook::prelude::*;
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
    grid(title, "", images, columns)
}

/// A grid of images of a data set, with the names of their classes as captions.
///
/// ```
/// use lab_notebook::prelude::*;
/// let figure = figures::samples("The first ten", &Cifar10::sample().train, &(0..10).collect::<Vec<_>>(), 5)?;
/// assert!(figure.alt().starts_with("The first ten: 10 images: "));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// As for [`images`], and [`LabError::Value`] for an index past the end.
pub fn samples(title: &str, data: &Dataset, indices: &[usize], columns: usize) -> Result<Figure> {
    let chosen = data.subset(indices)?;
    let mut images = Vec::new();
    for (i, label) in chosen.labels().into_iter().enumerate() {
        let image = chosen.image(i).map(|image| image.to_owned());
        let name = data.class_names()[usize::from(label)].clone();
        images.push((image.unwrap_or_default(), name));
    }
    grid(title, "", &images, columns)
}

/// The first image of each class side by side; of more than ten classes the first ten.
///
/// ```
/// use lab_notebook::prelude::*;
/// assert!(figures::thumbnails(&Cifar10::sample().train)?.alt().contains("airplane, automobile"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no images, or images too large to stand side by side.
pub fn thumbnails(data: &Dataset) -> Result<Figure> {
    let labels = data.labels();
    let first = |class: usize| labels.iter().position(|label| usize::from(*label) == class);
    let first: Vec<usize> = (0..data.class_count()).filter_map(first).take(10).collect();
    samples("The first image of each class", data, &first, 10)
}

/// An image of the sample in which left and right, above and below are easily told.
const SAMPLE: usize = 4;

/// An image of the built-in sample before an augmentation, and five times after it, as seed 0 draws them.
///
/// ```
/// use lab_notebook::prelude::*;
/// let figure = figures::before_and_after(&Augmentation::new().horizontal_flip(0.5).rotation(15.0))?;
/// assert!(figure.alt().starts_with("An augmented image: 6 images: before, after"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// What [`Augmentation::validate`] finds.
pub fn before_and_after(augmentation: &Augmentation) -> Result<Figure> {
    let sample = Cifar10::sample().train.subset(&[SAMPLE])?;
    let mut all = Vec::new();
    if let Some(image) = sample.image(0) {
        let after = augmentation.draw(image, Seed(0), 5)?;
        all.push((image.to_owned(), "before".to_owned()));
        all.extend(after.into_iter().map(|image| (image, "after".to_owned())));
    }
    images("An augmented image", &all, 6)
}

fn check(images: &[(Array3<u8>, String)], columns: usize) -> Result<()> {
    check_any(images.len(), "images")?;
    check_any(columns, "columns")?;
    for (image, _) in images {
        if image.is_empty() || !matches!(image.dim().2, 1 | 3) {
            let found = format!("{:?}", image.shape());
            let expected = "(height, width, 3) or (height, width, 1)";
            let remedy = "put the channels last";
            return Err(LabError::shape("image", found, expected, remedy));
        }
    }
    Ok(())
}

/// The grid, with a line under the title.
pub(super) fn grid(
    title: &str,
    subtitle: &str,
    images: &[(Array3<u8>, String)],
    columns: usize,
) -> Result<Figure> {
    check(images, columns)?;
    let (columns, density) = (columns.min(images.len()), f64::from(DENSITY));
    let room = (WIDTH + GAP) / columns as f64 - GAP;
    let (mut height, mut width, mut named) = (1, 1, Vec::new());
    for (image, caption) in images {
        (height, width) = (image.dim().0.max(height), image.dim().1.max(width));
        named.push(caption.replace('\n', " "));
    }
    // A whole number of the picture's pixels for each of the image's keeps all of them equal.
    let scale = (room * density / width as f64).floor().clamp(1.0, LARGEST) / density;
    let (across, down) = (scale * width as f64, scale * height as f64);
    // Captions may be wider than small images, as long as the whole fits.
    let cell = across.max((room - 2.0).min(72.0).floor());
    let (mut captions, mut most) = (Vec::new(), 0);
    for (_, caption) in images {
        let mut lines = Vec::new();
        for line in caption.lines() {
            lines.extend(TICK.wrap(line, cell + GAP - 4.0, 2));
        }
        lines.truncate(2);
        most = lines.len().max(most);
        captions.push(lines);
    }
    let row = down + LINE * most as f64 + if most > 0 { 6.0 } else { 0.0 } + GAP;
    let mut page = Page::new(title, row * images.len().div_ceil(columns) as f64 - GAP);
    page.size.0 = ((cell + GAP) * columns as f64 - GAP).max(320.0);
    let plural = if images.len() == 1 { "" } else { "s" };
    page.alt = format!("{title}: {} image{plural}", images.len());
    named.retain(|caption| !caption.is_empty());
    if !named.is_empty() {
        page.alt += &format!(": {}", listed(&named, ", ", 30));
    }
    if !subtitle.is_empty() {
        page.alt += &format!(" ({subtitle})");
        page.subtitle = subtitle.to_owned();
    }
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
