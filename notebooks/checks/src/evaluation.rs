//! The exercises of notebook 5: evaluation.

mod recall;

use lab_textbook::{Matrix, mean, sparse_categorical_crossentropy};

use crate::Feedback;
use crate::check::{Case, Exercise};
use crate::sandbox::attempt;

pub use recall::exercise_5;

/// The table of exercise 1: cat, dog, frog; true classes in rows.
const PETS: [[f64; 3]; 3] = [[40.0, 16.0, 4.0], [10.0, 36.0, 2.0], [6.0, 8.0, 46.0]];

/// The precision of *dog* in a table of three classes.
pub fn exercise_1(precision: f64) -> Feedback {
    let correct = PETS[1][1];
    let answers: f64 = PETS.iter().map(|row| row[1]).sum();
    let samples: f64 = PETS[1].iter().sum();
    let all: f64 = PETS.iter().flatten().sum();
    let right = correct / answers;
    let mistakes = vec![
        (
            correct / samples,
            "That is the recall, the fraction of the dogs that were called dog. Precision divides \
             by the answers, a column.",
        ),
        (
            100.0 * right,
            "That is a percentage: give a fraction between 0 and 1.",
        ),
        (
            100.0 * correct / samples,
            "That is the recall, as a percentage. Precision is a fraction between 0 and 1 of the \
             answers in a column.",
        ),
        (
            2.0 * correct / (answers + samples),
            "That is F1, which combines precision and recall: precision divides by the answers \
             alone.",
        ),
        (
            (0..3).map(|class| PETS[class][class]).sum::<f64>() / all,
            "That is the accuracy over all classes.",
        ),
        (
            correct / all,
            "Divide by the pictures that were called dog, not by all of them.",
        ),
        (
            1.0 - right,
            "That is the fraction of the answers that were wrong.",
        ),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a fraction between 0 and 1: of the pictures called dog, those that are dogs",
        tolerance: 1e-3,
        fallback: "Rows are true classes, columns are answers. Which numbers belong to the answer dog?",
        lesson: "The recall of the same class is 0.75: this network says dog too readily. With \
                 another threshold one of them rises and the other falls, so neither says much \
                 alone.",
    };
    exercise.check(vec![Case {
        given: String::new(),
        found: Ok(precision),
        right: vec![right],
        mistakes,
    }])
}

/// The three classes that lose most images to a class, most first: `losers(counts, class)`.
pub fn exercise_2(losers: fn(&[Vec<u64>], usize) -> Vec<usize>) -> Feedback {
    let small = |class| {
        (
            five(),
            class,
            format!("for class {class} of the table {:?}", five()),
        )
    };
    let cases = [
        small(2),
        small(4),
        (
            printed(),
            3,
            "for class 3 (cat) of the original lab's printed matrix".to_owned(),
        ),
    ];
    let exercise = Exercise {
        number: 2,
        expected: "the numbers of three classes, the one that loses most first",
        tolerance: 0.0,
        fallback: "The images of class t that were called c are counts[t][c]. Leave out t = c, sort the t by that count, the \
                    largest first, and take three.",
        lesson: "In the original lab's matrix, the three classes that lose most images to cat are \
                 also the three that get most cats: a network that cannot tell two classes apart \
                 confuses them in both directions.",
    };
    exercise.check(
        cases
            .into_iter()
            .map(|(counts, class, given)| {
                let others: Vec<usize> =
                    (0..counts.len()).filter(|&other| other != class).collect();
                let ranked = |among: &[usize], score: &dyn Fn(usize) -> f64| {
                    let mut ranked = among.to_vec();
                    ranked.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
                    ranked
                };
                let first = |ranked: Vec<usize>| ranked[..3].to_vec();
                let lost = |t: usize| counts[t][class] as f64;
                let share = |t: usize| lost(t) / counts[t].iter().sum::<u64>() as f64;
                let everybody: Vec<usize> = (0..counts.len()).collect();
                let right = first(ranked(&others, &lost));
                let mistakes = vec![
                    (
                        first(ranked(&others, &|c| counts[class][c] as f64)),
                        "Rows and columns are swapped: these are the classes that get most images \
                         of this class.",
                    ),
                    (
                        first(ranked(&everybody, &lost)),
                        "Leave out the diagonal: images that a class keeps are not lost.",
                    ),
                    (
                        first(ranked(&everybody, &|c| counts[class][c] as f64)),
                        "Rows and columns are swapped, and the diagonal must be left out.",
                    ),
                    (
                        first(ranked(&others, &|t| -lost(t))),
                        "These three lose fewest: sort the other way round.",
                    ),
                    (
                        right.iter().rev().copied().collect(),
                        "These are the right three: put the one that loses most first.",
                    ),
                    (
                        ranked(&others, &lost),
                        "The order is right: return only the first three.",
                    ),
                    (
                        first(ranked(&others, &share)),
                        "Sort by the number of images, not by their fraction of the class.",
                    ),
                ];
                Case {
                    given,
                    found: attempt(|| losers(&counts, class)),
                    right: vec![right],
                    mistakes,
                }
            })
            .collect(),
    )
}

/// The weighted mean of the classes' precisions, 0 for a class that was never answered: `weighted(counts)`.
pub fn exercise_3(weighted: fn(&[Vec<u64>]) -> f64) -> Feedback {
    let never = vec![vec![5, 0, 5], vec![2, 0, 4], vec![1, 0, 3]];
    let exercise = Exercise {
        number: 3,
        expected: "the mean of the precisions, each weighted by its class's fraction of the \
                   samples",
        tolerance: 1e-9,
        fallback: "For each class, precision divides by the sum of a column, and the weight comes \
                   from the sum of a row. Do the weights add up to 1?",
        lesson: "Weighted recall is the accuracy, but weighted precision is not: its weights do \
                 not cancel. A class that was never predicted lowers it and is easily overlooked, \
                 as in the original lab's 0.0658.",
    };
    exercise.check([five(), never, printed()].map(|counts| {
        let classes = 0..counts.len();
        let samples = |c: usize| counts[c].iter().sum::<u64>() as f64;
        let answers = |c: usize| counts.iter().map(|row| row[c]).sum::<u64>() as f64;
        let correct = |c: usize| counts[c][c] as f64;
        let all: f64 = classes.clone().map(samples).sum();
        let ratio = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
        let sum = |score: &dyn Fn(usize) -> f64| classes.clone().map(score).sum::<f64>();
        let right = sum(&|c| samples(c) / all * ratio(correct(c), answers(c)));
        let f1 = sum(&|c| samples(c) / all * ratio(2.0 * correct(c), answers(c) + samples(c)));
        Case {
            given: if counts.len() == 10 { "for the original lab's printed matrix".to_owned() } else { format!("for the table {counts:?}") },
            found: attempt(|| weighted(&counts)),
            right: vec![right],
            mistakes: vec![
                (f64::NAN, "One class was never predicted, and 0/0 is NaN: count its precision as \
                            0."),
                (sum(&|c| ratio(correct(c), answers(c))) / counts.len() as f64, "That is the macro mean, which gives all classes the same weight: weight \
                         each by its samples."),
                (sum(&correct) / all, "That is the accuracy: you weighted by the answers, or took \
                                 recall instead of precision. Precision divides by the answers; \
                                 the weights are the samples."),
                (sum(&|c| answers(c) / all * ratio(correct(c), samples(c))), "Rows and columns are swapped: the answers are a column, the samples a \
                         row."),
                (sum(&|c| ratio(correct(c), samples(c))) / counts.len() as f64, "That is the macro mean of the recalls: it is neither weighted nor \
                         precision."),
                (f1, "That is the weighted F1."),
                (100.0 * right, "That is a percentage: give a fraction between 0 and 1."),
                (right * all, "The weights are fractions that add up to 1."),
            ],
        }
    }).into())
}

/// The temperature by which logits are divided to get the lowest cross-entropy: `temperature(logits, classes)`.
pub fn exercise_4(temperature: fn(&Matrix, &[usize]) -> f64) -> Feedback {
    let exercise = Exercise {
        number: 4,
        expected: "a temperature between 0.1 and 10, accurate to 2 %",
        tolerance: 0.02,
        fallback: "Try temperatures from 0.1 to 10, each 1 % above the last. For each, compute \
                   the mean cross-entropy of logits / T, and keep the T with the lowest.",
        lesson: "No prediction changes, because after division by T the largest logit is still \
                 the largest. Find T on the validation images: on the training images, which the \
                 network has memorized, T would be too small.",
    };
    // Overconfident, about right, underconfident.
    let cases = [(1, 4.0), (2, 0.9), (3, 0.3)].map(|(seed, size)| {
        let (logits, classes) = sample(seed, size);
        let loss = |t: f64| {
            mean(
                sparse_categorical_crossentropy(&(&logits / t), &classes),
                None,
            )
            .0
        };
        let best = lowest(loss);
        let end = "That is an end of the range. Do you divide the logits, not the probabilities? \
                   Do you keep the T with the lowest loss?";
        let mistakes = vec![
            (
                1.0 / best,
                "You multiplied instead of dividing: softmax(z / T) with T above 1 makes \
                          a network less certain.",
            ),
            (best.ln(), "That is the logarithm of the temperature."),
            (loss(best), "That is the loss. Which temperature gives it?"),
            (0.1, end),
            (10.0, end),
            (
                1.0,
                "Temperature 1 changes nothing. Accuracy is the same for every T: do you \
                   compare the cross-entropy?",
            ),
        ];
        let (rows, columns) = logits.dim();
        let given = format!("for logits ({rows}, {columns}) of size about {size}");
        Case {
            given,
            found: attempt(|| temperature(&logits, &classes)),
            right: vec![best],
            mistakes,
        }
    });
    exercise.check(cases.into())
}

/// Samples of three classes with logits of about this size; that of the true class is usually the largest.
fn sample(seed: u64, size: f64) -> (Matrix, Vec<usize>) {
    let mut state = seed;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let classes: Vec<usize> = (0..90).map(|number| number % 3).collect();
    let logit = |(row, column): (usize, usize)| {
        let noise = (0..4).map(|_| uniform()).sum::<f64>() - 2.0;
        size * (1.5 * noise + if classes[row] == column { 1.0 } else { 0.0 })
    };
    (Matrix::from_shape_fn((classes.len(), 3), logit), classes)
}

/// The minimum of a loss with one valley between 0.1 and 10, by ternary search on the logarithm.
fn lowest(loss: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.1_f64.ln(), 10.0_f64.ln());
    for _ in 0..60 {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if loss(left.exp()) < loss(right.exp()) {
            high = right
        } else {
            low = left
        }
    }
    low.exp()
}

/// A table of five classes of different sizes.
fn five() -> Vec<Vec<u64>> {
    vec![
        vec![30, 4, 9, 1, 6],
        vec![2, 40, 12, 5, 1],
        vec![7, 3, 25, 14, 8],
        vec![0, 6, 5, 18, 11],
        vec![3, 2, 4, 1, 13],
    ]
}

/// The confusion matrix that the original lab printed; the last number of its first row is chosen so that the row adds up
/// to a thousand.
fn printed() -> Vec<Vec<u64>> {
    [
        [523, 40, 64, 38, 19, 8, 37, 43, 203, 25],
        [30, 621, 5, 37, 7, 18, 19, 34, 101, 128],
        [109, 27, 302, 110, 119, 67, 149, 71, 34, 12],
        [26, 19, 73, 362, 42, 181, 164, 44, 52, 37],
        [69, 11, 187, 76, 321, 40, 167, 82, 37, 10],
        [17, 12, 93, 240, 41, 339, 126, 76, 36, 20],
        [6, 14, 74, 114, 81, 31, 626, 22, 19, 13],
        [47, 19, 50, 82, 69, 69, 57, 537, 20, 50],
        [95, 74, 13, 31, 12, 16, 15, 12, 684, 48],
        [49, 190, 3, 50, 8, 16, 41, 44, 98, 501],
    ]
    .map(Vec::from)
    .into()
}
