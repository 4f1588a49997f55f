//! The exercises of notebook 1: preprocessing.

mod from_bytes;

use lab_core::prelude::Cifar10;

use crate::Feedback;
use crate::sandbox::{attempt, hint, near, row};

pub use from_bytes::exercise_5;

/// The index of a byte in a record: row 5, column 7, blue.
pub fn exercise_1(answer: usize) -> Feedback {
    let (r, c, k) = (5, 7, 2);
    let right = 1 + 1024 * k + 32 * r + c;
    let expected = "the number of a byte, counted from 0, in a record of 3,073 bytes";
    if answer == 0 {
        return Feedback::missing(1, expected);
    }
    if answer == right {
        return Feedback::right(
            1,
            "The file itself says none of this: the 32 columns, the planes of 1,024 bytes and \
             their order are known only from the description of the format. A program that gets \
             them wrong still reads numbers.",
        );
    }
    let mistakes = [
        (
            answer + 1 == right,
            "The first byte of a record is the label.",
        ),
        (
            answer == 1 + 1024 * k + 32 * c + r,
            "Row and column are swapped. A row is 32 bytes long, so which of the two is \
             multiplied by 32?",
        ),
        (
            answer == 1 + 3 * (32 * r + c) + k,
            "That is the layout of an array of pixels in memory. The file stores one plane after \
             another.",
        ),
        (
            answer == 3 * (32 * r + c) + k,
            "The file stores the label, then one colour plane after another.",
        ),
        (
            answer == right + 1024 || answer == right - 1024,
            "Channels are counted from 0: red, green, blue.",
        ),
        (
            answer == 1 + 1024 * k + 32 * (r - 1) + c - 1,
            "Rows and columns are counted from 0.",
        ),
        (answer > 3072, "The record ends before that byte."),
    ];
    Feedback::wrong(
        1,
        expected,
        answer,
        hint(
            &mistakes,
            "First skip the label, then whole planes, then whole rows.",
        ),
    )
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64
}

/// Numbers of another part, standardized with the statistics of the training part: `(train, other)` to the new `other`.
pub fn exercise_2(answer: fn(&[f64], &[f64]) -> Vec<f64>) -> Feedback {
    let cases: [(&[f64], &[f64]); 3] = [
        (&[0.2, 0.4, 0.6, 0.8], &[0.5, 1.0, 0.3]),
        (&[0.0, 0.0, 1.0], &[0.0, 1.0, 0.5, 0.25]),
        (&[10.0, 30.0], &[20.0]),
    ];
    for (number, (train, other)) in cases.into_iter().enumerate() {
        let expected = format!(
            "a list of {} numbers, those of {other:?} standardized with the mean and the standard \
             deviation of {train:?}",
            other.len()
        );
        let found = match attempt(|| answer(train, other)) {
            Ok(found) => found,
            Err(panic) => {
                return Feedback::wrong(
                    2,
                    expected,
                    panic,
                    "The two lists may differ in length: do not use an index of one for the \
                     other.",
                );
            }
        };
        if number == 0 && found.is_empty() {
            return Feedback::missing(2, "a list as long as the second argument");
        }
        let by = |mean: f64, deviation: f64| -> Vec<f64> {
            other.iter().map(|x| (x - mean) / deviation).collect()
        };
        let deviation = variance(train).sqrt();
        if near(&found, &by(mean(train), deviation)) {
            continue;
        }
        let both: Vec<f64> = train.iter().chain(other).copied().collect();
        let count = train.len() as f64;
        let mistakes = [
            (
                near(&found, &by(mean(other), variance(other).sqrt())),
                "These are the statistics of the second list itself: with them it always has mean \
                 0 and standard deviation 1, whatever it contains.",
            ),
            (
                near(&found, &by(mean(&both), variance(&both).sqrt())),
                "These are the statistics of all numbers together: information about the other \
                 part would leak into training.",
            ),
            (
                near(&found, &by(mean(train), variance(train))),
                "Divide by the standard deviation, which is the square root of the variance.",
            ),
            (
                near(&found, &by(mean(train), 1.0)),
                "The mean is subtracted; the division by the standard deviation is missing.",
            ),
            (
                near(&found, &by(0.0, deviation)),
                "The division is right, but the mean must be subtracted first.",
            ),
            (
                near(
                    &found,
                    &by(mean(train), deviation * (count / (count - 1.0)).sqrt()),
                ),
                "Divide the sum of the squares by n, as in the notebook's formula, not by n - 1.",
            ),
            (
                found.len() == train.len() && found.len() != other.len(),
                "Standardize the second list; only the statistics come from the first.",
            ),
            (
                found.iter().any(|x| !x.is_finite()),
                "A number is not finite. Do you divide by 0, or take the square root of a \
                 negative number?",
            ),
        ];
        return Feedback::wrong(
            2,
            expected,
            row(&found),
            hint(
                &mistakes,
                "Subtract the mean of the first list, then divide by its standard deviation.",
            ),
        );
    }
    Feedback::right(
        2,
        "Its mean is not 0 and its standard deviation is not 1, and that is correct: the same \
         photograph must become the same numbers in every part of the data.",
    )
}

/// An image of 32 × 32 × 3 bytes whose bytes are taken from the positions that `from` gives.
fn moved(image: &[u8], from: impl Fn(usize, usize, usize) -> usize) -> Vec<u8> {
    (0..3072)
        .map(|i| image[from(i / 96, i / 3 % 32, i % 3)])
        .collect()
}

/// The mirror image of 3,072 bytes (row, column, channel).
pub fn exercise_3(answer: fn(&[u8]) -> Vec<u8>) -> Feedback {
    let place = |row: usize, column: usize, channel: usize| (32 * row + column) * 3 + channel;
    let sample = Cifar10::sample().train;
    for index in [0, 4] {
        let image: Vec<u8> = sample
            .image(index)
            .map(|image| image.iter().copied().collect())
            .unwrap_or_default();
        let expected =
            format!("3,072 bytes: image {index} of the sample with left and right exchanged");
        let found = match attempt(|| answer(&image)) {
            Ok(found) => found,
            Err(panic) => {
                return Feedback::wrong(
                    3,
                    expected,
                    panic,
                    "The last column is number 31. Which column replaces column c?",
                );
            }
        };
        if found.is_empty() {
            return Feedback::missing(3, "3,072 bytes");
        }
        let right = moved(&image, |r, c, k| place(r, 31 - c, k));
        if found == right {
            continue;
        }
        let mistakes = [
            (
                found.len() != 3072,
                "The result has as many bytes as the image.",
            ),
            (found == image, "That is the image unchanged."),
            (
                found == moved(&image, |r, c, k| place(31 - r, 31 - c, 2 - k)),
                "All bytes are in reverse order: this rotates the image by 180° and swaps red and \
                 blue.",
            ),
            (
                found == moved(&image, |r, c, k| place(r, 31 - c, 2 - k)),
                "The bytes of each row are in reverse order: the pixels are in the right places, \
                 but red and blue are swapped. Keep the three bytes of a pixel in their order.",
            ),
            (
                found == moved(&image, |r, c, k| place(31 - r, c, k)),
                "That is upside down: reverse the columns, not the rows.",
            ),
            (
                found == moved(&image, |r, c, k| place(31 - r, 31 - c, k)),
                "That is rotated by 180°: leave the rows where they are.",
            ),
            (
                found == moved(&image, |r, c, k| place(c, r, k)),
                "Rows and columns are swapped: this mirrors the image along its diagonal.",
            ),
            (
                found
                    == (0..3072)
                        .map(|i| image[i / 32 * 32 + 31 - i % 32])
                        .collect::<Vec<u8>>(),
                "That would be right for one plane after another. Here the three bytes of a pixel \
                 are next to each other.",
            ),
        ];
        let first = found
            .iter()
            .zip(&right)
            .position(|(a, b)| a != b)
            .unwrap_or(0);
        let says = match found.len() {
            3072 => format!(
                "a different byte in row {}, column {}, channel {}",
                first / 96,
                first / 3 % 32,
                first % 3
            ),
            length => format!("{length} bytes"),
        };
        return Feedback::wrong(
            3,
            expected,
            says,
            hint(
                &mistakes,
                "Loop over rows, columns and channels, and work out for each byte which byte of \
                 the image it comes from.",
            ),
        );
    }
    Feedback::right(
        3,
        "Mirroring twice restores the image, and a horse that looks left is still a horse: this \
         augmentation doubles the data at no cost. For the letters b and d it would change the \
         label.",
    )
}

/// The numbers of two images.
type Pair = (usize, usize);

/// The pair i < j with the smallest sum over bytes.
fn closest(
    images: &[Vec<u8>],
    byte: impl Fn(u8, u8) -> i64,
    of_sum: fn(i64) -> i64,
) -> Option<Pair> {
    let pairs = (0..images.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
    pairs.min_by_key(|(i, j)| {
        of_sum(
            images[*i]
                .iter()
                .zip(&images[*j])
                .map(|(a, b)| byte(*a, *b))
                .sum(),
        )
    })
}

/// The two most similar of some images, by the sum of the squared differences of their bytes.
pub fn exercise_4(answer: fn(&[Vec<u8>]) -> Option<Pair>) -> Feedback {
    let sample = Cifar10::sample().train;
    let mut photographs: Vec<Vec<u8>> = (0..12)
        .filter_map(|index| sample.image(index))
        .map(|image| image.iter().copied().collect())
        .collect();
    // A little brighter: no byte is the same, and each is larger, so that a difference of bytes may wrap around.
    photographs.push(
        photographs[5]
            .iter()
            .map(|byte| byte.saturating_add(4))
            .collect(),
    );
    let cases: [(&str, Vec<Vec<u8>>); 4] = [
        (
            "six images of three bytes",
            vec![
                vec![10, 10, 10],
                vec![200, 0, 100],
                vec![13, 12, 9],
                vec![100, 100, 100],
                vec![190, 0, 90],
                vec![255, 0, 0],
            ],
        ),
        (
            "three images of three bytes",
            vec![vec![50, 50, 50], vec![47, 47, 47], vec![50, 50, 56]],
        ),
        (
            "twelve photographs and a slightly brighter copy of one of them",
            photographs,
        ),
        // 256 is 0 in a u8, and 255 is -1 in an i8.
        (
            "four images of one byte",
            vec![vec![0], vec![16], vec![6], vec![255]],
        ),
    ];
    for (number, (given, images)) in cases.iter().enumerate() {
        let expected = match number {
            2 => format!("Some((i, j)) with i < j, the most similar of {given}"),
            _ => format!("Some((i, j)) with i < j, the most similar of {given}: {images:?}"),
        };
        let found = match attempt(|| answer(images)) {
            Ok(found) => found,
            Err(panic) => {
                let bytes = [(
                    panic.contains("overflow"),
                    "A u8 holds only 0 to 255, so differences and squares overflow: convert to \
                     i64 before you calculate.",
                )];
                return Feedback::wrong(
                    4,
                    expected,
                    panic,
                    hint(
                        &bytes,
                        "There may be any number of images, each of any length.",
                    ),
                );
            }
        };
        let difference = |a: u8, b: u8| i64::from(a) - i64::from(b);
        let square = |a: u8, b: u8| difference(a, b).pow(2);
        let right = closest(images, square, |sum| sum);
        if found == right {
            continue;
        }
        let Some((i, j)) = found else {
            return match number {
                0 => Feedback::missing(4, "Some((i, j)), the numbers of two images"),
                _ => Feedback::wrong(
                    4,
                    expected,
                    "None",
                    "With two or more images there is always a closest pair.",
                ),
            };
        };
        let mistakes = [
            (
                i == j,
                "An image with itself is not a pair: compare each image only with those after it.",
            ),
            (
                Some((j, i)) == right,
                "These are the right images; put the smaller number first.",
            ),
            (
                found
                    == closest(
                        images,
                        |a, b| i64::from(a.wrapping_sub(b)).pow(2),
                        |sum| sum,
                    ),
                "A u8 cannot be negative, so a difference wraps around: 10 - 13 becomes 253. \
                 Convert before you subtract.",
            ),
            (
                found
                    == closest(
                        images,
                        |a, b| i64::from(a.abs_diff(b).wrapping_mul(a.abs_diff(b))),
                        |sum| sum,
                    ),
                "The square of a u8 wraps around above 255. Convert before you multiply.",
            ),
            (
                found == closest(images, square, |sum| -sum),
                "These are the two least similar images: the comparison is the wrong way round.",
            ),
            (
                found == closest(images, |a, b| i64::from(a.abs_diff(b)), |sum| sum),
                "That is the closest pair by absolute differences; square each difference \
                 instead.",
            ),
            (
                found == closest(images, difference, i64::abs)
                    || found == closest(images, difference, |sum| sum),
                "Positive and negative differences cancel: square each one before you add them \
                 up.",
            ),
        ];
        return Feedback::wrong(
            4,
            expected,
            format!("Some(({i}, {j}))"),
            hint(
                &mistakes,
                "Loop over all pairs i < j, and keep the smallest distance and its pair.",
            ),
        );
    }
    Feedback::right(
        4,
        "The time grows with the square of the number of images. 50,000 training images and \
         10,000 test images make 500 million pairs of 3,072 bytes each, which is why one compares \
         thumbnails first.",
    )
}
