//! The confusion matrix: which class is taken for which.

use super::{check_classes, check_length};
use crate::checks::check_labels;
use crate::error::{LabError, Result};
use ndarray::{Array2, Axis};
use serde::{Serialize, Serializer};
use std::cmp::Reverse;
use std::fmt;

/// Counts of samples by true class (rows) and predicted class (columns), as in scikit-learn.
///
/// `Display` is an aligned table; serialized it is its rows, `[[…], …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfusionMatrix {
    counts: Array2<u64>,
    class_names: Vec<String>,
}

/// One kind of mistake: samples of one class that were taken for another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// The class they are of.
    pub truth: String,
    /// The class they were taken for.
    pub predicted: String,
    /// How many there are.
    pub count: u64,
    /// Their share, in [0, 1], of all samples of the true class.
    pub share: f64,
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} taken for {}: {} ({:.1} %)",
            self.truth,
            self.predicted,
            self.count,
            100.0 * self.share
        )
    }
}

impl ConfusionMatrix {
    /// Counts the pairs of true and predicted class; label `i` is the class `class_names[i]`.
    ///
    /// # Errors
    /// No labels, slices of different lengths, a label without a name, or a number of names outside of 1 to 256.
    ///
    /// ```
    /// use lab_core::metrics::ConfusionMatrix;
    /// let confusion = ConfusionMatrix::new(&[0, 1, 1], &[0, 0, 1], &["cat", "dog"])?;
    /// assert_eq!(confusion.counts(), ndarray::array![[1, 0], [1, 1]]);
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn new(truth: &[u8], predicted: &[u8], class_names: &[impl AsRef<str>]) -> Result<Self> {
        let classes = class_names.len();
        check_classes("class_names", classes)?;
        check_length(truth, "predicted", predicted.len())?;
        check_labels("truth", truth, classes)?;
        check_labels("predicted", predicted, classes)?;
        let mut counts = Array2::zeros((classes, classes));
        for (&t, &p) in truth.iter().zip(predicted) {
            counts[[t.into(), p.into()]] += 1;
        }
        Self::from_counts(counts, class_names)
    }

    /// A matrix that was counted elsewhere: rows are true classes, columns predicted ones.
    ///
    /// # Errors
    /// Rows or columns that are not as many as the names, or a number of names outside of 1 to 256.
    ///
    /// ```
    /// use lab_core::metrics::ConfusionMatrix;
    /// let printed = ConfusionMatrix::from_counts(ndarray::array![[1, 0], [1, 1]], &["cat", "dog"])?;
    /// assert_eq!(printed.accuracy(), 2.0 / 3.0);
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn from_counts(counts: Array2<u64>, class_names: &[impl AsRef<str>]) -> Result<Self> {
        let classes = class_names.len();
        check_classes("class_names", classes)?;
        if counts.dim() != (classes, classes) {
            let expected = format!("({classes}, {classes})");
            let remedy = "give a row and a column for each class name";
            return Err(LabError::shape(
                "counts",
                format!("{:?}", counts.dim()),
                expected,
                remedy,
            ));
        }
        Ok(Self {
            counts,
            class_names: class_names
                .iter()
                .map(|name| name.as_ref().to_owned())
                .collect(),
        })
    }

    /// The counts, `(classes, classes)`: `[[t, p]]` samples of class `t` were taken for class `p`.
    pub fn counts(&self) -> &Array2<u64> {
        &self.counts
    }

    /// The names of the classes, in the order of rows and columns.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The share of samples on the diagonal, in [0, 1].
    pub fn accuracy(&self) -> f64 {
        self.counts.diag().sum() as f64 / self.counts.sum() as f64
    }

    /// The counts divided by the sum of their row, so that each row sums to 1 and the diagonal is the recall;
    /// the row of a class without samples stays 0.
    ///
    /// ```
    /// use lab_core::metrics::ConfusionMatrix;
    /// let confusion = ConfusionMatrix::new(&[0, 0, 1], &[0, 1, 1], &["cat", "dog"])?;
    /// assert_eq!(confusion.normalized(), ndarray::array![[0.5, 0.5], [0.0, 1.0]]);
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn normalized(&self) -> Array2<f64> {
        let support = self.counts.sum_axis(Axis(1)).insert_axis(Axis(1));
        self.counts.mapv(|count| count as f64) / support.mapv(|n| n.max(1) as f64)
    }

    /// The `n` most frequent mistakes, the most frequent first; equal ones in the order of the classes.
    ///
    /// The idea is fastai's.
    ///
    /// ```
    /// use lab_core::metrics::ConfusionMatrix;
    /// let confusion = ConfusionMatrix::new(&[0, 1, 1, 1], &[1, 0, 0, 1], &["cat", "dog"])?;
    /// assert_eq!(confusion.most_confused(1)[0].to_string(), "dog taken for cat: 2 (66.7 %)");
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn most_confused(&self, n: usize) -> Vec<Confusion> {
        let shares = self.normalized();
        let mistakes = self
            .counts
            .indexed_iter()
            .filter(|&((t, p), &count)| t != p && count > 0);
        let mut mistakes: Vec<_> = mistakes.collect();
        mistakes.sort_by_key(|&(_, &count)| Reverse(count));
        let confusion = |(at, &count): ((usize, usize), &u64)| Confusion {
            truth: self.class_names[at.0].clone(),
            predicted: self.class_names[at.1].clone(),
            count,
            share: shares[at],
        };
        mistakes.into_iter().take(n).map(confusion).collect()
    }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CORNER: &str = "true \\ predicted";
        let length = |text: &str| text.chars().count();
        let first = self
            .class_names
            .iter()
            .map(|name| length(name))
            .fold(length(CORNER), usize::max);
        let columns = self.class_names.iter().zip(self.counts.columns());
        let width = |(name, column): (&String, ndarray::ArrayView1<u64>)| {
            column
                .iter()
                .fold(length(name), |w, n| w.max(length(&n.to_string())))
        };
        let widths: Vec<usize> = columns.map(width).collect();

        write!(f, "{CORNER:>first$}")?;
        for (name, width) in self.class_names.iter().zip(&widths) {
            write!(f, "  {name:>width$}")?;
        }
        writeln!(f)?;
        for (name, row) in self.class_names.iter().zip(self.counts.outer_iter()) {
            write!(f, "{name:>first$}")?;
            for (count, width) in row.iter().zip(&widths) {
                write!(f, "  {count:>width$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Serialize for ConfusionMatrix {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.counts.outer_iter().map(|row| row.to_vec()))
    }
}
