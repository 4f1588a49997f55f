//! Runs the reader's code on the cases of a check, and compares its results.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The result of the answer, or the message of its panic, which is printed nowhere else.
pub(crate) fn attempt<T>(answer: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let given = panic::catch_unwind(AssertUnwindSafe(answer));
    QUIET.set(false);
    given.map_err(|thrown| {
        let message = thrown.downcast_ref::<&str>().map(ToString::to_string);
        let message = message
            .or_else(|| thrown.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        format!("a panic: {message}")
    })
}

/// Whether two lists of numbers are equal up to rounding; NaN equals nothing.
pub(crate) fn near(found: &[f64], right: &[f64]) -> bool {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
    found.len() == right.len() && found.iter().zip(right).all(near)
}

/// Whether a number equals another one, rounded or truncated to three digits or more.
pub(crate) fn rounded(found: f64, right: f64) -> bool {
    (found - right).abs() <= 0.001
}

/// The hint of the first mistake that was made.
pub(crate) fn hint(mistakes: &[(bool, &str)], fallback: &str) -> String {
    mistakes
        .iter()
        .find(|(made, _)| *made)
        .map_or(fallback, |(_, hint)| hint)
        .to_string()
}

/// The first numbers of a list, and how many there are.
pub(crate) fn row(numbers: &[f64]) -> String {
    let shown: Vec<String> = numbers
        .iter()
        .take(6)
        .map(|number| format!("{number:.4}"))
        .collect();
    match numbers.len() {
        0 => "an empty list".to_string(),
        1..=6 => format!("[{}]", shown.join(", ")),
        count => format!("[{}, …], {count} numbers", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{attempt, near, rounded};

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(attempt(|| 3), Ok(3));
        assert_eq!(
            attempt(|| -> u8 { panic!("no {}", 4) }),
            Err("a panic: no 4".to_string())
        );
        assert_eq!(
            attempt(|| -> u8 { panic!("five") }),
            Err("a panic: five".to_string())
        );
    }

    #[test]
    fn numbers_are_compared_up_to_rounding_and_nan_equals_nothing() {
        assert!(
            near(&[1.0, 2.0 + 1e-9], &[1.0, 2.0])
                && !near(&[1.0], &[1.001])
                && !near(&[1.0], &[1.0, 2.0])
        );
        assert!(
            !near(&[f64::NAN], &[f64::NAN])
                && !rounded(f64::NAN, f64::NAN)
                && !rounded(f64::INFINITY, 1.0)
        );
        assert!(rounded(0.333, 1.0 / 3.0) && !rounded(0.332, 1.0 / 3.0));
    }
}
