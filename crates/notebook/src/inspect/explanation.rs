//! Why an image got its answer: the probabilities, the pixels that mattered, the training images most like it.

use crate::prelude::*;
use lab_core::compute::Threads;
use lab_core::metrics::predicted_classes;
use lab_core::ndarray::{Array2, Array3};

/// How many training images are shown.
pub(super) const NEAREST: usize = 5;
/// Images that one thread compares at a time.
const PIECE: usize = 500;

/// What the answer to one image depends on: prints as text, and [`Explanation::figure`] draws it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The image, (height, width, channels).
    pub image: Array3<u8>,
    /// Its true class.
    pub truth: u8,
    /// The class of the greatest output.
    pub predicted: u8,
    /// The network's outputs, one for each class: probabilities where it ends in softmax.
    pub probabilities: Vec<f32>,
    /// The names of the classes.
    pub class_names: Vec<String>,
    /// |∂z / ∂x| of the predicted class's z, before the softmax, by each pixel x as the network is given it; the greatest
    /// of its channels, (height, width) (Simonyan, Vedaldi and Zisserman, 2014).
    pub saliency: Array2<f32>,
    /// The training images nearest to it, nearest first: five, or all where there are fewer.
    pub nearest: Vec<Neighbour>,
    /// How many training images were looked through.
    pub searched: usize,
}

/// A training image that is like the one explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Its place in the training data.
    pub index: usize,
    /// Its class.
    pub label: u8,
    /// The Euclidean distance of the pixels, each channel from 0 to 255.
    pub distance: f64,
    /// The image, (height, width, channels).
    pub image: Array3<u8>,
}

/// An error where the data does not fit the network, or the training data does not fit the data.
fn check(model: &Sequential, data: &Dataset, train: &Dataset) -> Result<()> {
    let (units, classes) = (model.output_size(), data.class_count());
    if classes != units {
        let (found, expected) = (format!("({units})"), format!("({classes})"));
        let remedy = "give it one unit for each class";
        return Err(LabError::shape("last layer", found, expected, remedy));
    }
    let remedy = "give the data that the network learnt from";
    if train.image_shape() != data.image_shape() {
        let [found, expected] = [train, data].map(|data| format!("{:?}", data.image_shape()));
        return Err(LabError::shape("training data", found, expected, remedy));
    }
    if train.is_empty() || train.class_names() != data.class_names() {
        let found = ["other classes", "no images"][usize::from(train.is_empty())];
        let expected = "images of the same classes";
        return Err(LabError::value("training data", found, expected, remedy));
    }
    Ok(())
}

pub(super) fn explain(
    model: &Sequential,
    data: &Dataset,
    index: usize,
    train: &Dataset,
) -> Result<Explanation> {
    let (one, threads) = (data.subset(&[index])?, Threads::new(None)?);
    let mut trace = model.trace(&one, &threads)?;
    check(model, data, train)?;
    let last = model.architecture().layers().len() - 1;
    let probabilities = trace.output(last).to_vec();
    let outputs = Array2::from_shape_fn((1, probabilities.len()), |(_, unit)| probabilities[unit]);
    let predicted = predicted_classes(outputs.view())?[0];
    let gradient = model.input_gradient(&mut trace, predicted.into(), &threads);
    let [height, width, channels] = data.image_shape();
    let greatest = |(y, x)| {
        let pixel = &gradient[(y * width + x) * channels..][..channels];
        pixel.iter().fold(0.0, |most: f32, g| most.max(g.abs()))
    };
    let image = one
        .image(0)
        .map(|image| image.to_owned())
        .unwrap_or_default();
    Ok(Explanation {
        nearest: nearest(&image, train, &threads),
        image,
        truth: one.label(0).unwrap_or_default(),
        predicted,
        probabilities,
        class_names: data.class_names().to_vec(),
        saliency: Array2::from_shape_fn((height, width), greatest),
        searched: train.len(),
    })
}

/// The images of `train` with the smallest distances; of equal ones the first.
fn nearest(image: &Array3<u8>, train: &Dataset, threads: &Threads) -> Vec<Neighbour> {
    let pixels: Vec<u8> = image.iter().copied().collect();
    let mut squares = vec![(0_u64, 0_usize); train.len()];
    threads.chunks(&mut squares, PIECE, |piece, squares| {
        for (index, square) in (piece * PIECE..).zip(squares) {
            let other = train.image(index).and_then(|other| other.to_slice());
            *square = (squared_distance(&pixels, other.unwrap_or_default()), index);
        }
    });
    squares.sort_unstable();
    squares.truncate(NEAREST);
    let neighbour = |(square, index): (u64, usize)| {
        Some(Neighbour {
            index,
            label: train.label(index)?,
            distance: (square as f64).sqrt(),
            image: train.image(index)?.to_owned(),
        })
    };
    squares.into_iter().filter_map(neighbour).collect()
}

fn squared_distance(a: &[u8], b: &[u8]) -> u64 {
    let square = |(a, b): (&u8, &u8)| (i32::from(*a) - i32::from(*b)).pow(2) as u32;
    // Sums of 4,096 squares fit into 32 bits, which the processor adds many at a time.
    let parts = a.chunks(4096).zip(b.chunks(4096));
    let sums = parts.map(|(a, b)| a.iter().zip(b).map(square).sum::<u32>());
    sums.map(u64::from).sum()
}
