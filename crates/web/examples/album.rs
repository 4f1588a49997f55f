//! The album of a report's page: small pictures of the data set, and what the networks say of all test images.
//!
//! `cargo run --release -p lab-web --example album -- FOLDER DATA MODEL …` writes `train.jpg` and `test.jpg`, each a sheet of
//! pictures of 32 × 32 pixels, 32 in a row, and `album.json`; DATA is a folder of the data set or `sample`.

use std::collections::HashSet;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use lab_core::prelude::*;
use lab_web::picture::{SIDE, features};
use ndarray::{ArrayD, IxDyn};
use serde_json::{Value, json};

type Outcome<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Pictures of a sheet, and how many stand in a row.
const PICTURES: usize = 704;
const ACROSS: usize = 32;
/// Mistakes of each network that are surely among the test images, those of which it is most certain.
const MISTAKES: usize = 100;
/// Between 1 and 100: a picture takes about 300 bytes.
const QUALITY: u8 = 60;
/// Images that go through a network at a time.
const BATCH: usize = 1000;

/// What a network answers to a test image, and its probability.
type Answer = (usize, f32);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, data, models @ ..] = &arguments[..] else {
        return Err("name a folder, the data and networks".into());
    };
    let (folder, cifar) = (
        Path::new(folder),
        match &data[..] {
            "sample" => Cifar10::sample(),
            folder => Cifar10::open(folder)?,
        },
    );
    let answers = models
        .iter()
        .map(|model| answers(&Sequential::load(model)?, &cifar.test));
    let answers = answers.collect::<Outcome<Vec<_>>>()?;
    let labels = cifar.test.labels();
    let chosen = choose(&answers, &labels);
    let networks = answers.iter().map(|answers| {
        let mut matrix = [[0; 10]; 10];
        for (label, (answer, _)) in labels.iter().zip(answers) {
            matrix[usize::from(*label)][*answer] += 1;
        }
        let of = |at: &usize| answers[*at];
        json!({
            "matrix": matrix,
            "answers": chosen.iter().map(|at| of(at).0).collect::<Vec<_>>(),
            "permille": chosen.iter().map(|at| (1000.0 * of(at).1).round() as u32).collect::<Vec<_>>(),
        })
    });
    let networks: Vec<Value> = networks.collect();
    let train = cifar.train.take(PICTURES);
    sheet(&train, &folder.join("train.jpg"))?;
    let test = cifar.test.subset(&chosen)?;
    sheet(&test, &folder.join("test.jpg"))?;
    let album = json!({
        "across": ACROSS,
        "of": labels.len(),
        "train": train.labels(),
        "test": test.labels(),
        "networks": networks,
    });
    Ok(std::fs::write(
        folder.join("album.json"),
        album.to_string(),
    )?)
}

/// What a network answers to each image.
fn answers(model: &Sequential, test: &Dataset) -> Outcome<Vec<Answer>> {
    let mut answers = Vec::new();
    for first in (0..test.len()).step_by(BATCH) {
        let count = BATCH.min(test.len() - first);
        let images = (first..first + count).filter_map(|at| test.image(at));
        let bytes = images.map(|image| image.iter().copied().collect::<Vec<u8>>());
        let bytes = bytes.flat_map(|bytes| match model.input_shape() {
            [SIDE, SIDE, _] => bytes,
            _ => features(&bytes),
        });
        let floats = bytes.map(|byte| f32::from(byte) / 255.0).collect();
        let shape = [&[count], model.input_shape()].concat();
        let outputs = model.predict(&ArrayD::from_shape_vec(IxDyn(&shape), floats)?)?;
        // Of equal probabilities the first counts.
        let best = |best: Answer, next: Answer| if next.1 > best.1 { next } else { best };
        let rows = outputs.rows().into_iter();
        answers.extend(rows.map(|row| row.iter().copied().enumerate().fold((0, -1.0), best)));
    }
    Ok(answers)
}

/// Test images for the page: the mistakes of which each network is most certain; then of each cell of its confusion matrix
/// the image of which it is most certain, the second one, and so on.
fn choose(networks: &[Vec<Answer>], labels: &[u8]) -> Vec<usize> {
    let mut ranked = Vec::new();
    for answers in networks {
        let mut order: Vec<usize> = (0..answers.len()).collect();
        order.sort_by(|&a, &b| answers[b].1.total_cmp(&answers[a].1));
        let cell = |at: usize| (usize::from(labels[at]), answers[at].0);
        let wrong = order.iter().filter(|&&at| cell(at).0 != cell(at).1);
        ranked.extend(wrong.take(MISTAKES).map(|&at| (0, at)));
        let mut found = [[0; 10]; 10];
        for at in order {
            let (label, answer) = cell(at);
            found[label][answer] += 1;
            ranked.push((found[label][answer], at));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut known = HashSet::new();
    let new = ranked
        .into_iter()
        .map(|(_, at)| at)
        .filter(|at| known.insert(*at));
    new.take(PICTURES).collect()
}

/// Writes images side by side.
fn sheet(images: &Dataset, path: &Path) -> Outcome<()> {
    let rows = images.len().div_ceil(ACROSS);
    let mut sheet = RgbImage::new((ACROSS * SIDE) as u32, (rows * SIDE) as u32);
    for (number, image) in (0..images.len()).filter_map(|at| Some((at, images.image(at)?))) {
        let (top, left) = (number / ACROSS * SIDE, number % ACROSS * SIDE);
        for (y, x) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x))) {
            let pixel = [0, 1, 2].map(|channel| image[[y, x, channel]]);
            sheet.put_pixel((left + x) as u32, (top + y) as u32, Rgb(pixel));
        }
    }
    let mut file = std::fs::File::create(path)?;
    Ok(JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(&sheet)?)
}
