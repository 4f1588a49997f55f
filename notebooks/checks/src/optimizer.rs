//! The exercises of notebook 4: optimizer.

mod hundred_steps;

use lab_textbook::{Matrix, Optimizer, Rule};

use crate::Feedback;
use crate::check::{Case, Exercise};
use crate::sandbox::attempt;

pub use hundred_steps::exercise_5;

const CURVATURES: [f64; 3] = [1.0, 8.0, 50.0];
/// For the forgotten division: the samples of a batch, and the learning rate that is good with the division.
const BATCH: f64 = 64.0;
const RATE: f64 = 0.032;
const EPSILON: f64 = 1e-7;

/// The largest learning rate with which SGD converges in a valley with the curvatures 1, 8 and 50.
pub fn exercise_1(rate: f64) -> Feedback {
    let [flattest, _, steepest] = CURVATURES;
    let sum: f64 = CURVATURES.iter().sum();
    let mistakes = vec![
        (
            1.0 / steepest,
            "With that rate, the steepest direction reaches the minimum in one step. How far may \
             a step overshoot?",
        ),
        (
            2.0 / flattest,
            "The flattest direction determines the time. Which one determines the limit?",
        ),
        (
            2.0 / sum,
            "The directions do not add up: each has its own factor 1 − ηλ, and all of them must \
             be small enough.",
        ),
        (
            6.0 / sum,
            "The mean curvature does not matter: one direction that grows is enough to diverge.",
        ),
        (
            steepest / 2.0,
            "Upside down: a larger curvature needs a smaller rate.",
        ),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a learning rate: the limit set by the curvatures 1, 8 and 50",
        tolerance: 1e-6,
        fallback: "Each step multiplies w in each direction by a factor. For which η is that \
                   factor between −1 and 1?",
        lesson: "At that rate, the flattest direction keeps 96 % of its error in each step. \
                 Momentum μ helps twice: it accumulates the small steps, and it raises the limit \
                 by the factor 1 + μ.",
    };
    exercise.check(vec![Case {
        given: String::new(),
        found: Ok(rate),
        right: vec![2.0 / steepest],
        mistakes,
    }])
}

/// How many of the gradient checks of W1, b1, W2 and b2 fail if Δ₂ is not divided by N = 64, and the learning rate
/// of SGD that would hide it, if 0.032 is right without the mistake.
pub fn exercise_2(noticed: usize, hiding_rate: f64) -> Feedback {
    let blank = noticed == 0 && hiding_rate.is_nan();
    let count = if blank { f64::NAN } else { noticed as f64 };
    let size = "Try it: multiply a gradient by 64 and check it. The error contains the difference \
                of the two gradients, so size counts.";
    let backwards =
        "Δ₁ is computed from Δ₂: what does the mistake do to the gradients of the first layer?";
    let exercise = Exercise {
        number: 2,
        expected: "how many of the checks of W1, b1, W2 and b2 fail, and a learning rate of SGD \
                   for a batch of 64",
        tolerance: 1e-6,
        fallback: "There are four checks. For the rate: a step of SGD is the rate times the \
                   gradient, and the step must stay the same.",
        lesson: "So a wrong gradient can train well, and only a gradient check reveals it. Adam \
                 would not even need another rate: it divides by the size of the gradient, and so \
                 hides such a mistake.",
    };
    exercise.check(vec![
        Case {
            given: "here: how many checks fail".to_owned(),
            found: Ok(count),
            right: vec![4.0],
            mistakes: vec![
                (0.0, size),
                (1.0, backwards),
                (2.0, backwards),
                (3.0, backwards),
            ],
        },
        Case {
            given: "here: the rate that hides the mistake, if 0.032 is good without it".to_owned(),
            found: Ok(hiding_rate),
            right: vec![RATE / BATCH],
            mistakes: vec![
                (
                    RATE * BATCH,
                    "The gradient is already too large. Which rate makes the step as \
                                short as before?",
                ),
                (
                    RATE,
                    "That is true of Adam, which divides by the size of the gradient. SGD does \
                        not.",
                ),
                (
                    RATE / BATCH.sqrt(),
                    "The mean is the sum divided by N, not by its root, and that is the factor by \
                     which the gradient is too large.",
                ),
                (
                    1.0 / BATCH,
                    "That is the factor. Which rate does SGD need then?",
                ),
            ],
        },
    ])
}

/// A weight after steps of gradient descent with momentum: `momentum(weight, gradients, rate, mu)`.
pub fn exercise_3(momentum: fn(f64, &[f64], f64, f64) -> f64) -> Feedback {
    let cases: [(f64, &[f64], f64, f64); 4] = [
        (1.0, &[0.5, 0.5, 0.5], 0.01, 0.9),
        (-2.0, &[1.0, -1.0, 0.5, 0.25], 0.1, 0.5),
        (0.5, &[3.0, 2.0], 0.2, 0.0),
        (3.0, &[], 0.1, 0.9),
    ];
    let exercise = Exercise {
        number: 3,
        expected: "the weight after one step for each gradient",
        tolerance: 1e-9,
        fallback: "For each gradient in turn: u ← μ u − η g, then w ← w + u, with u = 0 before the first.",
        lesson: "If the gradient stays the same, u grows towards 1/(1 − μ) times the step of SGD; \
                 if gradients alternate, they cancel in u. So momentum moves faster along a \
                 valley than across it.",
    };
    exercise.check(
        cases
            .map(|(weight, gradients, rate, mu)| {
                let walk = |step: &dyn Fn(&mut f64, f64) -> f64| {
                    let mut u = 0.0;
                    gradients.iter().fold(weight, |w, &g| w + step(&mut u, g))
                };
                let velocity = |u: &mut f64, keep: f64, add: f64| {
                    *u = keep * *u + add;
                    *u
                };
                let right = descend(Rule::Sgd(mu), weight, gradients, rate);
                let last = gradients.iter().fold(0.0, |u, g| mu * u - rate * g);
                Case {
                    given: format!(
                        "for the weight {weight}, the gradients {gradients:?}, the learning rate \
                         {rate} and μ = {mu}"
                    ),
                    found: attempt(|| momentum(weight, gradients, rate, mu)),
                    right: vec![right],
                    mistakes: vec![
                        (
                            2.0 * weight - right,
                            "It climbs: the gradient points in the direction in which the loss \
                             grows. Check the signs of η g and u.",
                        ),
                        (
                            walk(&|_, g| -rate * g),
                            "That is plain SGD: u must keep its value from one gradient to the \
                             next, so define it outside the loop.",
                        ),
                        (
                            walk(&|u, g| velocity(u, -mu, -rate * g)),
                            "The sign of momentum is wrong: it continues in the direction of the \
                             last step.",
                        ),
                        (
                            walk(&|u, g| velocity(u, mu, -rate * g) * rate),
                            "The learning rate is applied twice: once in u, and again where u is \
                             added to w.",
                        ),
                        (
                            walk(&|u, g| velocity(u, mu, -rate * (1.0 - mu) * g)),
                            "Adam keeps a running mean, with the factor 1 − μ. Here the whole \
                             gradient is added to u.",
                        ),
                        (
                            walk(&|u, g| mu * velocity(u, mu, -rate * g) - rate * g),
                            "That is Nesterov's momentum, which looks one step ahead; here w \
                             moves by u itself.",
                        ),
                        (
                            weight + last,
                            "Only the last u is added, but w moves in each step.",
                        ),
                        (
                            walk(&|u, g| velocity(u, mu, -g)),
                            "Where is the learning rate?",
                        ),
                    ],
                }
            })
            .into(),
    )
}

/// A weight after steps of Adam with β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁷: `adam(weight, gradients, rate)`.
pub fn exercise_4(adam: fn(f64, &[f64], f64) -> f64) -> Feedback {
    let cases: [(f64, &[f64], f64); 4] = [
        (1.0, &[0.5, 0.5], 0.01),
        (1.0, &[0.001, 0.002, -0.0005], 0.01),
        (-0.5, &[0.0, 0.3, 2.0, -1.0], 0.1),
        (2.0, &[], 0.1),
    ];
    let exercise = Exercise {
        number: 4,
        expected: "the weight after one step of Adam for each gradient",
        tolerance: 1e-8,
        fallback: "Compute m and v on paper for the gradients of this case, divide each by its 1 \
                   − βᵗ, and only then update w ← w − η m / (√v + ε).",
        lesson: "The first step is η for a gradient of any size. But where the gradients \
                 disagree, m shrinks and √v does not: Adam slows down where the direction is \
                 uncertain. Whether ε is added before or after the correction matters only for \
                 gradients near ε.",
    };
    exercise.check(cases.map(|(weight, gradients, rate)| {
        let walk = |betas, step: &dyn Fn(f64, f64, i32) -> f64| steps(weight, gradients, betas, |m, v, t| rate * step(m, v, t));
        let usual = (0.9, 0.999);
        let (m_hat, v_hat) = (|m: f64, t| m / (1.0 - 0.9_f64.powi(t)), |v: f64, t| v / (1.0 - 0.999_f64.powi(t)));
        let paper = |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + EPSILON);
        let swapped = |m: f64, v: f64, t| m / (1.0 - 0.999_f64.powi(t)) / ((v / (1.0 - 0.9_f64.powi(t))).sqrt() + EPSILON);
        let from_zero = "t counts from 1: at t = 0 the correction divides by 1 − β⁰ = 0.";
        let no_epsilon = "Is ε there? A gradient of 0 leaves v at 0, and you must not divide by 0.";
        Case {
            given: format!("for the weight {weight}, the gradients {gradients:?} and the learning \
                            rate {rate}"),
            found: attempt(|| adam(weight, gradients, rate)),
            right: vec![walk(usual, &paper), descend(Rule::Adam, weight, gradients, rate)],
            mistakes: vec![
                (f64::NAN, if gradients.first() == Some(&0.0) { no_epsilon } else { from_zero }),
                (walk(usual, &|m, v, _| m / (v.sqrt() + EPSILON)), "The bias correction is forgotten: m and v start at 0 and are too small \
                         in the first steps."),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v.sqrt() + EPSILON)), "Only m is corrected: v starts at 0 too, and has its own 1 − βᵗ."),
                (walk(usual, &|m, v, t| m / (v_hat(v, t).sqrt() + EPSILON)), "Only v is corrected: m starts at 0 too, and has its own 1 − βᵗ."),
                (walk(usual, &|m, v, _| m_hat(m, 1) / (v_hat(v, 1).sqrt() + EPSILON)), "The correction is always that of the first step: t grows, and 1 − βᵗ \
                         approaches 1."),
                (walk(usual, &|m, v, t| m_hat(m, t + 1) / (v_hat(v, t + 1).sqrt() + EPSILON)), "t is one ahead: it is 1 in the first step."),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v_hat(v, t) + EPSILON).sqrt()), "ε is inside the root, as in RMSprop; Adam adds it outside, to the root."),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-8)), "ε is 10⁻⁷ here; the paper and other libraries use 10⁻⁸."),
                (walk(usual, &|m, v, t| m_hat(m, t) / v_hat(v, t).sqrt()), no_epsilon),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v_hat(v, t) + EPSILON)), "The root is missing: v is the mean of squares, and √v has the size of a gradient."),
                (walk(usual, &|m, v, t| -paper(m, v, t)), "It climbs: a step must go against the gradient."),
                (walk(usual, &|m, v, t| rate * paper(m, v, t)), "The learning rate is applied twice."),
                (walk((0.999, 0.9), &swapped), "β₁ and β₂ are swapped: m has the short memory, v the long one."),
                (walk((0.0, 0.0), &|m, v, _| m / (v.sqrt() + EPSILON)), "m and v must keep their values from one gradient to the next: define \
                         them outside the loop."),
            ],
        }
    }).into())
}

/// The result of the textbook's optimizer.
fn descend(rule: Rule, weight: f64, gradients: &[f64], rate: f64) -> f64 {
    let mut weights = Matrix::from_elem((1, 1), weight);
    let mut optimizer = Optimizer::new(rule, rate);
    gradients
        .iter()
        .for_each(|&g| optimizer.update(&mut weights, &Matrix::from_elem((1, 1), g)));
    weights[[0, 0]]
}

/// Steps with running means of the gradient (m) and of its square (v), with these betas; `change` is a function of m, v, t.
fn steps(
    weight: f64,
    gradients: &[f64],
    betas: (f64, f64),
    change: impl Fn(f64, f64, i32) -> f64,
) -> f64 {
    let (mut m, mut v) = (0.0, 0.0);
    (1..).zip(gradients).fold(weight, |w, (t, g)| {
        m = betas.0 * m + (1.0 - betas.0) * g;
        v = betas.1 * v + (1.0 - betas.1) * g * g;
        w - change(m, v, t)
    })
}
