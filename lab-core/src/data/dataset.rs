//! A data set: images and labels that many views share.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use ndarray::{Array2, Array4, ArrayView3};

use super::normalize::{Normalization, Table};
use super::one_hot::spread;
use crate::checks::check_labels;
use crate::error::{LabError, Result};
use crate::fingerprint::Fingerprint;
use crate::text::thousands;

/// Images of one shape with a label each, the names of the classes, and how pixels become numbers.
///
/// A data set is a view: clones, splits and subsets share the pixels and hold only an order of rows, so all of them
/// are cheap.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train;
/// assert_eq!(format!("{train:?}"), "Dataset(1,000 images of 32 x 32 x 3, 10 classes)");
/// assert_eq!(train.class_names()[usize::from(train.labels()[0])], "frog");
/// ```
#[derive(Clone)]
pub struct Dataset {
    pub(super) pixels: Arc<Vec<u8>>,
    pub(super) labels: Arc<Vec<u8>>,
    pub(super) class_names: Arc<[String]>,
    /// The images of this view, in its order, as positions in `labels`.
    pub(super) rows: Arc<[u32]>,
    pub(super) shape: [usize; 3],
    pub(super) normalization: Arc<Normalization>,
    /// The normalized value of each byte, channel by channel.
    pub(super) table: Arc<[Table]>,
}

impl Dataset {
    /// A data set of one's own images `(count, height, width, channels)`, with a label for each.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// use ndarray::Array4;
    /// let names = vec!["dark".to_owned(), "light".to_owned()];
    /// let images = Array4::from_shape_fn((2, 28, 28, 1), |(i, ..)| if i == 0 { 30 } else { 220 });
    /// let data = Dataset::new(images, vec![0, 1], names)?;
    /// assert_eq!(data.image_shape(), [28, 28, 1]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`] for no images, empty images, or another number of labels than of images;
    /// [`LabError::Value`] for a number of classes outside 1 to 256 or a label that has no class.
    pub fn new(images: Array4<u8>, labels: Vec<u8>, class_names: Vec<String>) -> Result<Self> {
        let (count, height, width, channels) = images.dim();
        if images.is_empty() || u32::try_from(count).is_err() {
            let remedy = "give at least one image with at least one pixel";
            let expected = "count x height x width x channels";
            return Err(LabError::shape(
                "images",
                shape_text(images.shape()),
                expected,
                remedy,
            ));
        }
        if labels.len() != count {
            let (found, expected) = (
                format!("{} labels", labels.len()),
                format!("one for each of {count} images"),
            );
            return Err(LabError::shape(
                "labels",
                found,
                expected,
                "give as many labels as images",
            ));
        }
        let classes = class_names.len();
        if !(1..=256).contains(&classes) {
            let found = format!("{classes} names");
            return Err(LabError::value(
                "class_names",
                found,
                "1 to 256",
                "give a name per class",
            ));
        }
        check_labels("labels", &labels, classes)?;
        let pixels = if images.is_standard_layout() {
            let length = images.len();
            let (mut pixels, offset) = images.into_raw_vec_and_offset();
            pixels.drain(..offset.unwrap_or(0));
            pixels.truncate(length);
            pixels
        } else {
            images.iter().copied().collect()
        };
        Ok(Self::from_parts(
            pixels,
            labels,
            class_names.into(),
            [height, width, channels],
        ))
    }

    /// A data set whose parts are known to fit together.
    pub(super) fn from_parts(
        pixels: Vec<u8>,
        labels: Vec<u8>,
        class_names: Arc<[String]>,
        shape: [usize; 3],
    ) -> Self {
        let normalization = Normalization::unit(shape[2]);
        Self {
            rows: (0..labels.len() as u32).collect(),
            pixels: Arc::new(pixels),
            labels: Arc::new(labels),
            class_names,
            shape,
            table: normalization.table(),
            normalization: Arc::new(normalization),
        }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The `[height, width, channels]` of every image.
    pub fn image_shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The names of the classes; a label is a position among them.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The number of classes.
    pub fn class_count(&self) -> usize {
        self.class_names.len()
    }

    /// The label of image `index`, or `None` past the end.
    pub fn label(&self, index: usize) -> Option<u8> {
        self.rows.get(index).map(|&row| self.labels[row as usize])
    }

    /// All labels, in order.
    pub fn labels(&self) -> Vec<u8> {
        self.rows
            .iter()
            .map(|&row| self.labels[row as usize])
            .collect()
    }

    /// The pixels of image `index` as `(height, width, channels)`, or `None` past the end; nothing is copied.
    pub fn image(&self, index: usize) -> Option<ArrayView3<'_, u8>> {
        let row = *self.rows.get(index)?;
        ArrayView3::from_shape(self.shape, self.row_pixels(row)).ok()
    }

    /// A copy of all images, in order, as `(count, height, width, channels)`.
    pub fn images(&self) -> Array4<u8> {
        let [height, width, channels] = self.shape;
        let pixels: Vec<u8> = self
            .rows
            .iter()
            .flat_map(|&row| self.row_pixels(row))
            .copied()
            .collect();
        Array4::from_shape_vec((self.len(), height, width, channels), pixels).unwrap_or_default()
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_count()];
        self.rows
            .iter()
            .for_each(|&row| counts[usize::from(self.labels[row as usize])] += 1);
        counts
    }

    /// The first `count` images, or all where there are fewer.
    pub fn take(&self, count: usize) -> Self {
        self.with_rows(self.rows[..count.min(self.len())].into())
    }

    /// The images at `indices`, in that order; an index may come more than once.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let all = Cifar10::sample().train;
    /// let cats: Vec<usize> = (0..all.len()).filter(|&i| all.label(i) == Some(3)).collect();
    /// assert_eq!(all.subset(&cats)?.class_counts()[3], 100);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for an index past the end.
    pub fn subset(&self, indices: &[usize]) -> Result<Self> {
        let row = |&index: &usize| {
            self.rows
                .get(index)
                .copied()
                .ok_or_else(|| self.no_image(index))
        };
        Ok(self.with_rows(indices.iter().map(row).collect::<Result<_>>()?))
    }

    /// The labels as rows of zeros with a single one, `(count, classes)`.
    pub fn one_hot(&self) -> Array2<f32> {
        spread(&self.labels(), self.class_count())
    }

    /// The same images with another way from bytes to numbers; data sets begin with [`Normalization::unit`].
    ///
    /// # Errors
    /// [`LabError::Shape`] when the normalization has another number of channels than the images; [`LabError::Value`]
    /// when its numbers (read from a file, say) are unusable.
    pub fn with_normalization(self, normalization: Normalization) -> Result<Self> {
        normalization.check(self.shape[2])?;
        Ok(Self {
            table: normalization.table(),
            normalization: Arc::new(normalization),
            ..self
        })
    }

    /// How the bytes become numbers when a batch is gathered.
    pub fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// Sixteen digits that change with any pixel, any label, their order, and the normalization.
    pub(crate) fn fingerprint(&self) -> String {
        let mut fingerprint = Fingerprint::new();
        for &row in &*self.rows {
            fingerprint.bytes(self.row_pixels(row));
            fingerprint.number(self.labels[row as usize].into());
        }
        self.table
            .iter()
            .for_each(|table| fingerprint.floats(table));
        fingerprint.text()
    }

    /// Whether no pixel is above 1: bytes that were divided by 255 once already.
    pub(crate) fn is_dark(&self) -> bool {
        !self
            .rows
            .iter()
            .any(|&row| self.row_pixels(row).iter().any(|&byte| byte > 1))
    }

    /// How many images it shares with another view of the same pixels.
    pub(crate) fn shared_with(&self, other: &Self) -> usize {
        let others: HashSet<_> = other
            .rows
            .iter()
            .filter(|_| Arc::ptr_eq(&self.pixels, &other.pixels))
            .collect();
        self.rows.iter().filter(|row| others.contains(row)).count()
    }

    /// A view of the same images by other rows, which must be among this view's.
    pub(super) fn with_rows(&self, rows: Arc<[u32]>) -> Self {
        Self {
            rows,
            ..self.clone()
        }
    }

    /// The bytes of the image at `row` of the shared pixels.
    pub(super) fn row_pixels(&self, row: u32) -> &[u8] {
        let length: usize = self.shape.iter().product();
        &self.pixels[row as usize * length..][..length]
    }

    pub(super) fn no_image(&self, index: usize) -> LabError {
        LabError::value(
            "index",
            index.to_string(),
            format!("below {}", self.len()),
            "count from 0 to `len() - 1`",
        )
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (images, classes) = (thousands(self.len()), self.class_count());
        write!(
            f,
            "Dataset({images} images of {}, {classes} classes)",
            shape_text(&self.shape)
        )
    }
}

/// `32 x 32 x 3`.
pub(super) fn shape_text(shape: &[usize]) -> String {
    shape
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(" x ")
}
