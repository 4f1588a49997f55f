//! What the units of a first layer look for, as images.

use ndarray::Array3;

use super::super::figure::Figure;
use super::images::grid;
use super::nothing;
use crate::error::{LabError, Result};
use crate::model::Sequential;

/// The kernels of the first `count` units of a dense layer on the images, each as an image: grey is 0, and the greatest
/// weight of each unit, positive or negative, is at full strength.
///
/// ```
/// use lab_core::prelude::*;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let figure = figures::weights("Ten untrained units", &model, "dense", 10)?;
/// assert!(figure.alt().contains("kernels of 10 units"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a layer that the model does not have or a count of 0; [`LabError::Shape`] for a layer whose
/// inputs are not the pixels of an image.
pub fn weights(title: &str, model: &Sequential, layer: &str, count: usize) -> Result<Figure> {
    let kernel = model.weight(&format!("{layer}.kernel"))?;
    let (pixels, units) = (kernel.shape()[0], kernel.len() / kernel.shape()[0].max(1));
    let shape @ &[height, width, channels] = model.input_shape() else {
        let found = format!("{:?}", model.input_shape());
        return Err(LabError::shape(
            "input",
            found,
            "(height, width, channels)",
            "show a network that takes images",
        ));
    };
    if pixels != height * width * channels {
        let expected = format!(
            "({}, units) for images of {shape:?}",
            height * width * channels
        );
        let remedy = "name the first dense layer: only its inputs are pixels";
        return Err(LabError::shape(
            format!("{layer}.kernel"),
            format!("{:?}", kernel.shape()),
            expected,
            remedy,
        ));
    }
    let count = count.min(units);
    if count == 0 {
        return Err(nothing("count", "show at least one unit"));
    }
    let images: Vec<(Array3<u8>, String)> = (0..count)
        .map(|unit| {
            let of = |pixel: usize| kernel[[pixel, unit]];
            let most = (0..pixels)
                .map(|pixel| of(pixel).abs())
                .filter(|w| w.is_finite())
                .fold(f32::MIN_POSITIVE, f32::max);
            // What is not finite becomes 0 here, which the conversion of NaN would make black.
            let byte = |w: f32| 127.5 + 127.5 * if w.is_finite() { w / most } else { 0.0 };
            let image = Array3::from_shape_fn((height, width, channels), |(y, x, c)| {
                byte(of((y * width + x) * channels + c)).round() as u8
            });
            (image, String::new())
        })
        .collect();
    let views: Vec<_> = images
        .iter()
        .map(|(image, caption)| (image.view(), caption.clone()))
        .collect();
    let subtitle =
        format!("kernels of {count} units of {layer}; grey is 0, each to its own greatest weight");
    grid(title, subtitle, &views, if count <= 10 { 5 } else { 10 })
}
