//! What every test of a check asks of its feedback.

use lab_checks::Feedback;

/// It is right, and says something beyond that.
pub fn is_right(feedback: Feedback) {
    assert!(feedback.is_right(), "{feedback}");
    assert!(
        feedback
            .to_string()
            .lines()
            .nth(1)
            .is_some_and(|lesson| lesson.trim().len() > 40),
        "{feedback}"
    );
}

/// Nothing was filled in.
pub fn is_missing(feedback: Feedback) {
    assert!(feedback.is_missing(), "{feedback}");
}

/// It is wrong; the hint has these words, and nothing but what was found may show one of the answers.
pub fn is_wrong(feedback: Feedback, words: &str, answers: &[&str]) {
    assert!(
        feedback.hint().is_some_and(|hint| hint.contains(words)),
        "no {words:?} in: {feedback}"
    );
    let text = feedback.to_string();
    let said = text
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("  found"))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(said.split_whitespace().count() > 5, "{feedback}");
    for answer in answers {
        assert!(!shows(&said, answer), "{answer} is given away: {feedback}");
    }
}

/// Whether a text shows an answer: a whole number or a word as a whole, a fraction with any digits after it.
fn shows(text: &str, answer: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric();
    let whole = answer.chars().all(part_of_word);
    text.match_indices(answer).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + answer.len()..]);
        let digit = after.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
        let goes_on = after.starts_with(part_of_word) || (digit && after.starts_with(['.', ',']));
        !(before.ends_with(|c: char| part_of_word(c) || ".,".contains(c)) || (whole && goes_on))
    })
}
