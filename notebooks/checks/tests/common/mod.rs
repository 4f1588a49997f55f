//! What every test of a check asks of its verdict.

use lab_checks::Verdict;

/// It is right, and says something beyond that.
pub fn is_right(verdict: Verdict) {
    assert!(verdict.is_right(), "{verdict}");
    assert!(verdict.to_string().lines().nth(1).is_some_and(|so| so.trim().len() > 40), "{verdict}");
}

/// Nothing was filled in.
pub fn is_missing(verdict: Verdict) {
    assert!(verdict.is_missing(), "{verdict}");
}

/// It is wrong; the hint has these words, and nothing but what came may show one of the answers.
pub fn is_wrong(verdict: Verdict, words: &str, answers: &[&str]) {
    let hint = verdict.hint().unwrap_or_else(|| panic!("{words}: {verdict}"));
    assert!(hint.contains(words), "{words}: {verdict}");
    let text = verdict.to_string();
    let (expected, _) = text.split_once("\n  came ").unwrap_or_else(|| panic!("{verdict}"));
    for answer in answers {
        assert!(!expected.contains(answer) && !hint.contains(answer), "{answer} is given away: {verdict}");
    }
}
