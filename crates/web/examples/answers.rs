//! The probabilities of a network as this machine computes them, for comparison with those in a page: reads pictures of
//! 32 × 32 RGB bytes, one after another, and writes ten little-endian floats for each.
//!
//! `cargo run --release -p lab-web --example answers -- MODEL < PICTURES > PROBABILITIES`

use std::io::{self, Read, Write};

use lab_core::model::Sequential;
use lab_web::picture::{CHANNELS, SIDE, features};
use ndarray::{ArrayD, IxDyn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a model.safetensors")?;
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let model = Sequential::load(path)?;
    let count = bytes.len() / (SIDE * SIDE * CHANNELS);
    if model.input_shape() != [SIDE, SIDE, CHANNELS] {
        let pictures = bytes.chunks(SIDE * SIDE * CHANNELS);
        bytes = pictures.flat_map(features).collect();
    }
    let floats = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let shape = [&[count], model.input_shape()].concat();
    let probabilities = model.predict(&ArrayD::from_shape_vec(IxDyn(&shape), floats)?)?;
    let bytes = probabilities.iter().flat_map(|p| p.to_le_bytes());
    io::stdout().write_all(&bytes.collect::<Vec<u8>>())?;
    Ok(())
}
