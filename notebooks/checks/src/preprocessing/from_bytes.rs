//! Exercise 5: from bytes to a trained network.

use lab_core::ndarray::Array4;
use lab_core::prelude::{Cifar10, Dataset, Result, Sequential};

use crate::Feedback;
use crate::training::{Task, feedback};

const IMAGES: usize = 800;
const GOAL: f64 = 0.25;

/// The images of a data set as records: the label, then one colour plane after another.
fn records(data: &Dataset) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (label, image) in (0..data.len()).filter_map(|i| data.label(i).zip(data.image(i))) {
        bytes.push(label);
        (0..3).for_each(|k| bytes.extend(image.iter().skip(k).step_by(3)));
    }
    bytes
}

/// The position within a record at which somebody looks for a row, a column and a channel.
type Place = fn(usize, usize, usize) -> usize;

const MISTAKES: [(Place, &str); 5] = [
    (
        |r, c, k| 1 + 3 * (32 * r + c) + k,
        "It does better on images in which the three bytes of a pixel were taken to lie next to \
         each other. A record stores one colour plane after another.",
    ),
    (
        |r, c, k| 1 + 1024 * k + 32 * c + r,
        "It does better on images whose rows and columns are swapped: a row of a plane is 32 bytes \
         long.",
    ),
    (
        |r, c, k| 1 + 1024 * (2 - k) + 32 * r + c,
        "It does better on images whose red and blue are swapped: the planes are red, green, blue.",
    ),
    (
        |r, c, k| 1 + 1024 * k + 32 * (31 - r) + c,
        "It does better on images that are upside down: the first row of a plane is the top one.",
    ),
    (
        |_, _, k| 1 + 1024 * k,
        "It does better on images whose pixels are all the same: use the row and the column.",
    ),
];

/// The same images as somebody reads them who looks in these places.
fn read(data: &Dataset, place: Place) -> Result<Dataset> {
    let bytes = records(data);
    let byte = |(i, r, c, k)| bytes[3073 * i + place(r, c, k)];
    let images = Array4::from_shape_fn((data.len(), 32, 32, 3), byte);
    Dataset::new(images, data.labels(), data.class_names().to_vec())
}

/// A network trained on images that the reader decodes: `answer(records, class names)`.
pub fn exercise_5(cifar: &Cifar10, answer: fn(&[u8], &[String]) -> Result<Sequential>) -> Feedback {
    let task = Task {
        number: 5,
        expected: "a network that recognizes at least 25 % of other images, stored in the same way",
    };
    feedback(|| {
        let (train, other) = task.parts(cifar, IMAGES, 1_000)?;
        let network = task.run(|| answer(&records(&train), train.class_names()))?;
        let learnt = task.evaluate(&network, &train)?.accuracy;
        let accuracy = task.evaluate(&network, &other)?.accuracy;
        let reached = format!(
            "{:.1} % of {} images it has not seen, and {:.1} % of those it was trained on",
            100.0 * accuracy,
            other.len(),
            100.0 * learnt
        );
        if accuracy >= GOAL {
            return Ok(Feedback::right(
                5,
                format!(
                    "{reached}. A network does not complain about images that were misread; it \
                     learns what it can from them. Look at the pictures before you train."
                ),
            ));
        }
        // A network that has learnt to read in a wrong way is best at what is misread in the same way.
        let mut best = (learnt + 0.1, "");
        for (place, says) in MISTAKES {
            let misread = read(&train, place);
            let found = misread.and_then(|images| Ok(network.evaluate(&images)?.accuracy));
            if let Ok(found) = found.map(|found| (found, says)) {
                best = if found.0 > best.0 { found } else { best };
            }
        }
        let hint = match best.1 {
            "" if learnt < 0.15 => {
                "Not even the images that it was trained on are recognized. Does each image have \
                 the label of its own record? A record has 3,073 bytes, and the first is the \
                 label. If it does, look at the loss: does it fall?"
            }
            "" if learnt > 0.6 => {
                "It knows the training images by heart: fewer epochs, or a smaller network."
            }
            "" => "It learns, but not enough: more epochs, or another learning rate.",
            says => says,
        };
        Ok(task.wrong(reached, hint))
    })
}
