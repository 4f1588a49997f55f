//! The windows of an image that convolution and pooling look at.

use super::*;

/// How windows lie at the edges of an image, as in Keras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Inside of the image.
    #[default]
    Valid,
    /// Over its edges, so that there are ⌈pixels / strides⌉ windows along an axis; an odd pixel of padding comes last.
    Same,
}

/// Windows of `size` (height, width), `strides` pixels apart.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    pub(super) size: [usize; 2],
    pub(super) strides: usize,
    pub(super) padding: Padding,
}

impl Windows {
    /// Rows and columns of windows on images of this shape.
    pub(super) fn output(&self, name: &str, input: &[usize]) -> Result<[usize; 2]> {
        let &[height, width, _] = input else {
            let (found, expected) = (format!("{input:?}"), "(height, width, channels)");
            let remedy = "put it before .flatten(), on images like [32, 32, 3]";
            return Err(LabError::shape(name, found, expected, remedy));
        };
        let usual = "1 to 3 pixels are usual";
        check_range(format!("{name}: strides"), self.strides, 1.., usual)?;
        for (size, pixels) in self.size.into_iter().zip([height, width]) {
            let most = match self.padding {
                Padding::Valid => pixels,
                Padding::Same => usize::MAX,
            };
            let remedy = "take smaller windows, or Padding::Same";
            check_range(format!("{name}: window"), size, 1..=most, remedy)?;
        }
        Ok(self.places([height, width]).map(|(count, _)| count))
    }

    /// For each axis the number of windows and the pixels by which the first begins before the image.
    pub(super) fn places(&self, image: [usize; 2]) -> [(usize, usize); 2] {
        [0, 1].map(|axis| {
            let (pixels, size) = (image[axis], self.size[axis]);
            match self.padding {
                Padding::Valid => ((pixels - size) / self.strides + 1, 0),
                Padding::Same => {
                    let count = pixels.div_ceil(self.strides);
                    let reach = ((count - 1) * self.strides).saturating_add(size);
                    (count, reach.saturating_sub(pixels) / 2)
                }
            }
        })
    }

    /// The pixels of window `number` that lie inside of the image, row by row.
    pub(super) fn pixels(
        &self,
        image: [usize; 2],
        number: usize,
    ) -> impl Iterator<Item = usize> + Clone + use<> {
        let [(_, top), (columns, left)] = self.places(image);
        let inside = |axis: usize, place: usize, before: usize| {
            let end = (place * self.strides).saturating_add(self.size[axis]) - before;
            (place * self.strides).saturating_sub(before)..end.min(image[axis])
        };
        let rows = inside(0, number / columns, top);
        let columns = inside(1, number % columns, left);
        let row = move |row| columns.clone().map(move |column| row * image[1] + column);
        rows.flat_map(row)
    }
}
