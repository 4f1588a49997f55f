//! The exercises of notebook 1: preprocessing.

use lab_core::prelude::Cifar10;

use crate::Verdict;
use crate::trial::{attempt, hint, near, row};

/// The number of a byte in a record: row 5, column 7, blue.
pub fn exercise_1(answer: usize) -> Verdict {
    let (r, c, k) = (5, 7, 2);
    let right = 1 + 1024 * k + 32 * r + c;
    let expected = "the number of a byte, counted from 0, in a record of 3,073 bytes";
    if answer == 0 {
        return Verdict::missing(1, expected);
    }
    if answer == right {
        return Verdict::right(
            1,
            "Nothing in the file says so: 32 columns, planes of 1,024 bytes and their order are \
             all known from the description alone, and a reader that is wrong about them gets \
             numbers all the same.",
        );
    }
    let mistakes = [
        (
            answer + 1 == right,
            "The first byte of a record is the label.",
        ),
        (
            answer == 1 + 1024 * k + 32 * c + r,
            "Row and column are swapped: a row is 32 bytes long, so which is times 32?",
        ),
        (
            answer == 1 + 3 * (32 * r + c) + k,
            "That is how an array of pixels lies in memory. The file has one plane after another.",
        ),
        (
            answer == 3 * (32 * r + c) + k,
            "The file has one plane after another, and the label before them.",
        ),
        (
            answer == right + 1024 || answer == right - 1024,
            "Channels are counted from 0: red, green, blue.",
        ),
        (
            answer == 1 + 1024 * k + 32 * (r - 1) + c - 1,
            "Rows and columns are counted from 0.",
        ),
        (answer > 3072, "A record ends before that byte."),
    ];
    Verdict::wrong(
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

/// Numbers of another part, standardized by those of the training part: `(train, other)` to the new `other`.
pub fn exercise_2(answer: fn(&[f64], &[f64]) -> Vec<f64>) -> Verdict {
    let cases: [(&[f64], &[f64]); 3] = [
        (&[0.2, 0.4, 0.6, 0.8], &[0.5, 1.0, 0.3]),
        (&[0.0, 0.0, 1.0], &[0.0, 1.0, 0.5, 0.25]),
        (&[10.0, 30.0], &[20.0]),
    ];
    for (number, (train, other)) in cases.into_iter().enumerate() {
        let expected = format!(
            "a list of {} numbers, those of {other:?} standardized with the mean and the deviation of {train:?}",
            other.len()
        );
        let came = match attempt(|| answer(train, other)) {
            Ok(came) => came,
            Err(panic) => {
                return Verdict::wrong(
                    2,
                    expected,
                    panic,
                    "The two lists may differ in length: take no index of one for the other.",
                );
            }
        };
        if number == 0 && came.is_empty() {
            return Verdict::missing(2, "a list as long as the second argument");
        }
        let by = |mean: f64, deviation: f64| -> Vec<f64> {
            other.iter().map(|x| (x - mean) / deviation).collect()
        };
        let deviation = variance(train).sqrt();
        if near(&came, &by(mean(train), deviation)) {
            continue;
        }
        let both: Vec<f64> = train.iter().chain(other).copied().collect();
        let count = train.len() as f64;
        let mistakes = [
            (
                near(&came, &by(mean(other), variance(other).sqrt())),
                "These are the statistics of the second part itself: it would come out with mean 0 \
                 and deviation 1 whatever it holds.",
            ),
            (
                near(&came, &by(mean(&both), variance(&both).sqrt())),
                "These are the statistics of all numbers together: the training would know something \
                 of the other part.",
            ),
            (
                near(&came, &by(mean(train), variance(train))),
                "Divide by the deviation, which is the square root of the variance.",
            ),
            (
                near(&came, &by(mean(train), 1.0)),
                "The mean is gone; the division by the deviation is missing.",
            ),
            (
                near(&came, &by(0.0, deviation)),
                "The division is right; the mean has to be taken off before it.",
            ),
            (
                near(
                    &came,
                    &by(mean(train), deviation * (count / (count - 1.0)).sqrt()),
                ),
                "Here the squares are divided by n, as in the formula of the notebook, not by n - 1.",
            ),
            (
                came.len() == train.len() && came.len() != other.len(),
                "It is the second list that is asked for; the first only lends its statistics.",
            ),
            (
                came.iter().any(|x| !x.is_finite()),
                "A number that is not finite: a division by 0, or the root of something negative?",
            ),
        ];
        return Verdict::wrong(
            2,
            expected,
            row(&came),
            hint(
                &mistakes,
                "Take off the mean of the first list, then divide by its deviation.",
            ),
        );
    }
    Verdict::right(
        2,
        "Its mean is not 0 and its deviation not 1, and that is as it should be: the same \
         photograph must become the same numbers in whichever part it is.",
    )
}

/// An image of 32 × 32 × 3 bytes, one pixel after another, with one rule for where each byte comes from.
fn moved(image: &[u8], from: impl Fn(usize, usize, usize) -> usize) -> Vec<u8> {
    (0..3072)
        .map(|i| image[from(i / 96, i / 3 % 32, i % 3)])
        .collect()
}

/// The mirror image of 3,072 bytes (row, column, channel).
pub fn exercise_3(answer: fn(&[u8]) -> Vec<u8>) -> Verdict {
    let place = |row: usize, column: usize, channel: usize| (32 * row + column) * 3 + channel;
    let sample = Cifar10::sample().train;
    for index in [0, 4] {
        let image: Vec<u8> = sample
            .image(index)
            .map(|image| image.iter().copied().collect())
            .unwrap_or_default();
        let expected =
            format!("3,072 bytes: image {index} of the sample with left and right exchanged");
        let came = match attempt(|| answer(&image)) {
            Ok(came) => came,
            Err(panic) => {
                return Verdict::wrong(
                    3,
                    expected,
                    panic,
                    "The last column has the number 31: which column comes in place of column c?",
                );
            }
        };
        if came.is_empty() {
            return Verdict::missing(3, "3,072 bytes");
        }
        let right = moved(&image, |r, c, k| place(r, 31 - c, k));
        if came == right {
            continue;
        }
        let mistakes = [
            (came.len() != 3072, "There are as many bytes as before."),
            (came == image, "That is the image as it was."),
            (
                came == moved(&image, |r, c, k| place(31 - r, 31 - c, 2 - k)),
                "All bytes are in reverse order: that turns the image by 180° and exchanges red and blue.",
            ),
            (
                came == moved(&image, |r, c, k| place(r, 31 - c, 2 - k)),
                "Each row of bytes is in reverse order: the places are right, but red and blue are \
                 exchanged. Keep the three bytes of a pixel together.",
            ),
            (
                came == moved(&image, |r, c, k| place(31 - r, c, k)),
                "That is upside down: the columns are to change, not the rows.",
            ),
            (
                came == moved(&image, |r, c, k| place(31 - r, 31 - c, k)),
                "That is turned by 180°: the rows stay where they are.",
            ),
            (
                came == moved(&image, |r, c, k| place(c, r, k)),
                "Rows and columns are exchanged: that mirrors at the diagonal.",
            ),
            (
                came == (0..3072)
                    .map(|i| image[i / 32 * 32 + 31 - i % 32])
                    .collect::<Vec<u8>>(),
                "That would be right for one plane after another. Here the three bytes of a pixel lie together.",
            ),
        ];
        let first = came
            .iter()
            .zip(&right)
            .position(|(a, b)| a != b)
            .unwrap_or(0);
        let says = match came.len() {
            3072 => format!(
                "another byte in row {}, column {}, channel {}",
                first / 96,
                first / 3 % 32,
                first % 3
            ),
            length => format!("{length} bytes"),
        };
        return Verdict::wrong(
            3,
            expected,
            says,
            hint(
                &mistakes,
                "Go through rows, columns and channels, and ask for each byte where it comes from.",
            ),
        );
    }
    Verdict::right(
        3,
        "Done twice it gives the image back, and a horse looking left is still a horse: such \
         a change doubles the data at no cost. For the digits 6 and 9, or the letters b and \
         d, it would not be allowed.",
    )
}

/// The numbers of two images.
type Pair = (usize, usize);

/// The pair i < j with the least of something that is a sum over bytes.
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
pub fn exercise_4(answer: fn(&[Vec<u8>]) -> Option<Pair>) -> Verdict {
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
            "twelve photographs, and one of them once more, a little brighter",
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
        let came = match attempt(|| answer(images)) {
            Ok(came) => came,
            Err(panic) => {
                let bytes = [(
                    panic.contains("overflow"),
                    "A difference of two u8 cannot be negative, and a square of one ends at 255: convert \
                     to i64 before you calculate.",
                )];
                return Verdict::wrong(
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
        if came == right {
            continue;
        }
        let Some((i, j)) = came else {
            return match number {
                0 => Verdict::missing(4, "Some((i, j)), the numbers of two images"),
                _ => Verdict::wrong(
                    4,
                    expected,
                    "None",
                    "With two images or more there always is a closest pair.",
                ),
            };
        };
        let mistakes = [
            (
                i == j,
                "An image is not a pair: compare it with those behind it only.",
            ),
            (
                Some((j, i)) == right,
                "These are the two; give the smaller number first.",
            ),
            (
                came == closest(
                    images,
                    |a, b| i64::from(a.wrapping_sub(b)).pow(2),
                    |sum| sum,
                ),
                "A difference of two u8 cannot be negative, it wraps around: 10 - 13 becomes 253. \
                 Convert before you subtract.",
            ),
            (
                came == closest(
                    images,
                    |a, b| i64::from(a.abs_diff(b).wrapping_mul(a.abs_diff(b))),
                    |sum| sum,
                ),
                "A square of a u8 ends at 255 and begins anew. Convert before you multiply.",
            ),
            (
                came == closest(images, square, |sum| -sum),
                "No difference is as large as theirs? Then the comparison is the wrong way round.",
            ),
            (
                came == closest(images, |a, b| i64::from(a.abs_diff(b)), |sum| sum),
                "That is the closest pair by absolute differences; here each is to be squared.",
            ),
            (
                came == closest(images, difference, i64::abs)
                    || came == closest(images, difference, |sum| sum),
                "Differences of both signs cancel: square each before the sum.",
            ),
        ];
        return Verdict::wrong(
            4,
            expected,
            format!("Some(({i}, {j}))"),
            hint(
                &mistakes,
                "Keep the smallest distance so far, and the pair that has it, over all pairs i < j.",
            ),
        );
    }
    Verdict::right(
        4,
        "The time grows with the square of the number of images: 50,000 training images \
         against 10,000 test images are 500 million pairs of 3,072 bytes, which is why one \
         looks at thumbnails first.",
    )
}
