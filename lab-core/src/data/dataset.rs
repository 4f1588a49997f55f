//! A data set: images and labels that many views share.

use std::collections::HashSet;

use super::*;

/// Images of one shape with a label each, the names of the classes, and how pixels become floats.
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
}

impl Dataset {
    /// A data set of your own images `(count, height, width, channels)`, with a label for each.
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
            let (found, expected) = (shape(images.shape()), "count x height x width x channels");
            let remedy = "give at least one image with at least one pixel";
            return Err(LabError::shape("images", found, expected, remedy));
        }
        check_length("labels", labels.len(), count, "label for each image")?;
        let classes = class_names.len();
        check_range("class names", classes, 1..=256, "name every class")?;
        check_labels("labels", &labels, classes)?;
        let pixels = images.iter().copied().collect();
        let (records, shape) = (Records { pixels, labels }, [height, width, channels]);
        Ok(Self::from_records(records, class_names.into(), shape))
    }

    /// A data set whose parts are known to fit together.
    pub(super) fn from_records(of: Records, class_names: Arc<[String]>, shape: [usize; 3]) -> Self {
        Self {
            rows: (0..of.labels.len() as u32).collect(),
            pixels: Arc::new(of.pixels),
            labels: Arc::new(of.labels),
            class_names,
            shape,
            normalization: Arc::new(Normalization::unit(shape[2])),
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
        let label = |&row: &u32| self.labels[row as usize];
        self.rows.iter().map(label).collect()
    }

    /// The pixels of image `index` as `(height, width, channels)`, or `None` past the end; nothing is copied.
    pub fn image(&self, index: usize) -> Option<ArrayView3<'_, u8>> {
        let row = *self.rows.get(index)?;
        ArrayView3::from_shape(self.shape, self.row_pixels(row)).ok()
    }

    /// A copy of all images, in order, as `(count, height, width, channels)`.
    pub fn images(&self) -> Array4<u8> {
        let [height, width, channels] = self.shape;
        let pixels = self.rows.iter().flat_map(|&row| self.row_pixels(row));
        let pixels = pixels.copied().collect();
        Array4::from_shape_vec((self.len(), height, width, channels), pixels).unwrap_or_default()
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_count()];
        for label in self.labels() {
            counts[usize::from(label)] += 1;
        }
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
            let (expected, remedy) = (format!("below {}", self.len()), "count from 0");
            let row = self.rows.get(index).copied();
            row.ok_or_else(|| LabError::value("index", index, expected, remedy))
        };
        let rows = indices.iter().map(row).collect::<Result<_>>()?;
        Ok(self.with_rows(rows))
    }

    /// The mirror images, left and right exchanged.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let test = Cifar10::sample().test;
    /// assert_eq!(test.flipped()?.images()[[7, 5, 0, 2]], test.images()[[7, 5, 31, 2]]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// None for a data set that there is.
    pub fn flipped(&self) -> Result<Self> {
        let mut images = self.images();
        images.invert_axis(Axis(2));
        let flipped = Self::new(images, self.labels(), self.class_names().to_vec())?;
        flipped.with_normalization(self.normalization().clone())
    }

    /// The same images with another normalization; data sets begin with [`Normalization::unit`].
    ///
    /// # Errors
    /// [`LabError::Shape`] when the normalization has another number of channels than the images; [`LabError::Value`]
    /// when its values (read from a file, say) are unusable.
    pub fn with_normalization(mut self, normalization: Normalization) -> Result<Self> {
        self.normalization = Arc::new(normalization.checked(self.shape[2])?);
        Ok(self)
    }

    /// How the bytes become floats when a batch is gathered.
    pub fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// Changes with any pixel, any label, their order, and the normalization.
    pub(crate) fn content_hash(&self) -> String {
        let append = |word, &byte: &u8| word << 8 | u64::from(byte);
        let word = |bytes: &[u8]| bytes.iter().fold(0, append);
        let images = self.rows.iter().flat_map(|&row| {
            let label = u64::from(self.labels[row as usize]);
            self.row_pixels(row).chunks(8).map(word).chain([label])
        });
        let tables = self.normalization.tables();
        let values = tables.as_flattened().iter();
        content_hash(images.chain(values.map(|value| value.to_bits().into())))
    }

    /// Whether no pixel is above 1: bytes that were divided by 255 once already.
    pub(crate) fn is_dark(&self) -> bool {
        let mut rows = self.rows.iter();
        rows.all(|&row| self.row_pixels(row).iter().all(|&byte| byte <= 1))
    }

    /// How many images it shares with another view of the same pixels.
    pub(crate) fn shared_with(&self, other: &Self) -> usize {
        if !Arc::ptr_eq(&self.pixels, &other.pixels) {
            return 0;
        }
        let others: HashSet<_> = other.rows.iter().collect();
        self.rows.iter().filter(|row| others.contains(row)).count()
    }

    /// A view of the same images by other rows, which must be among this view's.
    pub(super) fn with_rows(&self, rows: Arc<[u32]>) -> Self {
        let view = self.clone();
        Self { rows, ..view }
    }

    /// The bytes of the image at `row` of the shared pixels.
    pub(super) fn row_pixels(&self, row: u32) -> &[u8] {
        let length: usize = self.shape.iter().product();
        &self.pixels[row as usize * length..][..length]
    }

    /// Two parts at random: `fraction` of the images, rounded to the nearest whole number, and the rest.
    ///
    /// The order is that of one Fisher-Yates shuffle of all images, which the seed determines on every machine.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let (train, validation) = Cifar10::sample().train.split(0.8, Seed(42))?;
    /// assert_eq!((train.len(), validation.len()), (800, 200));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a fraction outside (0, 1), or one that leaves a part empty.
    pub fn split(&self, fraction: f64, seed: Seed) -> Result<(Self, Self)> {
        let count = (self.len() as f64 * fraction).round();
        let first = self.first_part("split", fraction, count)?;
        Ok(self.cut(&self.shuffled_rows(seed), first))
    }

    /// Two parts at random, as [`split`](Self::split), in which every class is divided by `fraction` to within one image.
    ///
    /// The first part gets `fraction` of each class, rounded down. The images that it still lacks come from the classes
    /// with the largest remainders, one from each, the lowest label first among equals.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let (train, validation) = Cifar10::sample().train.split_stratified(0.8, Seed(42))?;
    /// assert_eq!((train.class_counts()[3], validation.class_counts()[3]), (80, 20));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a fraction outside (0, 1), or one that leaves a part empty.
    pub fn split_stratified(&self, fraction: f64, seed: Seed) -> Result<(Self, Self)> {
        let count = (self.len() as f64 * fraction).round();
        let first = self.first_part("split_stratified", fraction, count)?;
        let counts = self.class_counts();
        let exact: Vec<f64> = counts.iter().map(|&n| n as f64 * fraction).collect();
        let mut quotas: Vec<usize> = exact.iter().map(|quota| quota.floor() as usize).collect();
        let mut classes: Vec<usize> = (0..exact.len()).collect();
        classes.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
        let missing = first.saturating_sub(quotas.iter().sum());
        for class in classes.into_iter().take(missing) {
            quotas[class] += 1;
        }
        // One shuffle is enough: the first images of each class, in shuffled order, fill its quota.
        let rows = self.shuffled_rows(seed).into_iter();
        let (kept, rest): (Vec<u32>, Vec<u32>) = rows.partition(|&row| {
            let quota = &mut quotas[usize::from(self.labels[row as usize])];
            let keep = *quota > 0;
            *quota -= usize::from(keep);
            keep
        });
        Ok((self.with_rows(kept.into()), self.with_rows(rest.into())))
    }

    /// The images in order without the last `fraction`, and the last: what Keras does for `validation_split`.
    ///
    /// The first part has `floor(len × (1 − fraction))` images.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let all = Cifar10::sample().train;
    /// let (_, validation) = all.hold_out_last(0.2)?;
    /// assert_eq!(validation.labels(), all.labels()[800..]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a fraction outside (0, 1), or one that leaves a part empty.
    pub fn hold_out_last(&self, fraction: f64) -> Result<(Self, Self)> {
        let count = (self.len() as f64 * (1.0 - fraction)).floor();
        let first = self.first_part("hold_out_last", fraction, count)?;
        Ok(self.cut(&self.rows, first))
    }

    /// Checks that the fraction lies between 0 and 1, and that neither part is empty when the first has `count` images.
    fn first_part(&self, method: &str, fraction: f64, count: f64) -> Result<usize> {
        let place = format!("{method}: fraction");
        let remedy = "0.8 keeps four fifths in the first part";
        check_range(&place, fraction, above_zero(1.0), remedy)?;
        if !(1.0..self.len() as f64).contains(&count) {
            let images = thousands(self.len());
            let found = format!("{fraction} of {images} images, which leaves a part empty");
            let expected = "at least one image in each part";
            let remedy = "choose another fraction, or use more images";
            return Err(LabError::value(place, found, expected, remedy));
        }
        Ok(count as usize)
    }

    fn shuffled_rows(&self, seed: Seed) -> Vec<u32> {
        let mut rows = self.rows.to_vec();
        shuffle(&mut rows, &mut seed.generator(Purpose::Split, 0));
        rows
    }

    fn cut(&self, rows: &[u32], first: usize) -> (Self, Self) {
        let (a, b) = rows.split_at(first);
        (self.with_rows(a.into()), self.with_rows(b.into()))
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (images, shape) = (thousands(self.len()), shape(&self.shape));
        let classes = self.class_count();
        write!(f, "Dataset({images} images of {shape}, {classes} classes)")
    }
}

/// Labels as rows of zeros with a single one, `(labels, classes)`;
/// [`predicted_classes`](crate::metrics::predicted_classes) is the way back.
///
/// ```
/// use lab_core::{data::one_hot, metrics::predicted_classes};
/// let rows = one_hot(&[2, 0], 3)?;
/// assert_eq!(rows, ndarray::array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
/// assert_eq!(predicted_classes(rows.view())?, [2, 0]);
/// # Ok::<(), lab_core::LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a label that is not below `classes`.
pub fn one_hot(labels: &[u8], classes: usize) -> Result<Array2<f32>> {
    check_labels("labels", labels, classes)?;
    let one = |(row, class)| f32::from(u8::from(usize::from(labels[row]) == class));
    Ok(Array2::from_shape_fn((labels.len(), classes), one))
}

/// The 64-bit FNV-1a hash (Fowler, Noll and Vo, 1991) of words instead of bytes, in hexadecimal.
///
/// It does not protect against someone who wants two contents to look the same.
pub(crate) fn content_hash(words: impl IntoIterator<Item = u64>) -> String {
    let hash = words.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        // The product moves bits only upwards; the shift brings them down again.
        let product: u64 = (hash ^ word).wrapping_mul(0x0100_0000_01b3);
        product ^ (product >> 32)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_the_order_and_the_length_count() {
        let words: Vec<u64> = (0..20).map(|i| i * 0x0123_4567_89ab_cdef).collect();
        let hash = |words: &[u64]| content_hash(words.iter().copied());
        for bit in 0..64 * words.len() {
            let mut other = words.clone();
            other[bit / 64] ^= 1 << (bit % 64);
            assert_ne!(hash(&other), hash(&words), "bit {bit}");
        }
        let reversed: Vec<u64> = words.iter().rev().copied().collect();
        assert_ne!(hash(&reversed), hash(&words));
        assert_ne!(hash(&[0]), hash(&[0, 0]));
    }
}
