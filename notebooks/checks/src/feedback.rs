//! The feedback of a check.

use std::fmt;
use std::io::Write;

/// What a check says about an answer; a cell that ends with it shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    exercise: u8,
    answer: Answer,
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    /// The cell is unchanged.
    Missing { expected: String },
    Wrong {
        expected: String,
        found: String,
        hint: String,
    },
    /// What can be learnt from the answer beyond the exercise.
    Right { lesson: String },
}

impl Feedback {
    /// Nothing was filled in yet; `expected` says what kind of answer is.
    pub(crate) fn missing(exercise: u8, expected: impl Into<String>) -> Self {
        Self {
            exercise,
            answer: Answer::Missing {
                expected: expected.into(),
            },
        }
    }

    /// A wrong answer: what kind was expected, what was found, and a hint at the mistake.
    pub(crate) fn wrong(
        exercise: u8,
        expected: impl Into<String>,
        found: impl fmt::Display,
        hint: impl Into<String>,
    ) -> Self {
        let (expected, found, hint) = (expected.into(), found.to_string(), hint.into());
        Self {
            exercise,
            answer: Answer::Wrong {
                expected,
                found,
                hint,
            },
        }
    }

    /// A right answer; `lesson` says what can be learnt from it.
    pub(crate) fn right(exercise: u8, lesson: impl Into<String>) -> Self {
        Self {
            exercise,
            answer: Answer::Right {
                lesson: lesson.into(),
            },
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

    /// The hint, if the answer is wrong.
    pub fn hint(&self) -> Option<&str> {
        match &self.answer {
            Answer::Wrong { hint, .. } => Some(hint),
            _ => None,
        }
    }

    /// The mark, the title, the colour of the bar on the left, and the lines below with their headings.
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
                found,
                hint,
            } => (
                "✗",
                "not yet",
                "#d55e00",
                vec![("expected", expected), ("found", found), ("hint", hint)],
            ),
            Answer::Right { lesson } => ("✓", "right", "#0072b2", vec![("", lesson)]),
        }
    }

    /// Shows the feedback in a notebook, as HTML and as text; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        let (mark, title, colour, lines) = self.parts();
        let mut html = format!(
            "<div style=\"border-left:4px solid {colour};padding:2px 12px;margin:4px 0\">\
             <div><b>{mark} Exercise {}: {title}.</b></div>",
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
        display(&(html + "</div>"), &self.to_string());
    }
}

/// Shows something in a notebook, as HTML and as text.
pub(crate) fn display(html: &str, text: &str) {
    let part =
        |mime, content| format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n");
    let parts = part("text/html", html) + &part("text/plain", text);
    // A closed standard output is no reason to panic: nobody is looking.
    let _ = std::io::stdout().lock().write_all(parts.as_bytes());
}

impl fmt::Display for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, title, _, lines) = self.parts();
        write!(f, "{mark} Exercise {}: {title}.", self.exercise)?;
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
    use super::Feedback;

    #[test]
    fn feedback_says_what_was_expected_what_came_and_a_hint() {
        let feedback = Feedback::wrong(
            2,
            "a number of weights\nand biases",
            3072,
            "Do neurons have biases?",
        );
        assert_eq!(
            feedback.to_string(),
            "✗ Exercise 2: not yet.\n  expected  a number of weights\n            and biases\n  \
             found     3072\n  hint      Do neurons have biases?"
        );
        assert!(!feedback.is_right() && !feedback.is_missing() && feedback.hint().is_some());
    }

    #[test]
    fn right_and_missing_answers_have_no_hint() {
        let (right, missing) = (
            Feedback::right(1, "So it is."),
            Feedback::missing(1, "a number"),
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
