//! The exercises of notebook 5: evaluation.

use lab_core::textbook::{Matrix, mean, sparse_categorical_crossentropy};

use crate::Verdict;
use crate::judge::{Case, Exercise};
use crate::trial::attempt;

/// The table of exercise 1: cat, dog, frog; true classes in rows.
const PETS: [[f64; 3]; 3] = [[40.0, 16.0, 4.0], [10.0, 36.0, 2.0], [6.0, 8.0, 46.0]];

/// The precision of *dog* in a table of three classes.
pub fn exercise_1(precision: f64) -> Verdict {
    let hits = PETS[1][1];
    let answers: f64 = PETS.iter().map(|row| row[1]).sum();
    let samples: f64 = PETS[1].iter().sum();
    let all: f64 = PETS.iter().flatten().sum();
    let right = hits / answers;
    let mistakes = vec![
        (
            hits / samples,
            "That is the recall: of the dogs, how many were called dog? Precision asks it of the answers: a column.",
        ),
        (100.0 * right, "That is a percentage: give a share of 1."),
        (
            100.0 * hits / samples,
            "That is the recall, and a percentage: precision is a share, of the answers in a column.",
        ),
        (
            2.0 * hits / (answers + samples),
            "That is F1, which has both in it: precision divides by the answers alone.",
        ),
        (
            (0..3).map(|class| PETS[class][class]).sum::<f64>() / all,
            "That is the accuracy, of all classes together.",
        ),
        (
            hits / all,
            "Not all pictures: only those that were called dog.",
        ),
        (
            1.0 - right,
            "That is the share of the answers that were wrong.",
        ),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a share of 1: of the pictures called dog, those that are dogs",
        tolerance: 1e-3,
        otherwise: "Rows are true classes, columns are answers. Which numbers belong to the answer dog?",
        so: "The recall of the same class is 0.75: this network says dog too readily. With another threshold the one rises \
             and the other falls, so neither says much alone.",
    };
    exercise.judge(vec![Case {
        given: String::new(),
        came: Ok(precision),
        right: vec![right],
        mistakes,
    }])
}

/// The three classes that lose most images to a class, most first: `losers(counts, class)`.
pub fn exercise_2(losers: fn(&[Vec<u64>], usize) -> Vec<usize>) -> Verdict {
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
            "for class 3 (cat) of the lab's printed matrix".to_owned(),
        ),
    ];
    let exercise = Exercise {
        number: 2,
        expected: "three numbers of classes, the one that loses most first",
        tolerance: 0.0,
        otherwise: "The images of class t that were called c are counts[t][c]. Leave out t = c, sort the t by that count, the \
                    largest first, and take three.",
        so: "In the lab's matrix the three classes that lose most to cat are also the three that get most cats: a network \
             that cannot tell two classes apart mixes them up in both directions.",
    };
    exercise.judge(
        cases
            .into_iter()
            .map(|(counts, class, given)| {
                let others: Vec<usize> = (0..counts.len()).filter(|&other| other != class).collect();
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
                        "Rows and columns are swapped: these are the classes that get most images of this one.",
                    ),
                    (first(ranked(&everybody, &lost)), "The diagonal is in it: what a class keeps is no loss."),
                    (
                        first(ranked(&everybody, &|c| counts[class][c] as f64)),
                        "Rows and columns are swapped, and the diagonal is in it.",
                    ),
                    (first(ranked(&others, &|t| -lost(t))), "The other way round: these lose fewest."),
                    (right.iter().rev().copied().collect(), "The right three: put the one that loses most first."),
                    (ranked(&others, &lost), "In the right order: only the first three are asked for."),
                    (first(ranked(&others, &share)), "By number of images, not by share of the class."),
                ];
                Case { given, came: attempt(|| losers(&counts, class)), right: vec![right], mistakes }
            })
            .collect(),
    )
}

/// The weighted mean of the classes' precisions, 0 for a class that was never answered: `weighted(counts)`.
pub fn exercise_3(weighted: fn(&[Vec<u64>]) -> f64) -> Verdict {
    let never = vec![vec![5, 0, 5], vec![2, 0, 4], vec![1, 0, 3]];
    let exercise = Exercise {
        number: 3,
        expected: "the precisions, each weighted with its class's share of the samples",
        tolerance: 1e-9,
        otherwise: "For each class: precision divides by a column of the table, the weight is from a row. Do the weights add \
                    up to 1?",
        so: "Weighted precision is not the accuracy, as weighted recall is: here the weights do not cancel. A class that \
             was never answered pulls it down and is easily overlooked, as in the lab's 0.0658.",
    };
    exercise.judge([five(), never, printed()].map(|counts| {
        let classes = 0..counts.len();
        let samples = |c: usize| counts[c].iter().sum::<u64>() as f64;
        let answers = |c: usize| counts.iter().map(|row| row[c]).sum::<u64>() as f64;
        let hits = |c: usize| counts[c][c] as f64;
        let all: f64 = classes.clone().map(samples).sum();
        let ratio = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
        let sum = |score: &dyn Fn(usize) -> f64| classes.clone().map(score).sum::<f64>();
        let right = sum(&|c| samples(c) / all * ratio(hits(c), answers(c)));
        let f1 = sum(&|c| samples(c) / all * ratio(2.0 * hits(c), answers(c) + samples(c)));
        Case {
            given: if counts.len() == 10 { "for the lab's printed matrix".to_owned() } else { format!("for the table {counts:?}") },
            came: attempt(|| weighted(&counts)),
            right: vec![right],
            mistakes: vec![
                (f64::NAN, "A class was never answered, and 0/0 is no number: count its precision as 0."),
                (sum(&|c| ratio(hits(c), answers(c))) / counts.len() as f64, "That is the macro mean, which counts all classes alike: weight each by its samples."),
                (sum(&hits) / all, "That is the accuracy: weighted with answers, or recall instead of precision. Precision divides by answers, the weights are samples."),
                (sum(&|c| answers(c) / all * ratio(hits(c), samples(c))), "Rows and columns are swapped: answers are a column, samples a row."),
                (sum(&|c| ratio(hits(c), samples(c))) / counts.len() as f64, "That is the macro mean of the recalls: neither weighted nor precision."),
                (f1, "That is the weighted F1."),
                (100.0 * right, "That is a percentage: give a share of 1."),
                (right * all, "The weights are shares: they add up to 1."),
            ],
        }
    }).into())
}

/// The temperature by which logits are divided to get the lowest cross-entropy: `temperature(logits, classes)`.
pub fn exercise_4(temperature: fn(&Matrix, &[usize]) -> f64) -> Verdict {
    let exercise = Exercise {
        number: 4,
        expected: "a temperature between 0.1 and 10, right to 2 %",
        tolerance: 0.02,
        otherwise: "Try temperatures from 0.1 to 10, each 1 % above the last; for each the mean cross-entropy of \
                    logits / T. Keep the T with the lowest.",
        so: "Not one prediction changes, for dividing by T leaves the largest logit the largest. Find T on the validation \
             images; a T found on the training images would trust a network that has learnt them by heart.",
    };
    // Too sure of itself, about right, not sure enough.
    let cases = [(1, 4.0), (2, 0.9), (3, 0.3)].map(|(seed, size)| {
        let (logits, classes) = sample(seed, size);
        let loss = |t: f64| mean(sparse_categorical_crossentropy(&(&logits / t), &classes), None).0;
        let best = lowest(loss);
        let end = "That is an end of the range. Are the logits divided, and not the probabilities? Do you keep the lowest loss?";
        let mistakes = vec![
            (1.0 / best, "Multiplied, not divided: softmax(z / T) with T above 1 makes a network less sure."),
            (best.ln(), "That is the logarithm of the temperature."),
            (loss(best), "That is the loss. At which temperature is it reached?"),
            (0.1, end),
            (10.0, end),
            (1.0, "Temperature 1 changes nothing. The accuracy is the same for all: is it the cross-entropy that you compare?"),
        ];
        let (rows, columns) = logits.dim();
        let given = format!("for logits ({rows}, {columns}) of size about {size}");
        Case { given, came: attempt(|| temperature(&logits, &classes)), right: vec![best], mistakes }
    });
    exercise.judge(cases.into())
}

/// Samples of three classes with logits of about this size: mostly the true class's is larger.
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

/// Where a loss with one valley between 0.1 and 10 is lowest, by thirds of the logarithm.
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

/// The confusion matrix that the lab printed (its last number of the first row is such that the row is a thousand).
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
