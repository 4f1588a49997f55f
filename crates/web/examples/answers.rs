//! The probabilities of a network as this machine computes them, for comparison with those in a page: reads pictures of
//! 32 × 32 RGB bytes, one after another, and writes ten little-endian floats for each; or, with LAYER, the outputs of the
//! layer of that number, from 0.
//!
//! `cargo run --release -p lab-web --example answers -- MODEL [LAYER] < PICTURES > PROBABILITIES`

use std::io::{self, Read, Write};

use lab_core::model::{Mode, Sequential};
use lab_web::picture::{CHANNELS, SIDE, features};
use ndarray::{ArrayD, IxDyn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a model.safetensors")?;
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let mut model = Sequential::load(path)?;
    let count = bytes.len() / (SIDE * SIDE * CHANNELS);
    if model.input_shape() != [SIDE, SIDE, CHANNELS] {
        let pictures = bytes.chunks(SIDE * SIDE * CHANNELS);
        bytes = pictures.flat_map(features).collect();
    }
    let floats = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let shape = [&[count], model.input_shape()].concat();
    let batch = ArrayD::from_shape_vec(IxDyn(&shape), floats)?;
    let answers = match std::env::args().nth(2) {
        None => model.predict(&batch)?.into_iter().collect(),
        Some(layer) => {
            model.forward(&batch, Mode::Inference)?;
            model.layer_output(layer.parse()?)?.to_vec()
        }
    };
    let bytes = answers.iter().flat_map(|answer| answer.to_le_bytes());
    io::stdout().write_all(&bytes.collect::<Vec<u8>>())?;
    Ok(())
}
