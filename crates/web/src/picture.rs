//! Pictures of any size as the networks see them: 32 × 32 pixels, or their hand-made features.

use std::f32::consts::TAU;

use lab_core::{LabError, Result};

/// Pixels on a side of what a network sees.
pub const SIDE: usize = 32;
/// Red, green, blue.
pub const CHANNELS: usize = 3;
/// Cells on a side of what a network on hand-made features sees.
pub const CELLS: usize = 8;
/// What is known of a cell: the strength of its edges in each direction, and its mean colour.
pub const FEATURES: usize = DIRECTIONS + CHANNELS;
const DIRECTIONS: usize = 9;
/// Bytes of a pixel of a canvas, the last its opacity.
const RGBA: usize = 4;

/// The RGB bytes (32, 32, 3) of a square RGBA picture of `side` × `side` pixels, each the mean of the pixels around its
/// place, weighted by a triangle as wide as the step between two places: what `cargo lab predict` does.
///
/// # Errors
/// Where the bytes are not those of such a picture.
pub fn shrink(picture: &[u8], side: usize) -> Result<Vec<u8>> {
    if side == 0 || picture.len() != side * side * RGBA {
        let found = format!("{} bytes for a side of {side}", picture.len());
        let remedy = "give the RGBA bytes of a square";
        return Err(LabError::value("picture", found, "side × side × 4", remedy));
    }
    let weights = triangles(side);
    let mut small = Vec::with_capacity(SIDE * SIDE * CHANNELS);
    for (top, down) in &weights {
        for (left, across) in &weights {
            let mut sums = [0.0; CHANNELS];
            let lines = picture.chunks(side * RGBA).skip(*top);
            for (line, down) in lines.zip(down) {
                for (pixel, across) in line.chunks(RGBA).skip(*left).zip(across) {
                    let bytes = sums.iter_mut().zip(pixel);
                    bytes.for_each(|(sum, byte)| *sum += down * across * f32::from(*byte));
                }
            }
            small.extend(sums.map(|sum| sum.round().clamp(0.0, 255.0) as u8));
        }
    }
    Ok(small)
}

/// For each of the 32 places the first pixel that counts, and the weights of it and of those after it; they sum to 1.
fn triangles(side: usize) -> Vec<(usize, Vec<f32>)> {
    let step = side as f32 / SIDE as f32;
    let reach = step.max(1.0);
    let triangle = |place: usize| {
        let centre = (place as f32 + 0.5) * step;
        let first = (centre - reach).floor().max(0.0) as usize;
        let end = ((centre + reach).ceil() as usize).clamp(first + 1, side);
        let distance = |pixel: usize| ((pixel as f32 + 0.5 - centre) / reach).abs();
        let heights = (first..end).map(|pixel| (1.0 - distance(pixel)).max(0.0));
        let sum: f32 = heights.clone().sum();
        (first, heights.map(|height| height / sum).collect())
    };
    (0..SIDE).map(triangle).collect()
}

/// The features (8, 8, 12) of a picture's RGB bytes (32, 32, 3), as notebook 6 makes them and says why.
pub fn features(rgb: &[u8]) -> Vec<u8> {
    let last = SIDE as i32 - 1;
    let pixel = |y: i32, x: i32| {
        let (y, x) = (y.clamp(0, last) as usize, x.clamp(0, last) as usize);
        let bytes = &rgb[(y * SIDE + x) * CHANNELS..][..CHANNELS];
        [0, 1, 2].map(|channel| f32::from(bytes[channel]))
    };
    let brightness = |y, x| pixel(y, x).iter().sum::<f32>() / CHANNELS as f32;
    let mut cells = [[0.0; FEATURES]; CELLS * CELLS];
    let size = SIDE / CELLS;
    for number in 0..SIDE * SIDE {
        let (row, column) = (number / SIDE, number % SIDE);
        let (y, x) = (row as i32, column as i32);
        let dy = brightness(y + 1, x) - brightness(y - 1, x);
        let dx = brightness(y, x + 1) - brightness(y, x - 1);
        let angle = (dy.atan2(dx) / TAU).rem_euclid(1.0) * DIRECTIONS as f32;
        let (strength, direction, part) = (dx.hypot(dy), angle as usize, angle.fract());
        let cell = &mut cells[row / size * CELLS + column / size];
        cell[direction % DIRECTIONS] += strength * (1.0 - part);
        cell[(direction + 1) % DIRECTIONS] += strength * part;
        let colours = cell[DIRECTIONS..].iter_mut().zip(pixel(y, x));
        colours.for_each(|(sum, colour)| *sum += colour / (size * size) as f32);
    }
    // A mean strength of 128 fills the byte.
    let full = (size * size * 128) as f32;
    let byte = |(number, sum): (usize, f32)| match number % FEATURES {
        ..DIRECTIONS => (255.0 * (sum / full).sqrt()) as u8,
        _ => sum as u8,
    };
    let cells = cells.into_iter().flatten();
    cells.enumerate().map(byte).collect()
}
