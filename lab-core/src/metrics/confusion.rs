//! The confusion matrix: how often each class is predicted for each.

use super::*;
use serde::{Serialize, Serializer};
use std::cmp::Reverse;

/// Counts of samples by true class (rows) and predicted class (columns), as in scikit-learn.
///
/// `Display` is an aligned table; serialized it is its rows, `[[…], …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfusionMatrix {
    counts: Array2<u64>,
    class_names: Vec<String>,
}

/// One kind of mistake: samples of one class that were predicted to be of another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// Their true class.
    pub truth: String,
    /// Their predicted class.
    pub predicted: String,
    /// How many there are.
    pub count: u64,
    /// The fraction, in [0, 1], of the true class's samples that they are.
    pub fraction: f64,
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (truth, predicted, count) = (&self.truth, &self.predicted, self.count);
        let percent = 100.0 * self.fraction;
        write!(f, "{truth} taken for {predicted}: {count} ({percent:.1} %)")
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
        check_range("class names", classes, 1..=256, "name every class")?;
        check_pair(truth, "predicted", predicted.len())?;
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
        check_range("class names", classes, 1..=256, "name every class")?;
        let remedy = "give a row and a column for each class name";
        check_shape("counts", counts.shape(), &[classes, classes], remedy)?;
        let names = class_names.iter().map(|name| name.as_ref().to_owned());
        Ok(Self {
            counts,
            class_names: names.collect(),
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

    /// The fraction of samples on the diagonal, in [0, 1].
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
        let fractions = self.normalized();
        let counts = self.counts.indexed_iter();
        let mistakes = counts.filter(|((t, p), count)| t != p && **count > 0);
        let mut mistakes: Vec<_> = mistakes.collect();
        mistakes.sort_by_key(|&(_, &count)| Reverse(count));
        let confusion = |((t, p), &count): ((usize, usize), _)| Confusion {
            truth: self.class_names[t].clone(),
            predicted: self.class_names[p].clone(),
            count,
            fraction: fractions[(t, p)],
        };
        mistakes.into_iter().take(n).map(confusion).collect()
    }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.class_names.iter();
        let mut columns = vec![vec!["true \\ predicted".to_owned()]];
        columns[0].extend(names.clone().cloned());
        for (name, counts) in names.zip(self.counts.columns()) {
            let counts = counts.into_iter().map(u64::to_string);
            columns.push([name.clone()].into_iter().chain(counts).collect());
        }
        let length = |cell: &String| cell.chars().count();
        let width = |column: &Vec<String>| column.iter().map(length).max();
        let widths: Vec<usize> = columns.iter().filter_map(width).collect();
        for row in 0..columns.len() {
            let cells = columns.iter().zip(&widths);
            let cells = cells.map(|(column, &width)| format!("{:>width$}", column[row]));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }
}

impl Serialize for ConfusionMatrix {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.counts.outer_iter().map(|row| row.to_vec()))
    }
}
