//! Right, blank and usual wrong answers to the exercises of notebook 1.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::preprocessing::{exercise_1, exercise_2, exercise_3, exercise_4};

#[test]
fn the_place_of_a_byte() {
    is_right(exercise_1(2216));
    is_missing(exercise_1(0));
    for (answer, hint) in [
        (2215, "label"),
        (2278, "swapped"),
        (504, "one plane after another"),
        (503, "the label, then"),
        (3240, "Channels"),
        (2183, "Rows and columns are counted from 0"),
        (4000, "ends before"),
        (77, "skip the label"),
    ] {
        is_wrong(exercise_1(answer), hint, &["2216", "2,216"]);
    }
}

type Standardized = fn(&[f64], &[f64]) -> Vec<f64>;

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn deviation(numbers: &[f64]) -> f64 {
    let squares: Vec<f64> = numbers.iter().map(|x| x * x).collect();
    (mean(&squares) - mean(numbers) * mean(numbers)).sqrt()
}

fn by(numbers: &[f64], mean: f64, deviation: f64) -> Vec<f64> {
    numbers.iter().map(|x| (x - mean) / deviation).collect()
}

#[test]
fn statistics_of_the_training_part() {
    is_right(exercise_2(|train, other| {
        by(other, mean(train), deviation(train))
    }));
    is_missing(exercise_2(|_, _| Vec::new()));
    let wrong: [(Standardized, &str); 8] = [
        (
            |_, other| by(other, mean(other), deviation(other)),
            "second list itself",
        ),
        (
            |train, other| {
                by(
                    other,
                    mean(&[train, other].concat()),
                    deviation(&[train, other].concat()),
                )
            },
            "all numbers together",
        ),
        (
            |train, other| by(other, mean(train), deviation(train).powi(2)),
            "square root",
        ),
        (
            |train, other| by(other, mean(train), 1.0),
            "division by the standard deviation is missing",
        ),
        (
            |train, other| by(other, 0.0, deviation(train)),
            "mean must be subtracted",
        ),
        (
            |train, other| by(other, mean(train), deviation(train) * (4.0f64 / 3.0).sqrt()),
            "n - 1",
        ),
        (
            |train, _| by(train, mean(train), deviation(train)),
            "second list",
        ),
        (
            |train, other| (0..train.len()).map(|i| other[i]).collect(),
            "do not use an index",
        ),
    ];
    for (answer, hint) in wrong {
        is_wrong(exercise_2(answer), hint, &["2.236", "-0.894", "0.223606"]);
    }
}

type Flip = fn(&[u8]) -> Vec<u8>;

/// The image with the byte of (row, column, channel) taken from a number.
fn from(image: &[u8], from: fn(usize, usize, usize) -> usize) -> Vec<u8> {
    let mut moved = Vec::new();
    for row in 0..32 {
        for column in 0..32 {
            for channel in 0..3 {
                moved.push(image[from(row, column, channel)]);
            }
        }
    }
    moved
}

#[test]
fn a_mirror_image() {
    is_right(exercise_3(|image| {
        image
            .chunks(96)
            .flat_map(|row| row.chunks(3).rev().flatten().copied())
            .collect()
    }));
    is_missing(exercise_3(|_| Vec::new()));
    let wrong: [(Flip, &str); 8] = [
        (|image| image.to_vec(), "unchanged"),
        (
            |image| image.iter().rev().copied().collect(),
            "reverse order",
        ),
        (
            |image| {
                image
                    .chunks(96)
                    .flat_map(|row| row.iter().rev().copied())
                    .collect()
            },
            "bytes of a pixel in their order",
        ),
        (
            |image| image.chunks(96).rev().flatten().copied().collect(),
            "upside down",
        ),
        (
            |image| from(image, |r, c, k| ((31 - r) * 32 + 31 - c) * 3 + k),
            "rotated",
        ),
        (
            |image| from(image, |r, c, k| (c * 32 + r) * 3 + k),
            "diagonal",
        ),
        (
            |image| {
                image
                    .chunks(32)
                    .flat_map(|row| row.iter().rev().copied())
                    .collect()
            },
            "one plane after another",
        ),
        (
            |image| from(image, |r, c, k| (r * 32 + 32 - c) * 3 + k),
            "number 31",
        ),
    ];
    for (answer, hint) in wrong {
        is_wrong(exercise_3(answer), hint, &["31 - c", "chunks", "rev("]);
    }
}

type Pair = Option<(usize, usize)>;
type ClosestPair = fn(&[Vec<u8>]) -> Pair;

/// The pair with the least of something that is a sum over bytes.
fn pair(images: &[Vec<u8>], byte: fn(u8, u8) -> i64, of_sum: fn(i64) -> i64) -> Pair {
    let mut best = None;
    for i in 0..images.len() {
        for j in i + 1..images.len() {
            let apart = of_sum(
                images[i]
                    .iter()
                    .zip(&images[j])
                    .map(|(a, b)| byte(*a, *b))
                    .sum(),
            );
            if best.is_none_or(|(least, _)| apart < least) {
                best = Some((apart, (i, j)));
            }
        }
    }
    best.map(|(_, pair)| pair)
}

fn difference(a: u8, b: u8) -> i64 {
    i64::from(a) - i64::from(b)
}

fn square(a: u8, b: u8) -> i64 {
    difference(a, b).pow(2)
}

fn square_of_bytes(a: u8, b: u8) -> i64 {
    let difference = a.wrapping_sub(b);
    i64::from(difference.wrapping_mul(difference))
}

/// What `a - b` does where overflow is checked, as in a debug build.
fn checked(a: u8, b: u8) -> i64 {
    i64::from(
        a.checked_sub(b)
            .unwrap_or_else(|| panic!("attempt to subtract with overflow")),
    )
}

#[test]
fn the_closest_pair() {
    is_right(exercise_4(|images| pair(images, square, |sum| sum)));
    is_missing(exercise_4(|_| None));
    let wrong: [(ClosestPair, &str); 10] = [
        (|_| Some((0, 0)), "not a pair"),
        (
            |images| pair(images, square, |sum| sum).map(|(i, j)| (j, i)),
            "smaller number first",
        ),
        (
            |images| {
                pair(
                    images,
                    |a, b| i64::from(a.wrapping_sub(b)).pow(2),
                    |sum| sum,
                )
            },
            "wraps around",
        ),
        (
            |images| pair(images, square_of_bytes, |sum| sum),
            "wraps around above 255",
        ),
        (|images| pair(images, difference, i64::abs), "cancel"),
        (|images| pair(images, difference, |sum| sum), "cancel"),
        (
            |images| pair(images, |a, b| i64::from(a.abs_diff(b)), |sum| sum),
            "absolute differences",
        ),
        (|images| pair(images, square, |sum| -sum), "wrong way round"),
        (|images| pair(images, checked, |sum| sum), "convert to i64"),
        (
            |images| {
                if images.len() == 6 {
                    Some((0, 2))
                } else {
                    None
                }
            },
            "always a closest pair",
        ),
    ];
    for (answer, hint) in wrong {
        is_wrong(
            exercise_4(answer),
            hint,
            &["Some((0, 2))", "Some((0, 1))", "Some((5, 12))"],
        );
    }
}
