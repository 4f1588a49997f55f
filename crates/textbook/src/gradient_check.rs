//! Checks a gradient against central differences of the function.

use crate::Matrix;

/// The relative error ‖a − n‖ / (‖a‖ + ‖n‖) of an analytic gradient a of f at x, where n is the numerical gradient; 0 when
/// both are 0.
///
/// n = (f(x + h e) − f(x − h e)) / 2h for each element's unit matrix e. The step h = 10⁻⁵ balances the truncation error
/// h² and the rounding error 10⁻¹⁶/h. Below 10⁻⁷ the gradient is right, around 10⁻² it is wrong; in between, x is near a
/// kink or the gradient is too small to tell.
///
/// ```
/// use lab_textbook::gradient_check;
/// let x = ndarray::array![[1.0, -2.0]];
/// assert!(gradient_check(|x| x.pow2().sum(), &x, &(2.0 * &x)) < 1e-7);
/// assert!(gradient_check(|x| x.pow2().sum(), &x, &(3.0 * &x)) > 0.1);
/// ```
pub fn gradient_check(f: impl Fn(&Matrix) -> f64, x: &Matrix, analytic: &Matrix) -> f64 {
    assert_eq!(
        x.dim(),
        analytic.dim(),
        "a gradient has the shape of its variable"
    );
    let h = 1e-5;
    let f_moved = |element: (usize, usize), by: f64| {
        let mut x = x.clone();
        x[element] += by;
        f(&x)
    };
    let numerical =
        Matrix::from_shape_fn(x.dim(), |e| (f_moved(e, h) - f_moved(e, -h)) / (2.0 * h));
    let norm = |g: &Matrix| g.pow2().sum().sqrt();
    let (difference, sum) = (
        norm(&(analytic - &numerical)),
        norm(analytic) + norm(&numerical),
    );
    if sum == 0.0 { 0.0 } else { difference / sum }
}
