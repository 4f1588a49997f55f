//! Precision, recall and F1: per class and averaged.
//!
//! With `tp` samples of a class recognized, `predicted` samples taken for it and `support` samples really of it:
//!
//! ```text
//! precision = tp / predicted      recall = tp / support      F1 = 2 tp / (predicted + support)
//! ```
//!
//! A quotient with a zero denominator counts as 0, and leaves a warning in the report. The macro average is the mean
//! over all classes; the weighted average weighs each class by its support. These are scikit-learn's definitions,
//! with all labels given and `zero_division=0`.

use super::ConfusionMatrix;
use crate::error::Result;
use ndarray::Axis;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Precision, recall and F1 of every class, their averages, and the accuracy.
///
/// `Display` is laid out like scikit-learn's text, with the warnings under it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationReport {
    accuracy: f64,
    per_class: Vec<Scores>,
    macro_average: Scores,
    weighted_average: Scores,
    warnings: Vec<String>,
}

/// One row of a report; the scores are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The class, or `macro avg`, or `weighted avg`.
    pub name: String,
    /// The share of the samples taken for the class that are of it.
    pub precision: f64,
    /// The share of the samples of the class that were recognized.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// The number of samples of the class.
    pub support: u64,
}

/// Counts the labels and gives the report; `ClassificationReport::new` of their [`ConfusionMatrix`].
///
/// # Errors
/// Those of [`ConfusionMatrix::new`].
///
/// ```
/// use lab_core::metrics::classification_report;
/// let report = classification_report(&[0, 0, 1], &[0, 0, 0], &["cat", "dog"])?;
/// assert_eq!(report.per_class()[0].recall, 1.0);
/// assert_eq!(report.warnings(), ["dog: never predicted, so its precision counts as 0"]);
/// # Ok::<(), lab_core::LabError>(())
/// ```
pub fn classification_report(
    truth: &[u8],
    predicted: &[u8],
    class_names: &[impl AsRef<str>],
) -> Result<ClassificationReport> {
    Ok(ClassificationReport::new(&ConfusionMatrix::new(
        truth,
        predicted,
        class_names,
    )?))
}

impl ClassificationReport {
    /// The report of what a confusion matrix has counted.
    pub fn new(confusion: &ConfusionMatrix) -> Self {
        let counts = confusion.counts();
        let total = counts.sum();
        let (supports, predictions) = (counts.sum_axis(Axis(1)), counts.sum_axis(Axis(0)));
        let mut per_class = Vec::new();
        let mut warnings = Vec::new();
        for (class, name) in confusion.class_names().iter().enumerate() {
            let (hits, support, predicted) =
                (counts[[class, class]], supports[class], predictions[class]);
            per_class.push(Scores {
                name: name.clone(),
                precision: ratio(hits, predicted),
                recall: ratio(hits, support),
                f1: ratio(2 * hits, predicted + support),
                support,
            });
            match (predicted, support) {
                (0, 0) => warnings.push(format!(
                    "{name}: no sample of it and never predicted, so all its scores count as 0"
                )),
                (0, _) => warnings.push(format!(
                    "{name}: never predicted, so its precision counts as 0"
                )),
                (_, 0) => warnings.push(format!(
                    "{name}: no sample of it, so its recall counts as 0"
                )),
                _ => {}
            }
        }
        let classes = per_class.len() as f64;
        let macro_average = average("macro avg", &per_class, total, |_| 1.0 / classes);
        let weighted_average = average("weighted avg", &per_class, total, |class| {
            ratio(class.support, total)
        });
        Self {
            accuracy: confusion.accuracy(),
            per_class,
            macro_average,
            weighted_average,
            warnings,
        }
    }

    /// Adds a warning before the others, where there is one.
    pub(crate) fn with_warning(self, warning: Option<&str>) -> Self {
        Self {
            warnings: warning
                .map(str::to_owned)
                .into_iter()
                .chain(self.warnings)
                .collect(),
            ..self
        }
    }

    /// The share of samples recognized, in [0, 1].
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// The scores of each class, in the order of the labels.
    pub fn per_class(&self) -> &[Scores] {
        &self.per_class
    }

    /// The mean over the classes, each counting the same.
    pub fn macro_average(&self) -> &Scores {
        &self.macro_average
    }

    /// The mean over the classes, each counting by its support.
    pub fn weighted_average(&self) -> &Scores {
        &self.weighted_average
    }

    /// A sentence for each class that was never predicted or that has no samples, whose scores say little; and for a
    /// network that was never trained.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The report as JSON, the warnings with it.
    ///
    /// ```
    /// use lab_core::metrics::classification_report;
    /// let report = classification_report(&[0, 1], &[0, 1], &["cat", "dog"])?;
    /// assert!(report.to_json().contains(r#""accuracy": 1.0"#));
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self)
            .expect("strings and finite numbers can always be written as JSON")
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn average(
    name: &str,
    per_class: &[Scores],
    support: u64,
    weight: impl Fn(&Scores) -> f64,
) -> Scores {
    let sum = |score: fn(&Scores) -> f64| {
        per_class
            .iter()
            .map(|class| weight(class) * score(class))
            .sum()
    };
    Scores {
        name: name.into(),
        precision: sum(|s| s.precision),
        recall: sum(|s| s.recall),
        f1: sum(|s| s.f1),
        support,
    }
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let averages = [&self.macro_average, &self.weighted_average];
        let names = self
            .per_class
            .iter()
            .chain(averages)
            .map(|scores| scores.name.chars().count());
        let width = names.max().unwrap_or_default();
        let row = |f: &mut fmt::Formatter<'_>, s: &Scores| {
            let Scores {
                name,
                precision,
                recall,
                f1,
                support,
            } = s;
            writeln!(
                f,
                "{name:>width$}  {precision:>9.4} {recall:>9.4} {f1:>9.4} {support:>9}"
            )
        };

        writeln!(
            f,
            "{:>width$}  {:>9} {:>9} {:>9} {:>9}\n",
            "", "precision", "recall", "f1-score", "support"
        )?;
        for class in &self.per_class {
            row(f, class)?;
        }
        let (accuracy, support) = (self.accuracy, self.weighted_average.support);
        writeln!(
            f,
            "\n{:>width$}  {:>9} {:>9} {accuracy:>9.4} {support:>9}",
            "accuracy", "", ""
        )?;
        averages.into_iter().try_for_each(|scores| row(f, scores))?;
        if !self.warnings.is_empty() {
            writeln!(f)?;
        }
        self.warnings
            .iter()
            .try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
