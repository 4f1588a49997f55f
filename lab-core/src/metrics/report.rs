//! Precision, recall and F1: per class and averaged.
//!
//! Of a class, with the number of samples that are `correct`ly recognized, that are `predicted` to be of it, and that
//! are of it (its `support`):
//!
//! ```text
//! precision = correct / predicted      recall = correct / support      F1 = 2 correct / (predicted + support)
//! ```
//!
//! A quotient with a zero denominator counts as 0, and leaves a warning in the report. The macro average is the mean
//! over all classes; the weighted average weighs each class by its support. These are scikit-learn's definitions,
//! with all labels given and `zero_division=0`.

use super::*;

/// Precision, recall and F1 of every class, their averages, and the accuracy.
///
/// `Display` is laid out like scikit-learn's text, with the warnings under it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationReport {
    /// The fraction of samples recognized, in [0, 1].
    pub accuracy: f64,
    /// The scores of each class, in the order of the labels.
    pub per_class: Vec<Scores>,
    /// The mean over the classes, each counting the same.
    pub macro_average: Scores,
    /// The mean over the classes, each counting by its support.
    pub weighted_average: Scores,
    /// A sentence for each class that was never predicted or that has no samples, whose scores say little; and for a
    /// network that was never trained.
    pub warnings: Vec<String>,
}

/// One row of a report; the scores are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The class, or `macro avg`, or `weighted avg`.
    pub name: String,
    /// The fraction of the samples predicted to be of the class that are of it.
    pub precision: f64,
    /// The fraction of the samples of the class that were recognized.
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
/// assert_eq!(report.per_class[0].recall, 1.0);
/// assert_eq!(report.warnings, ["dog: never predicted, so its precision counts as 0"]);
/// # Ok::<(), lab_core::LabError>(())
/// ```
pub fn classification_report(
    truth: &[u8],
    predicted: &[u8],
    class_names: &[impl AsRef<str>],
) -> Result<ClassificationReport> {
    let confusion = ConfusionMatrix::new(truth, predicted, class_names)?;
    Ok(ClassificationReport::new(&confusion))
}

impl ClassificationReport {
    /// The report of what a confusion matrix has counted.
    pub fn new(confusion: &ConfusionMatrix) -> Self {
        let counts = confusion.counts();
        let total = counts.sum();
        let (supports, predictions) = (counts.sum_axis(Axis(1)), counts.sum_axis(Axis(0)));
        let (mut per_class, mut warnings) = (Vec::new(), Vec::new());
        for (class, name) in confusion.class_names().iter().enumerate() {
            let correct = counts[[class, class]];
            let (support, predicted) = (supports[class], predictions[class]);
            per_class.push(Scores {
                name: name.clone(),
                precision: ratio(correct, predicted),
                recall: ratio(correct, support),
                f1: ratio(2 * correct, predicted + support),
                support,
            });
            let warning = match (predicted, support) {
                (0, 0) => "no sample of it and never predicted, so all its scores count as 0",
                (0, _) => "never predicted, so its precision counts as 0",
                (_, 0) => "no sample of it, so its recall counts as 0",
                _ => continue,
            };
            warnings.push(format!("{name}: {warning}"));
        }
        let mean = 1.0 / per_class.len() as f64;
        let by_support = |class: &Scores| ratio(class.support, total);
        Self {
            accuracy: confusion.accuracy(),
            macro_average: average("macro avg", &per_class, total, |_| mean),
            weighted_average: average("weighted avg", &per_class, total, by_support),
            per_class,
            warnings,
        }
    }
}

/// `part / whole`; 0 of 0 counts as 0.
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn average(name: &str, of: &[Scores], support: u64, weight: impl Fn(&Scores) -> f64) -> Scores {
    let sum = |score: fn(&Scores) -> f64| of.iter().map(|class| weight(class) * score(class)).sum();
    Scores {
        name: name.into(),
        precision: sum(|class| class.precision),
        recall: sum(|class| class.recall),
        f1: sum(|class| class.f1),
        support,
    }
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let averages = [&self.macro_average, &self.weighted_average];
        let names = self.per_class.iter().chain(averages).map(|s| &s.name);
        let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let row = |s: &Scores| {
            let (name, support) = (&s.name, s.support);
            let [precision, recall, f1] = [s.precision, s.recall, s.f1];
            format!("{name:>width$}  {precision:9.4} {recall:9.4} {f1:9.4} {support:9}\n")
        };
        let header = "precision    recall  f1-score   support";
        writeln!(f, "{:width$}  {header}\n", "")?;
        f.write_str(&self.per_class.iter().map(row).collect::<String>())?;
        let (accuracy, support) = (self.accuracy, self.weighted_average.support);
        writeln!(f, "\n{:>width$}  {accuracy:29.4} {support:9}", "accuracy")?;
        f.write_str(&averages.map(row).concat())?;
        if !self.warnings.is_empty() {
            writeln!(f)?;
        }
        let mut warnings = self.warnings.iter();
        warnings.try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
