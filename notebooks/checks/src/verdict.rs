//! What a check says.

use std::fmt;

use lab_core::plots::show;

/// What a check says of an answer; a cell that ends with one shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    exercise: u8,
    answer: Answer,
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    /// The cell is as it was.
    Missing { expected: String },
    Wrong {
        expected: String,
        came: String,
        hint: String,
    },
    /// What the answer shows, beyond the exercise.
    Right { so: String },
}

impl Verdict {
    /// Nothing was filled in yet; `expected` says what is to come.
    pub(crate) fn missing(exercise: u8, expected: impl Into<String>) -> Self {
        Self {
            exercise,
            answer: Answer::Missing {
                expected: expected.into(),
            },
        }
    }

    /// What was expected, without the answer; what came; and what the mistake may be.
    pub(crate) fn wrong(
        exercise: u8,
        expected: impl Into<String>,
        came: impl fmt::Display,
        hint: impl Into<String>,
    ) -> Self {
        let (expected, came, hint) = (expected.into(), came.to_string(), hint.into());
        Self {
            exercise,
            answer: Answer::Wrong {
                expected,
                came,
                hint,
            },
        }
    }

    /// It is right; `so` says what to take from it.
    pub(crate) fn right(exercise: u8, so: impl Into<String>) -> Self {
        Self {
            exercise,
            answer: Answer::Right { so: so.into() },
        }
    }

    /// Whether the answer is right.
    pub fn is_right(&self) -> bool {
        matches!(self.answer, Answer::Right { .. })
    }

    /// Whether nothing was filled in yet.
    pub fn is_missing(&self) -> bool {
        matches!(self.answer, Answer::Missing { .. })
    }

    /// The hint, where the answer is wrong.
    pub fn hint(&self) -> Option<&str> {
        match &self.answer {
            Answer::Wrong { hint, .. } => Some(hint),
            _ => None,
        }
    }

    /// Mark, first words, colour of the bar at the left, and the lines under them, each with its heading.
    fn parts(&self) -> (&str, &str, &str, Vec<(&str, &str)>) {
        match &self.answer {
            Answer::Missing { expected } => (
                "○",
                "not answered yet",
                "#8a8a8a",
                vec![("expected", expected)],
            ),
            Answer::Wrong {
                expected,
                came,
                hint,
            } => (
                "✗",
                "not yet",
                "#d55e00",
                vec![("expected", expected), ("came", came), ("hint", hint)],
            ),
            Answer::Right { so } => ("✓", "right", "#0072b2", vec![("", so)]),
        }
    }

    /// Shows it in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        let (mark, words, colour, lines) = self.parts();
        let mut html = format!(
            "<div style=\"border-left:4px solid {colour};padding:2px 12px;margin:4px 0\">\
             <div><b>{mark} Exercise {}: {words}.</b></div>",
            self.exercise
        );
        for (heading, text) in lines {
            let text = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('\n', "<br>");
            html += &match heading {
                "" => format!("<div>{text}</div>"),
                _ => format!("<div><span style=\"opacity:.7\">{heading}:</span> {text}</div>"),
            };
        }
        show(&(html + "</div>"), &self.to_string());
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, words, _, lines) = self.parts();
        write!(f, "{mark} Exercise {}: {words}.", self.exercise)?;
        for (heading, text) in lines {
            let indented = text.replace('\n', "\n            ");
            match heading {
                "" => write!(f, "\n  {text}")?,
                _ => write!(f, "\n  {heading:<9} {indented}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn a_verdict_says_what_was_expected_what_came_and_a_hint() {
        let verdict = Verdict::wrong(
            2,
            "a number of weights\nand biases",
            3072,
            "Do neurons have biases?",
        );
        assert_eq!(
            verdict.to_string(),
            "✗ Exercise 2: not yet.\n  expected  a number of weights\n            and biases\n  \
             came      3072\n  hint      Do neurons have biases?"
        );
        assert!(!verdict.is_right() && !verdict.is_missing() && verdict.hint().is_some());
    }

    #[test]
    fn right_and_missing_answers_have_no_hint() {
        let (right, missing) = (
            Verdict::right(1, "So it is."),
            Verdict::missing(1, "a number"),
        );
        assert!(right.is_right() && right.hint().is_none());
        assert!(missing.is_missing() && !missing.is_right() && missing.hint().is_none());
        assert_eq!(right.to_string(), "✓ Exercise 1: right.\n  So it is.");
        assert_eq!(
            missing.to_string(),
            "○ Exercise 1: not answered yet.\n  expected  a number"
        );
    }
}
