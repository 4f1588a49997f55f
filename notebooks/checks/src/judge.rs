//! Judging an answer by its cases: the first one that fails says what came, and which mistake would give just that.

use crate::Verdict;

/// What an answer is made of.
pub(crate) trait Answer {
    /// Whether it is what the cell gives before anything is filled in.
    fn is_blank(&self) -> bool;
    /// Whether it is `other`, up to this share of it.
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
        // Six digits, without the zeros after them.
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

/// One case: what was given, what came of it (or the message of a panic), what is right, and what mistakes would give.
pub(crate) struct Case<T> {
    pub given: String,
    pub came: Result<T, String>,
    /// More than one where the same formula has several accepted forms.
    pub right: Vec<T>,
    /// Each with its hint.
    pub mistakes: Vec<(T, &'static str)>,
}

/// An exercise as [`Exercise::judge`] needs it.
pub(crate) struct Exercise {
    pub number: u8,
    /// The kind of answer, without the answer.
    pub expected: &'static str,
    /// The share by which an answer may be off.
    pub tolerance: f64,
    /// The hint for a mistake that nobody foresaw.
    pub otherwise: &'static str,
    /// What a right answer shows beyond the exercise.
    pub so: &'static str,
}

impl Exercise {
    /// Missing where all cases are blank, right where all are right, and else wrong by the first that is not.
    pub(crate) fn judge<T: Answer>(&self, cases: Vec<Case<T>>) -> Verdict {
        if cases
            .iter()
            .all(|case| case.came.as_ref().is_ok_and(T::is_blank))
        {
            return Verdict::missing(self.number, self.expected);
        }
        for Case {
            given,
            came,
            right,
            mistakes,
        } in cases
        {
            let expected = if given.is_empty() {
                self.expected.to_owned()
            } else {
                self.expected.to_owned() + "\n" + &given
            };
            let came = match came {
                Ok(came) => came,
                Err(message) => {
                    let hint = "Your code ended in a panic on this case: look for an index out of range, or an unwrap.";
                    return Verdict::wrong(self.number, expected, message, hint);
                }
            };
            if right
                .iter()
                .any(|right| came.is_near(right, self.tolerance))
            {
                continue;
            }
            let fits = |mistake: &&(T, &'static str)| came.is_near(&mistake.0, self.tolerance);
            let hint = mistakes
                .iter()
                .find(fits)
                .map_or(self.otherwise, |mistake| mistake.1);
            return Verdict::wrong(self.number, expected, came.shown(), hint);
        }
        Verdict::right(self.number, self.so)
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
