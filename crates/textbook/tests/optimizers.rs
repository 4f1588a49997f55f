//! The textbook's optimizers against numbers worked out by hand or by the rule in scalar form.

use lab_textbook::*;
use ndarray::array;

/// Where w = (1, −2) goes in two steps along g = (0.5, −1) and g = (0.1, 0.3).
fn two_steps(rule: Rule, learning_rate: f64) -> Matrix {
    let (mut w, mut optimizer) = (array![[1.0, -2.0]], Optimizer::new(rule, learning_rate));
    optimizer.update(&mut w, &array![[0.5, -1.0]]);
    optimizer.update(&mut w, &array![[0.1, 0.3]]);
    w
}

fn assert_close(found: &Matrix, expected: [f64; 2]) {
    assert!(
        found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-13),
        "{found} instead of {expected:?}"
    );
}

#[test]
fn sgd_and_its_momentums_follow_their_formulas() {
    assert_close(&two_steps(Rule::Sgd(0.0), 0.1), [1.0 - 0.06, -2.0 + 0.07]);
    // u = −0.05, then 0.9 · −0.05 − 0.01 = −0.055; u = 0.1, then 0.09 − 0.03 = 0.06
    assert_close(
        &two_steps(Rule::Sgd(0.9), 0.1),
        [1.0 - 0.05 - 0.055, -2.0 + 0.1 + 0.06],
    );
    // each step goes μ u − lr g further: −0.045 − 0.05, then −0.0495 − 0.01; 0.09 + 0.1, then 0.054 − 0.03
    assert_close(
        &two_steps(Rule::Nesterov(0.9), 0.1),
        [1.0 - 0.095 - 0.0595, -2.0 + 0.19 + 0.024],
    );
}

#[test]
fn rms_prop_divides_by_the_root_of_the_running_mean_square() {
    let steps = |g: [f64; 2]| {
        let v = 0.1 * g[0] * g[0];
        let first = 0.01 * g[0] / (v + 1e-7).sqrt();
        let second = 0.01 * g[1] / (0.9 * v + 0.1 * g[1] * g[1] + 1e-7).sqrt();
        (first, second)
    };
    let ((a1, a2), (b1, b2)) = (steps([0.5, 0.1]), steps([-1.0, 0.3]));
    assert_close(
        &two_steps(Rule::RmsProp(0.0), 0.01),
        [1.0 - a1 - a2, -2.0 - b1 - b2],
    );
    assert_close(
        &two_steps(Rule::RmsProp(0.5), 0.01),
        [1.0 - 1.5 * a1 - a2, -2.0 - 1.5 * b1 - b2],
    );
}

#[test]
fn adam_uses_the_bias_corrected_moments_and_adamw_decays_first() {
    // In the form with m̂ and v̂, ε becomes ε √(1 − β₂ᵗ) there: ε̂ = ε/√(1 − β₂ᵗ).
    let w = |start: f64, g: [f64; 2], decay: f64| {
        let (mut w, mut m, mut v) = (start, 0.0, 0.0);
        for (t, g) in g.into_iter().enumerate() {
            let t = t as i32 + 1;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (c1, c2): (f64, f64) = (1.0 - 0.9_f64.powi(t), 1.0 - 0.999_f64.powi(t));
            w = w - 0.01 * decay * w - 0.01 * (m / c1) / ((v / c2).sqrt() + 1e-7 / c2.sqrt());
        }
        w
    };
    assert_close(
        &two_steps(Rule::Adam, 0.01),
        [w(1.0, [0.5, 0.1], 0.0), w(-2.0, [-1.0, 0.3], 0.0)],
    );
    assert_close(
        &two_steps(Rule::AdamW(0.2), 0.01),
        [w(1.0, [0.5, 0.1], 0.2), w(-2.0, [-1.0, 0.3], 0.2)],
    );
    // The first step of Adam is lr in the direction against the gradient, whatever its size.
    let (mut w, mut adam) = (array![[0.0, 0.0]], Optimizer::new(Rule::Adam, 0.01));
    adam.update(&mut w, &array![[1e3, -1.0]]);
    assert!((&w - array![[-0.01, 0.01]]).iter().all(|d| d.abs() < 1e-7));
}

#[test]
fn clipping_scales_all_gradients_together_and_only_when_they_are_too_long() {
    let gradients = [array![[3.0, 0.0]], array![[0.0], [4.0]]];
    let mut clipped = gradients.clone();
    assert_eq!(clip_by_global_norm(&mut clipped, 2.5), 5.0);
    assert_eq!(clipped, [array![[1.5, 0.0]], array![[0.0], [2.0]]]);
    let mut unchanged = gradients.clone();
    assert_eq!(clip_by_global_norm(&mut unchanged, 5.1), 5.0);
    assert_eq!(unchanged, gradients);
    let mut zero = [Matrix::zeros((1, 2))];
    assert_eq!(clip_by_global_norm(&mut zero, 1.0), 0.0);
    assert_eq!(zero, [Matrix::zeros((1, 2))]);
}

#[test]
#[should_panic(expected = "shape")]
fn a_gradient_of_another_shape_is_refused() {
    Optimizer::new(Rule::Sgd(0.0), 0.1).update(&mut Matrix::zeros((3, 2)), &Matrix::zeros((1, 2)));
}
