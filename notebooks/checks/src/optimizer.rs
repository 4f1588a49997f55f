//! The exercises of notebook 4: optimizer.

use lab_core::textbook::{Matrix, Optimizer, Rule};

use crate::Verdict;
use crate::judge::{Case, Exercise};
use crate::trial::attempt;

const CURVATURES: [f64; 3] = [1.0, 8.0, 50.0];
/// Of the forgotten division: the samples of a batch, and the rate that is good with the division.
const BATCH: f64 = 64.0;
const RATE: f64 = 0.032;
const EPSILON: f64 = 1e-7;

/// The largest learning rate with which SGD converges in a valley with the curvatures 1, 8 and 50.
pub fn exercise_1(rate: f64) -> Verdict {
    let [flattest, _, steepest] = CURVATURES;
    let sum: f64 = CURVATURES.iter().sum();
    let mistakes = vec![
        (
            1.0 / steepest,
            "With that rate the steep direction is at the bottom after one step. How far may a step overshoot?",
        ),
        (
            2.0 / flattest,
            "The flattest direction sets the time. Which one sets the limit?",
        ),
        (
            2.0 / sum,
            "The directions do not add up: each has a factor 1 − ηλ of its own, and all must be small enough.",
        ),
        (
            6.0 / sum,
            "The mean curvature says nothing: one direction that grows is enough to diverge.",
        ),
        (
            steepest / 2.0,
            "Upside down: a steeper valley needs a smaller rate.",
        ),
    ];
    let exercise = Exercise {
        number: 1,
        expected: "a learning rate: the limit set by the curvatures 1, 8 and 50",
        tolerance: 1e-6,
        otherwise: "Write down what a step makes of w in each direction: for which η is that factor between −1 and 1?",
        so: "At that rate the flattest direction keeps 96 % of its error in each step. Momentum μ helps twice: it adds up \
             the small steps, and it lifts the limit by the factor 1 + μ.",
    };
    exercise.judge(vec![Case {
        given: String::new(),
        came: Ok(rate),
        right: vec![2.0 / steepest],
        mistakes,
    }])
}

/// How many of the gradient checks of W1, b1, W2 and b2 notice that Δ₂ was not divided by N = 64, and the learning rate
/// of SGD that would hide it, where 0.032 is right.
pub fn exercise_2(noticed: usize, hiding_rate: f64) -> Verdict {
    let blank = noticed == 0 && hiding_rate.is_nan();
    let count = if blank { f64::NAN } else { noticed as f64 };
    let size = "Try it: multiply a gradient by 64 and check it. The error has the difference of the two in it, so size counts.";
    let backwards =
        "Δ₁ is made from Δ₂: what does the mistake do to the gradients of the first layer?";
    let exercise = Exercise {
        number: 2,
        expected: "how many of the checks of W1, b1, W2 and b2 notice, and a learning rate of SGD for a batch of 64",
        tolerance: 1e-6,
        otherwise: "There are four checks. For the rate: a step of SGD is rate times gradient, and it is the step that must \
                    stay the same.",
        so: "So a wrong gradient can train well, and only a check tells. Adam would not need another rate at all: it \
             divides the gradient's size out, and hides such a mistake by itself.",
    };
    exercise.judge(vec![
        Case {
            given: "here: how many notice".to_owned(),
            came: Ok(count),
            right: vec![4.0],
            mistakes: vec![(0.0, size), (1.0, backwards), (2.0, backwards), (3.0, backwards)],
        },
        Case {
            given: "here: the rate that hides the mistake, where 0.032 is good without it".to_owned(),
            came: Ok(hiding_rate),
            right: vec![RATE / BATCH],
            mistakes: vec![
                (RATE * BATCH, "The gradient is already too large. Which rate makes the step as short as it was?"),
                (RATE, "That is true of Adam, which divides the gradient's size out. SGD does not."),
                (
                    RATE / BATCH.sqrt(),
                    "The mean is a sum divided by N, not by its root: so much too large is the gradient.",
                ),
                (1.0 / BATCH, "That is the factor. By which rate does SGD then go?"),
            ],
        },
    ])
}

/// Where a weight is after steps of gradient descent with momentum: `momentum(weight, gradients, rate, mu)`.
pub fn exercise_3(momentum: fn(f64, &[f64], f64, f64) -> f64) -> Verdict {
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
        otherwise: "For each gradient in turn: u ← μ u − η g, then w ← w + u, with u = 0 before the first.",
        so: "With the same gradient again and again u grows towards 1/(1 − μ) times the step of SGD; where gradients \
             alternate they cancel in u. That is how it goes faster along a valley than across.",
    };
    exercise.judge(
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
                        "for the weight {weight}, the gradients {gradients:?}, the rate {rate} and μ = {mu}"
                    ),
                    came: attempt(|| momentum(weight, gradients, rate, mu)),
                    right: vec![right],
                    mistakes: vec![
                        (
                            2.0 * weight - right,
                            "It climbs: the gradient points to where the loss grows. Look at the signs of η g and u.",
                        ),
                        (
                            walk(&|_, g| -rate * g),
                            "That is plain SGD: u must live on from one gradient to the next, outside of the loop.",
                        ),
                        (
                            walk(&|u, g| velocity(u, -mu, -rate * g)),
                            "The sign of momentum: what is kept of the last step goes on in its direction.",
                        ),
                        (
                            walk(&|u, g| velocity(u, mu, -rate * g) * rate),
                            "The learning rate is applied twice: once in u, and once more where u is added to w.",
                        ),
                        (
                            walk(&|u, g| velocity(u, mu, -rate * (1.0 - mu) * g)),
                            "A running mean with 1 − μ is what Adam keeps; here the gradient goes into u in full.",
                        ),
                        (
                            walk(&|u, g| mu * velocity(u, mu, -rate * g) - rate * g),
                            "That is Nesterov's momentum, which looks a step ahead; here w moves by u itself.",
                        ),
                        (weight + last, "Only the last u is added: w moves in each step."),
                        (walk(&|u, g| velocity(u, mu, -g)), "Where is the learning rate?"),
                    ],
                }
            })
            .into(),
    )
}

/// Where a weight is after steps of Adam with β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁷: `adam(weight, gradients, rate)`.
pub fn exercise_4(adam: fn(f64, &[f64], f64) -> f64) -> Verdict {
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
        otherwise: "Follow m and v on paper through the gradients of this case, divide each by its 1 − βᵗ, and only then \
                    w ← w − η m / (√v + ε).",
        so: "The first step is η for a gradient of any size, but where the gradients disagree m shrinks and √v does not: \
             Adam slows down where it is not sure. Whether the correction is made before or after ε matters only for \
             gradients near ε.",
    };
    exercise.judge(cases.map(|(weight, gradients, rate)| {
        let walk = |betas, step: &dyn Fn(f64, f64, i32) -> f64| steps(weight, gradients, betas, |m, v, t| rate * step(m, v, t));
        let usual = (0.9, 0.999);
        let (m_hat, v_hat) = (|m: f64, t| m / (1.0 - 0.9_f64.powi(t)), |v: f64, t| v / (1.0 - 0.999_f64.powi(t)));
        let paper = |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + EPSILON);
        let swapped = |m: f64, v: f64, t| m / (1.0 - 0.999_f64.powi(t)) / ((v / (1.0 - 0.9_f64.powi(t))).sqrt() + EPSILON);
        let from_zero = "t counts from 1: at t = 0 the correction divides by 1 − β⁰ = 0.";
        let no_epsilon = "Is ε there? A gradient of 0 leaves v at 0, and nothing may be divided by that.";
        Case {
            given: format!("for the weight {weight}, the gradients {gradients:?} and the rate {rate}"),
            came: attempt(|| adam(weight, gradients, rate)),
            right: vec![walk(usual, &paper), descend(Rule::Adam, weight, gradients, rate)],
            mistakes: vec![
                (f64::NAN, if gradients.first() == Some(&0.0) { no_epsilon } else { from_zero }),
                (walk(usual, &|m, v, _| m / (v.sqrt() + EPSILON)), "The bias correction is forgotten: m and v begin at 0 and are too small in the first steps."),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v.sqrt() + EPSILON)), "Only m is corrected: v begins at 0 too, and has a 1 − βᵗ of its own."),
                (walk(usual, &|m, v, t| m / (v_hat(v, t).sqrt() + EPSILON)), "Only v is corrected: m begins at 0 too, and has a 1 − βᵗ of its own."),
                (walk(usual, &|m, v, _| m_hat(m, 1) / (v_hat(v, 1).sqrt() + EPSILON)), "The correction is that of the first step for ever: t grows, and 1 − βᵗ goes to 1."),
                (walk(usual, &|m, v, t| m_hat(m, t + 1) / (v_hat(v, t + 1).sqrt() + EPSILON)), "t is one ahead: in the first step it is 1."),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v_hat(v, t) + EPSILON).sqrt()), "ε is inside the root, as in RMSprop; Adam adds it to the root."),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-8)), "ε is 10⁻⁷ here; 10⁻⁸ is that of the paper and of other libraries."),
                (walk(usual, &|m, v, t| m_hat(m, t) / v_hat(v, t).sqrt()), no_epsilon),
                (walk(usual, &|m, v, t| m_hat(m, t) / (v_hat(v, t) + EPSILON)), "The root is missing: v is the mean of squares, and √v has the size of a gradient."),
                (walk(usual, &|m, v, t| -paper(m, v, t)), "It climbs: a step goes against the gradient."),
                (walk(usual, &|m, v, t| rate * paper(m, v, t)), "The learning rate is applied twice."),
                (walk((0.999, 0.9), &swapped), "β₁ and β₂ are swapped: m is the short memory, v the long one."),
                (walk((0.0, 0.0), &|m, v, _| m / (v.sqrt() + EPSILON)), "m and v must live on from one gradient to the next, outside of the loop."),
            ],
        }
    }).into())
}

/// The textbook's optimizer.
fn descend(rule: Rule, weight: f64, gradients: &[f64], rate: f64) -> f64 {
    let mut weights = Matrix::from_elem((1, 1), weight);
    let mut optimizer = Optimizer::new(rule, rate);
    gradients
        .iter()
        .for_each(|&g| optimizer.update(&mut weights, &Matrix::from_elem((1, 1), g)));
    weights[[0, 0]]
}

/// Steps by running means of the gradient (m) and of its square (v), with these betas; `change` is a function of m, v, t.
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
