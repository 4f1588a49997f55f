//! What the units of a first layer look for, as images.

use lab_core::ndarray::Array3;

use super::check_any;
use super::images::grid;
use crate::prelude::*;

/// The kernels of the first `count` units of a dense layer on the images, each as an image: grey is 0, and the greatest
/// weight of each unit, positive or negative, is at full strength.
///
/// ```
/// use lab_notebook::prelude::*;
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
    let name = format!("{layer}.kernel");
    let (kernel, input) = (model.weight(&name)?, model.input_shape());
    let &[height, width, channels] = input else {
        let (found, expected) = (format!("{input:?}"), "(height, width, channels)");
        let remedy = "show a network that takes images";
        return Err(LabError::shape("input", found, expected, remedy));
    };
    let (shape, pixels) = (kernel.shape(), height * width * channels);
    if shape[0] != pixels {
        let (found, expected) = (format!("{shape:?}"), format!("({pixels}, units)"));
        let remedy = "name the first dense layer: only its inputs are pixels";
        return Err(LabError::shape(name, found, expected, remedy));
    }
    let count = count.min(kernel.len() / pixels.max(1));
    check_any(count, "units")?;
    let mut images = Vec::new();
    for unit in 0..count {
        // What is not finite becomes 0, which the conversion of NaN would make black.
        let finite = |w: f32| if w.is_finite() { w } else { 0.0 };
        let of = |pixel: usize| finite(kernel[[pixel, unit]]);
        let most = (0..pixels)
            .map(|pixel| of(pixel).abs())
            .fold(f32::MIN_POSITIVE, f32::max);
        let byte = |(y, x, c)| 127.5 + 127.5 * of((y * width + x) * channels + c) / most;
        let image = Array3::from_shape_fn((height, width, channels), byte);
        images.push((image.mapv(|byte| byte.round() as u8), String::new()));
    }
    let scale = "grey is 0, each to its own greatest weight";
    let subtitle = format!("kernels of {count} units of {layer}; {scale}");
    grid(title, &subtitle, &images, if count <= 10 { 5 } else { 10 })
}
