//! `cargo lab predict`.

use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use lab_core::data::cifar10::CLASS_NAMES;
use lab_core::lab::MODEL;
use lab_core::model::Sequential;
use lab_core::{LabError, Result};
use ndarray::Array4;

use crate::Outcome;
use crate::output::say;

/// Say what a network sees in pictures.
///
/// A picture of any size is cropped to its middle square and made 32 × 32.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab predict outputs/runs/final cat.jpg
  cargo lab predict outputs/runs/final pictures/*.png")]
pub struct PredictArgs {
    /// The folder of a run, or a .safetensors file that it wrote
    run: PathBuf,
    /// PNG or JPEG files
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// Prints the probabilities of each class as bars, the greatest first.
///
/// # Errors
/// Where the network or an image cannot be read; then nothing is printed.
pub fn run(arguments: &PredictArgs) -> Outcome {
    let file = arguments.run.is_dir() || arguments.run.extension().is_none();
    let path = if file {
        arguments.run.join(MODEL)
    } else {
        arguments.run.clone()
    };
    let model = Sequential::load(&path)?;
    if (model.input_shape(), model.output_size()) != (&[SIDE, SIDE, 3][..], CLASS_NAMES.len()) {
        let found = format!(
            "{:?} to {} classes",
            model.input_shape(),
            model.output_size()
        );
        let remedy = "take a network that `cargo lab train` made";
        return Err(LabError::shape(
            path.display().to_string(),
            found,
            "[32, 32, 3] to 10 classes",
            remedy,
        )
        .into());
    }
    let images = arguments
        .images
        .iter()
        .map(|path| read(path))
        .collect::<Result<Vec<_>>>()?;
    let mut batch = Array4::zeros((images.len(), SIDE, SIDE, 3));
    for (mut row, pixels) in batch.outer_iter_mut().zip(&images) {
        row.iter_mut()
            .zip(pixels)
            .for_each(|(to, &byte)| *to = f32::from(byte) / 255.0);
    }
    let probabilities = model.predict(&batch)?;
    for (path, probabilities) in arguments.images.iter().zip(probabilities.outer_iter()) {
        let mut classes: Vec<(f32, &str)> =
            probabilities.iter().copied().zip(CLASS_NAMES).collect();
        classes.sort_by(|a, b| b.0.total_cmp(&a.0));
        say!(
            "{}: {}",
            path.display(),
            classes.first().map_or("nothing", |best| best.1)
        );
        for (probability, name) in classes {
            say!(
                "  {name:<10} {:>5.1} %  {}",
                100.0 * probability,
                bar(probability)
            );
        }
    }
    Ok(())
}

/// Pixels on a side of what the network sees.
const SIDE: usize = 32;

/// 40 characters for certainty, in eighths of a character.
fn bar(share: f32) -> String {
    let eighths = (share.clamp(0.0, 1.0) * 320.0).round() as usize;
    let last = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + last
}

/// The 32 × 32 × 3 bytes that the network sees of a picture.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    const MOST_SIDE: u32 = 20_000;
    let unreadable =
        |error| LabError::io("read", path, error, "check the path and its permissions");
    let wrong = |error: image::ImageError| {
        let expected = "a PNG or JPEG image of at most 20,000 pixels a side";
        LabError::format(
            path,
            error.to_string().trim_end_matches('.'),
            expected,
            "convert it to PNG or JPEG with any image program",
        )
    };
    let mut reader = ImageReader::open(path)
        .map_err(unreadable)?
        .with_guessed_format()
        .map_err(unreadable)?;
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
    Ok(square
        .resize_exact(SIDE as u32, SIDE as u32, FilterType::Triangle)
        .to_rgb8()
        .into_raw())
}
