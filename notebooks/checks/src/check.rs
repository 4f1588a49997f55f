//! Checks an answer by its cases: the first that fails gives what was found, and the hint for the mistake that gives the
//! same result.

use crate::Feedback;

/// A type of answers.
pub(crate) trait Answer {
    /// Whether it is the result of the unchanged cell.
    fn is_blank(&self) -> bool;
    /// Whether it equals `other` up to this relative tolerance.
    fn is_near(&self, other: &Self, tolerance: f64) -> bool;
    fn shown(&self) -> String;
}

impl Answer for f64 {
    fn is_blank(&self) -> bool {
        self.is_nan()
    }

    fn is_near(&self, other: &Self, tolerance: f64) -> bool {
        self == other
            || (self.is_nan() && other.is_nan())
            || (self - other).abs() <= tolerance * other.abs()
    }

    fn shown(&self) -> String {
        // Six significant digits, without trailing zeros.
        format!("{self:.5e}").parse().unwrap_or(*self).to_string()
    }
}

impl Answer for usize {
    fn is_blank(&self) -> bool {
        *self == 0
    }

    fn is_near(&self, other: &Self, _: f64) -> bool {
        self == other
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Answer for Vec<usize> {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }

    fn is_near(&self, other: &Self, _: f64) -> bool {
        self == other
    }

    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl<A: Answer, B: Answer> Answer for (A, B) {
    fn is_blank(&self) -> bool {
        self.0.is_blank() && self.1.is_blank()
    }

    fn is_near(&self, other: &Self, tolerance: f64) -> bool {
        self.0.is_near(&other.0, tolerance) && self.1.is_near(&other.1, tolerance)
    }

    fn shown(&self) -> String {
        format!("({}, {})", self.0.shown(), self.1.shown())
    }
}

/// One case: its input, what was found (or the message of a panic), what is right, and the results of common mistakes.
pub(crate) struct Case<T> {
    pub given: String,
    pub found: Result<T, String>,
    /// More than one if the formula has several accepted forms.
    pub right: Vec<T>,
    /// Each result of a mistake with its hint.
    pub mistakes: Vec<(T, &'static str)>,
}

/// An exercise, for [`Exercise::check`].
pub(crate) struct Exercise {
    pub number: u8,
    /// The kind of answer, without the answer.
    pub expected: &'static str,
    /// The relative tolerance of an answer.
    pub tolerance: f64,
    /// The hint for any other mistake.
    pub fallback: &'static str,
    /// What can be learnt from the right answer beyond the exercise.
    pub lesson: &'static str,
}

impl Exercise {
    /// Missing if all cases are blank, right if all are right, otherwise wrong by the first that is not.
    pub(crate) fn check<T: Answer>(&self, cases: Vec<Case<T>>) -> Feedback {
        if cases
            .iter()
            .all(|case| case.found.as_ref().is_ok_and(T::is_blank))
        {
            return Feedback::missing(self.number, self.expected);
        }
        for Case {
            given,
            found,
            right,
            mistakes,
        } in cases
        {
            let expected = if given.is_empty() {
                self.expected.to_owned()
            } else {
                self.expected.to_owned() + "\n" + &given
            };
            let found = match found {
                Ok(found) => found,
                Err(message) => {
                    let hint = "Your code panicked on this case: look for an index out of range, \
                                or an unwrap.";
                    return Feedback::wrong(self.number, expected, message, hint);
                }
            };
            if right
                .iter()
                .any(|right| found.is_near(right, self.tolerance))
            {
                continue;
            }
            let fits = |mistake: &&(T, &'static str)| found.is_near(&mistake.0, self.tolerance);
            let hint = mistakes
                .iter()
                .find(fits)
                .map_or(self.fallback, |mistake| mistake.1);
            return Feedback::wrong(self.number, expected, found.shown(), hint);
        }
        Feedback::right(self.number, self.lesson)
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn numbers_are_shown_with_six_digits() {
        assert_eq!((0.1 + 0.2).shown(), "0.3");
        assert_eq!((2_usize, f64::NAN).shown(), "(2, NaN)");
        assert_eq!(1234.56789_f64.shown(), "1234.57");
    }
}
