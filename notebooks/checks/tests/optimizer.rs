//! The exercises of notebook 4: right answers, blank ones, and the hints for wrong ones.

mod common;

use common::{is_missing, is_right, is_wrong};
use lab_checks::optimizer as check;

#[test]
fn the_steepest_direction_limits_the_rate() {
    is_right(check::exercise_1(0.04));
    is_missing(check::exercise_1(f64::NAN));
    is_wrong(check::exercise_1(0.02), "one step", &[]);
    is_wrong(check::exercise_1(2.0), "flattest", &[]);
    is_wrong(check::exercise_1(2.0 / 59.0), "do not add up", &[]);
    is_wrong(check::exercise_1(25.0), "Upside down", &[]);
    is_wrong(check::exercise_1(0.5), "factor between", &[]);
    for rate in [0.02, 2.0, 2.0 / 59.0, 25.0, 0.5] {
        is_wrong(check::exercise_1(rate), "", &["0.04"]);
    }
}

#[test]
fn every_check_notices_a_forgotten_division_and_a_smaller_rate_hides_it() {
    is_right(check::exercise_2(4, 0.0005));
    is_missing(check::exercise_2(0, f64::NAN));
    is_wrong(check::exercise_2(0, 0.0005), "size counts", &[]);
    is_wrong(check::exercise_2(2, 0.0005), "first layer", &[]);
    is_wrong(check::exercise_2(4, f64::NAN), "step of SGD", &[]);
    is_wrong(check::exercise_2(4, 2.048), "already too large", &[]);
    is_wrong(check::exercise_2(4, 0.032), "true of Adam", &[]);
    is_wrong(check::exercise_2(4, 0.004), "its root", &[]);
    is_wrong(check::exercise_2(2, 0.0005), "", &["4", "four", "0.0005"]);
    for rate in [2.048, 0.032, 0.004, 1.0 / 64.0, 7.0] {
        is_wrong(check::exercise_2(4, rate), "", &["0.0005"]);
    }
}

fn momentum(weight: f64, gradients: &[f64], rate: f64, mu: f64) -> f64 {
    let (mut w, mut u) = (weight, 0.0);
    for g in gradients {
        u = mu * u - rate * g;
        w += u;
    }
    w
}

#[test]
fn momentum_keeps_its_velocity() {
    is_right(check::exercise_3(momentum));
    // With a constant rate this is the same: the rate stands before the whole velocity.
    is_right(check::exercise_3(|weight, gradients, rate, mu| {
        let mut u = 0.0;
        gradients.iter().fold(weight, |w, g| {
            u = mu * u + g;
            w - rate * u
        })
    }));
    is_missing(check::exercise_3(|_, _, _, _| f64::NAN));
    is_wrong(
        check::exercise_3(|w, g, rate, mu| 2.0 * w - momentum(w, g, rate, mu)),
        "climbs",
        &[],
    );
    is_wrong(
        check::exercise_3(|w, g, rate, _| momentum(w, g, rate, 0.0)),
        "plain SGD",
        &[],
    );
    is_wrong(
        check::exercise_3(|w, g, rate, mu| momentum(w, g, rate, -mu)),
        "sign of momentum",
        &[],
    );
    is_wrong(
        check::exercise_3(|w, g, rate, mu| momentum(w, g, rate * rate, mu)),
        "applied twice",
        &[],
    );
    is_wrong(
        check::exercise_3(|w, g, rate, mu| momentum(w, g, rate * (1.0 - mu), mu)),
        "running mean",
        &[],
    );
    is_wrong(
        check::exercise_3(|w, g, _, mu| momentum(w, g, 1.0, mu)),
        "Where is the learning rate",
        &[],
    );
    is_wrong(
        check::exercise_3(|_, _, _, _| 0.0),
        "For each gradient in turn",
        &[],
    );
}

/// Adam as the paper has it, with what people change by mistake.
fn adam(
    weight: f64,
    gradients: &[f64],
    begin: i32,
    step: fn(f64, f64, i32) -> f64,
    rate: f64,
) -> f64 {
    let (mut w, mut m, mut v) = (weight, 0.0, 0.0);
    for (t, g) in (begin..).zip(gradients) {
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        w -= rate * step(m, v, t);
    }
    w
}

fn m_hat(m: f64, t: i32) -> f64 {
    m / (1.0 - 0.9_f64.powi(t))
}

fn v_hat(v: f64, t: i32) -> f64 {
    v / (1.0 - 0.999_f64.powi(t))
}

#[test]
fn adam_may_be_written_in_both_ways() {
    is_right(check::exercise_4(|w, g, rate| {
        adam(
            w,
            g,
            1,
            |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-7),
            rate,
        )
    }));
    is_right(check::exercise_4(|w, g, rate| {
        let step =
            |m, v: f64, t| m_hat(m, t) * (1.0 - 0.999_f64.powi(t)).sqrt() / (v.sqrt() + 1e-7);
        adam(w, g, 1, step, rate)
    }));
    is_missing(check::exercise_4(|_, _, _| f64::NAN));
}

#[test]
fn the_usual_mistakes_with_adam_have_their_hints() {
    type Answer = fn(f64, &[f64], f64) -> f64;
    let mistakes: [(Answer, &str); 10] = [
        (
            |w, g, rate| adam(w, g, 1, |m, v, _| m / (v.sqrt() + 1e-7), rate),
            "correction is forgotten",
        ),
        (
            |w, g, rate| adam(w, g, 1, |m, v, t| m_hat(m, t) / (v.sqrt() + 1e-7), rate),
            "Only m is corrected",
        ),
        (
            |w, g, rate| {
                adam(
                    w,
                    g,
                    1,
                    |m, v, t| m_hat(m, t) / (v_hat(v, t) + 1e-7).sqrt(),
                    rate,
                )
            },
            "inside the root",
        ),
        (
            |w, g, rate| {
                adam(
                    w,
                    g,
                    1,
                    |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-8),
                    rate,
                )
            },
            "other libraries",
        ),
        (
            |w, g, rate| adam(w, g, 1, |m, v, t| m_hat(m, t) / (v_hat(v, t) + 1e-7), rate),
            "root is missing",
        ),
        (
            |w, g, rate| adam(w, g, 1, |m, v, t| m_hat(m, t) / v_hat(v, t).sqrt(), rate),
            "Is ε there",
        ),
        (
            |w, g, rate| {
                adam(
                    w,
                    g,
                    0,
                    |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-7),
                    rate,
                )
            },
            "t counts from 1",
        ),
        (
            |w, g, rate| {
                adam(
                    w,
                    g,
                    2,
                    |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-7),
                    rate,
                )
            },
            "one ahead",
        ),
        (
            |w, g, rate| {
                adam(
                    w,
                    g,
                    1,
                    |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-7),
                    rate * rate,
                )
            },
            "applied twice",
        ),
        (
            |w, g, rate| {
                adam(
                    w,
                    g,
                    1,
                    |m, v, t| m_hat(m, t) / (v_hat(v, t).sqrt() + 1e-7),
                    -rate,
                )
            },
            "climbs",
        ),
    ];
    for (answer, words) in mistakes {
        is_wrong(check::exercise_4(answer), words, &[]);
    }
    // A constant gradient is no case for these; the next one is.
    is_wrong(
        check::exercise_4(|w, g, rate| g.iter().fold(w, |w, g| w - rate * g / (g.abs() + 1e-7))),
        "keep their values",
        &[],
    );
}

#[test]
fn a_panic_is_told_and_is_no_blank_answer() {
    let feedback = check::exercise_4(|_, gradients, _| gradients[7]);
    assert!(feedback.to_string().contains("index is 7"), "{feedback}");
    is_wrong(feedback, "panic", &[]);
}
