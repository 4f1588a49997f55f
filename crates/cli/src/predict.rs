//! `cargo lab predict`.

use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use lab_core::data::cifar10::CLASS_NAMES;
use lab_core::model::Sequential;
use lab_core::{LabError, Result};
use lab_notebook::lab::MODEL;
use ndarray::Array4;

use crate::Outcome;
use crate::terminal::say;

/// Say what a network sees in pictures.
///
/// A picture of any size is cropped to its middle square and made 32 × 32.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab predict outputs/runs/final cat.jpg
  cargo lab predict outputs/runs/final pictures/*.png")]
pub struct PredictArgs {
    /// The folder of a run
    run: PathBuf,
    /// PNG or JPEG files
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// Pixels on a side of what the network sees.
const SIDE: usize = 32;

/// Prints the probabilities of each class as bars, the greatest first.
///
/// # Errors
/// Where the network or an image cannot be read; then nothing is printed.
pub fn run(arguments: &PredictArgs) -> Outcome {
    let path = arguments.run.join(MODEL);
    let model = Sequential::load(&path)?;
    let (shape, outputs) = (model.input_shape(), model.output_size());
    if (shape, outputs) != (&[SIDE, SIDE, 3][..], CLASS_NAMES.len()) {
        let place = path.display().to_string();
        let found = format!("{shape:?} to {outputs} classes");
        let remedy = "take a network that `cargo lab train` made";
        return Err(LabError::shape(place, found, "[32, 32, 3] to 10 classes", remedy).into());
    }
    let mut pixels = Vec::new();
    for path in &arguments.images {
        pixels.extend(read(path)?.into_iter().map(|byte| f32::from(byte) / 255.0));
    }
    let batch = Array4::from_shape_vec((arguments.images.len(), SIDE, SIDE, 3), pixels)?;
    let probabilities = model.predict(&batch)?;
    for (path, probabilities) in arguments.images.iter().zip(probabilities.outer_iter()) {
        let mut classes: Vec<_> = probabilities.iter().copied().zip(CLASS_NAMES).collect();
        classes.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best = classes.first().map_or("nothing", |best| best.1);
        say!("{}: {best}", path.display());
        for (probability, name) in classes {
            let bar = "█".repeat((40.0 * probability).round() as usize);
            say!("  {name:<10} {:>5.1} %  {bar}", 100.0 * probability);
        }
    }
    Ok(())
}

/// The 32 × 32 × 3 bytes that the network sees of a picture.
///
/// # Errors
/// Where the file cannot be read or is no picture.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    const MOST_SIDE: u32 = 20_000;
    let unreadable =
        |error| LabError::io("read", path, error, "check the path and its permissions");
    let wrong = |error: image::ImageError| {
        let found = error.to_string().trim_end_matches('.').to_owned();
        let expected = "a PNG or JPEG image of at most 20,000 pixels a side";
        let remedy = "convert it to PNG or JPEG with any image program";
        LabError::format(path, found, expected, remedy)
    };
    let reader = ImageReader::open(path).map_err(unreadable)?;
    let mut reader = reader.with_guessed_format().map_err(unreadable)?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MOST_SIDE), Some(MOST_SIDE));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(wrong)?;
    let orientation = decoder.orientation().map_err(wrong)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(wrong)?;
    image.apply_orientation(orientation);
    let side = image.width().min(image.height());
    let (left, top) = ((image.width() - side) / 2, (image.height() - side) / 2);
    let square = image.crop_imm(left, top, side, side);
    let small = square.resize_exact(SIDE as u32, SIDE as u32, FilterType::Triangle);
    Ok(small.to_rgb8().into_raw())
}
