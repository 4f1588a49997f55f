//! What the units or filters of a first layer look for, as images.

use lab_core::ndarray::ArrayD;

use super::check_any;
use super::images::grid;
use crate::draw::Page;
use crate::prelude::*;

/// The kernels of the first `count` units of a dense layer on the images, or filters of a convolution of them, each as an
/// image: grey is 0, and the greatest weight of each unit, positive or negative, is at full strength.
///
/// ```
/// use lab_notebook::prelude::*;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let figure = figures::weights("Ten untrained units", &model, "dense", 10)?;
/// assert!(figure.alt.contains("kernels of 10 units"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a layer that the model does not have or a count of 0; [`LabError::Shape`] for a layer whose
/// inputs are not the pixels of an image.
pub fn weights(title: &str, model: &Sequential, layer: &str, count: usize) -> Result<Figure> {
    let name = format!("{layer}.kernel");
    let kernel = model.weight(&name)?;
    let (input, units) = match kernel.shape() {
        [filter @ .., filters] if filter.len() == 3 => (filter, *filters),
        shape => (model.input_shape(), shape[shape.len() - 1]),
    };
    let count = count.min(units);
    check_any(count, "units")?;
    let mut images = Vec::new();
    for unit in 0..count {
        // What is not finite becomes 0, which the conversion of NaN would make black.
        let finite = |w: &f32| if w.is_finite() { *w } else { 0.0 };
        let weights = || kernel.iter().skip(unit).step_by(units).map(finite);
        let most = weights().fold(f32::MIN_POSITIVE, |most, w| most.max(w.abs()));
        let byte = |w: f32| (127.5 + 127.5 * w / most).round() as u8;
        let bytes = weights().map(byte).collect();
        let image = ArrayD::from_shape_vec(input, bytes).ok();
        let Some(image) = image.and_then(|image| image.into_dimensionality().ok()) else {
            let (found, expected) = (format!("{:?}", kernel.shape()), format!("{input:?}, units"));
            let remedy = "name the first dense layer of a network on images";
            return Err(LabError::shape(name, found, expected, remedy));
        };
        images.push((image, String::new()));
    }
    let scale = "grey is 0, each to its own greatest weight";
    let mut page = Page::new(title, 0.0);
    page.note(format!("kernels of {count} units of {layer}; {scale}"));
    grid(page, &images, if count <= 10 { 5 } else { 10 })
}
