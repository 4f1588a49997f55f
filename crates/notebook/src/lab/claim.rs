//! Statements about a run that are checked against it.

use super::{Lab, Scale};
use crate::show::escape;

/// A statement, the condition under which it is true, and whether the run fulfils it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whether the run fulfils it.
    pub holds: bool,
    /// The condition as it reads in the code.
    pub condition: &'static str,
    /// The statement in Markdown.
    pub text: String,
}

impl Claim {
    /// What the HTML of a claim carries that a run has refuted.
    pub const REFUTED: &str = "data-claim=\"refuted\"";
    /// What the HTML of a claim carries that holds.
    pub const HOLDS: &str = "data-claim=\"holds\"";

    /// Prose where the claim holds, a box where it does not; on the sample prose that says that it was not checked.
    fn markdown(&self, scale: Scale) -> String {
        // A long condition spans lines in the code.
        let words: Vec<&str> = self.condition.split_whitespace().collect();
        let (text, condition) = (self.text.trim(), escape(&words.join(" ")));
        let style = "opacity:0.5;cursor:help";
        let mark = |sign| format!("<small style=\"{style}\" title=\"{condition}\">{sign}</small>");
        if scale == Scale::Sample {
            return format!("{text} {}", mark("(not judged on the sample)"));
        }
        if self.holds {
            let holds = Self::HOLDS;
            return format!("{text} <span {holds}>{}</span>", mark("✓"));
        }
        let (style, refuted) = ("border:2px solid #c0392b;padding:4px 12px", Self::REFUTED);
        let quoted = text.replace('\n', " ");
        format!(
            "<div {refuted} style=\"{style}\">\n\n**This run contradicts the statement**\n\n> {quoted}\n\n\
             It is true only where <code>{condition}</code>.\n\n</div>"
        )
    }
}

impl Lab {
    /// Shows claims in the cell, a paragraph each; [`claim!`](crate::claim) calls it.
    pub fn claims(&self, claims: &[Claim]) {
        let paragraphs = claims.iter().map(|claim| claim.markdown(self.scale));
        self.text(&paragraphs.collect::<Vec<_>>().join("\n\n"));
    }
}

/// Shows a statement in the cell, and checks that the run bears it: the condition is what the statement says, with the
/// noise that it must exceed; the text is Markdown, made as by [`format!`].
///
/// Where the condition holds the text reads as any other prose. Where it does not, a box says so, and `cargo lab report`
/// counts it. The sample is too small for claims: there nothing is judged. As a cell has one output, several claims of
/// one cell stand in one `claim!`, between `;`.
///
/// ```
/// use lab_notebook::prelude::*;
/// let lab = Lab::at(".", Scale::Full);
/// let (relu, tanh) = (Mean::of(&[46.0, 46.2, 46.1]), Mean::of(&[38.5, 38.9, 38.7]));
/// claim!(lab, relu.low() > tanh.high(), "ReLU reaches {relu} %, tanh {tanh} %.");
/// claim!(lab;
///     relu.low() > tanh.high() => "ReLU leads by {:.1} points.", relu.mean - tanh.mean;
///     tanh.low() > 10.0 => "Both beat guessing.");
/// ```
#[macro_export]
macro_rules! claim {
    ($lab:expr, $condition:expr, $text:literal $(, $value:expr)* $(,)?) => {
        $crate::claim!($lab; $condition => $text $(, $value)*)
    };
    ($lab:expr; $($condition:expr => $text:literal $(, $value:expr)*);+ $(;)?) => {
        $lab.claims(&[$($crate::lab::Claim {
            holds: $condition,
            condition: stringify!($condition),
            text: format!($text $(, $value)*),
        }),+])
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(holds: bool, condition: &'static str, text: &str) -> Claim {
        let text = text.to_owned();
        Claim {
            holds,
            condition,
            text,
        }
    }

    fn shown(holds: bool, scale: Scale) -> String {
        let condition = "relu > tanh\n    && n < 3";
        claim(holds, condition, "ReLU *leads*\nby 3.").markdown(scale)
    }

    #[test]
    fn a_claim_that_holds_reads_as_prose_and_says_its_condition_on_demand() {
        let markdown = shown(true, Scale::Full);
        assert!(markdown.starts_with("ReLU *leads*\nby 3. <span data-claim=\"holds\">"));
        assert!(markdown.contains("title=\"relu &gt; tanh &amp;&amp; n &lt; 3\""));
    }

    #[test]
    fn a_refuted_claim_quotes_the_statement_and_its_condition() {
        let markdown = shown(false, Scale::Full);
        assert!(markdown.starts_with("<div data-claim=\"refuted\""));
        assert!(markdown.contains("\n\n> ReLU *leads* by 3.\n\n"));
        assert!(markdown.contains("<code>relu &gt; tanh &amp;&amp; n &lt; 3</code>"));
    }

    #[test]
    fn nothing_is_judged_on_the_sample() {
        for holds in [true, false] {
            let markdown = shown(holds, Scale::Sample);
            assert!(
                !markdown.contains("data-claim") && markdown.contains("(not judged on the sample)")
            );
        }
    }

    #[test]
    fn the_condition_is_written_down_as_in_the_code_and_the_text_takes_values() {
        struct Shown(std::cell::RefCell<Vec<Claim>>);
        impl Shown {
            fn claims(&self, claims: &[Claim]) {
                self.0.borrow_mut().extend_from_slice(claims);
            }
        }
        let (lab, a, b) = (Shown(Default::default()), 2.0, 1.0);
        crate::claim!(lab, a > b, "{a} is more than {:.1}.", b);
        crate::claim!(lab; a < b => "Less."; 0.0 / (a - a) > b => "{a:.2} and {}", "NaN";);
        let expected = [
            claim(true, "a > b", "2 is more than 1.0."),
            claim(false, "a < b", "Less."),
            claim(false, "0.0 / (a - a) > b", "2.00 and NaN"),
        ];
        assert_eq!(*lab.0.borrow(), expected);
    }
}
