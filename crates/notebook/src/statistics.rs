//! How sure a mean of a few runs is, and whether two networks differ on the same images.

use crate::numbers::decimal;
use crate::prelude::*;
use std::fmt;

/// Quantiles of 97.5 % of Student's t distribution for 1 to 10 degrees of freedom.
const T: [f64; 10] = [
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157,
    2.228139,
];

/// The quantile of 97.5 %; above ten degrees of freedom by the expansion of Abramowitz and Stegun, 26.7.5.
fn t_quantile(freedom: usize) -> f64 {
    if let Some(&exact) = freedom.checked_sub(1).and_then(|at| T.get(at)) {
        return exact;
    }
    let (x, v) = (1.959963985_f64, freedom as f64);
    let powers = [3, 5, 7].map(|power| x.powi(power));
    let first = (powers[0] + x) / 4.0;
    let second = (5.0 * powers[1] + 16.0 * powers[0] + 3.0 * x) / 96.0;
    let third = (3.0 * powers[2] + 19.0 * powers[1] + 17.0 * powers[0] - 15.0 * x) / 384.0;
    x + first / v + second / v.powi(2) + third / v.powi(3)
}

/// A mean of several runs with its 95 % interval, which assumes values that scatter normally.
///
/// ```
/// use lab_notebook::prelude::*;
/// let accuracy = Mean::of(&[47.8, 47.9, 48.1]);
/// assert_eq!(accuracy.to_string(), "47.9 ± 0.4");
/// assert!(accuracy.low() > 47.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean; NaN of no values.
    pub mean: f64,
    /// Half of the 95 % t interval's width; infinite for fewer than two values.
    pub half_width: f64,
}

impl Mean {
    /// The mean of values, such as the accuracies of several seeds in percent.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let half_width = match values.len() {
            0 | 1 => f64::INFINITY,
            n => t_quantile(n - 1) * (squares / (count - 1.0) / count).sqrt(),
        };
        Self { mean, half_width }
    }

    /// The mean of the differences `a − b` of runs that belong together in pairs, such as those with the same seeds.
    ///
    /// # Errors
    /// [`LabError::Shape`] where there are not equally many of both.
    pub fn of_differences(a: &[f64], b: &[f64]) -> Result<Self> {
        same_length(a.len(), b.len())?;
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        Ok(Self::of(&differences))
    }

    /// The lower end of the interval.
    pub fn low(&self) -> f64 {
        self.mean - self.half_width
    }

    /// The upper end of the interval.
    pub fn high(&self) -> f64 {
        self.mean + self.half_width
    }
}

/// `47.9 ± 0.4`; `{:.2}` gives two decimals. One value stands alone.
impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (half_width, decimals) = (self.half_width, f.precision().unwrap_or(1));
        write!(f, "{}", decimal(self.mean, decimals))?;
        match half_width.is_finite() {
            true => write!(f, " ± {half_width:.decimals$}"),
            false => Ok(()),
        }
    }
}

/// McNemar's exact test: the probability that two networks of equal accuracy disagree this unevenly on the same images.
///
/// ```
/// let p = lab_notebook::mcnemar(&[true, true, true, false], &[true, false, false, false])?;
/// assert_eq!(p, 0.5);
/// # Ok::<(), lab_core::LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Shape`] where there are not equally many answers of both.
pub fn mcnemar(a_correct: &[bool], b_correct: &[bool]) -> Result<f64> {
    same_length(a_correct.len(), b_correct.len())?;
    let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
    let (only_a, only_b) = (only(a_correct, b_correct), only(b_correct, a_correct));
    let trials = only_a + only_b;
    // The binomial distribution's lower tail for p = 1/2, its terms in logarithms: 2⁻ⁿ underflows for n > 1,074.
    let (mut term, mut tail) = (-(trials as f64) * std::f64::consts::LN_2, 0.0);
    for successes in 0..=only_a.min(only_b) {
        tail += term.exp();
        term += ((trials - successes) as f64 / (successes + 1) as f64).ln();
    }
    Ok((2.0 * tail).min(1.0))
}

fn same_length(a: usize, b: usize) -> Result<()> {
    if a == b {
        return Ok(());
    }
    let (found, expected) = (format!("{a} and {b} values"), "equally many");
    let remedy = "compare runs with the same seeds, and answers to the same images";
    Err(LabError::shape("pairs", found, expected, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.t.ppf(0.975, df)`.
    #[test]
    fn t_quantiles_are_those_of_the_tables() {
        let known = [
            (1, 12.706205),
            (4, 2.776445),
            (10, 2.228139),
            (11, 2.200985),
            (15, 2.131450),
            (20, 2.085963),
            (30, 2.042272),
            (60, 2.000298),
            (120, 1.979930),
        ];
        for (freedom, quantile) in known {
            let found = t_quantile(freedom);
            assert!((found - quantile).abs() < 2e-4, "{freedom}: {found}");
        }
    }

    /// `scipy.stats.ttest_1samp([47.8, 47.9, 48.1], 0).confidence_interval()`: 47.5539 to 48.3128.
    #[test]
    fn the_interval_is_that_of_the_t_test() {
        let mean = Mean::of(&[47.8, 47.9, 48.1]);
        assert!((mean.low() - 47.5539).abs() < 1e-3 && (mean.high() - 48.3128).abs() < 1e-3);
        assert_eq!(format!("{mean:.2}"), "47.93 ± 0.38");
    }

    #[test]
    fn one_value_says_nothing_about_its_noise_and_holds_no_comparison() {
        let one = Mean::of(&[-3.25]);
        assert_eq!(one.to_string(), "−3.2");
        assert_eq!((one.low(), one.high()), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(Mean::of(&[]).low().is_nan());
    }

    #[test]
    fn pairs_leave_out_what_the_seeds_have_in_common() {
        let (a, b) = ([40.0, 45.0, 50.0], [39.0, 44.1, 48.9]);
        let gain = Mean::of_differences(&a, &b).unwrap();
        assert_eq!(gain.to_string(), "1.0 ± 0.2");
        assert!(Mean::of(&a).low() < Mean::of(&b).high() && gain.low() > 0.0);
        let error = Mean::of_differences(&a, &b[..2]).unwrap_err().to_string();
        assert!(error.contains("3 and 2 values"), "{error}");
    }

    /// `statsmodels.stats.contingency_tables.mcnemar(table, exact=True)`, which is `2·binom.cdf(min, n, ½)`.
    #[test]
    fn mcnemar_is_the_exact_binomial_test() {
        let p = |only_a: usize, only_b: usize| {
            let answers = |first: bool| {
                let both = [true, false].repeat(50);
                let a = vec![first; only_a];
                [both, a, vec![!first; only_b]].concat()
            };
            mcnemar(&answers(true), &answers(false)).unwrap()
        };
        let known = [
            (10, 2, 0.03857421875),
            (5, 5, 1.0),
            (0, 0, 1.0),
            (0, 6, 0.03125),
        ];
        for (a, b, expected) in known {
            assert!((p(a, b) - expected).abs() < 1e-12, "{a}, {b}: {}", p(a, b));
        }
        assert!(
            (p(1050, 950) - 0.026824146240280695).abs() < 1e-10,
            "{}",
            p(1050, 950)
        );
        assert!(mcnemar(&[true], &[]).is_err());
    }
}
