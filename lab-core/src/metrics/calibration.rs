//! Calibration: of the predictions made with confidence 0.8, are 80 % right?
//!
//! Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern Neural Networks* (2017): the confidence of a prediction
//! is its largest probability; predictions are put into bins of equal width by their confidence, and
//!
//! ```text
//! ECE = Σ over bins   count / N · | accuracy of the bin − mean confidence of the bin |
//! ```

use super::*;

/// How far above 1 a probability may lie: what the rounding of a softmax in `f32` leaves.
const ROUNDING: f32 = 1e-5;

/// How well the confidence of a classifier fits its accuracy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The expected calibration error, in [0, 1]: 0 is perfect.
    pub ece: f64,
    /// The bins, from confidence 0 to 1: the points of a reliability diagram.
    pub bins: Vec<Bin>,
}

/// The predictions whose confidence lies in (`lower`, `upper`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// The lower edge, which belongs to the bin below (0 itself to the first bin).
    pub lower: f64,
    /// The upper edge, which belongs to this bin.
    pub upper: f64,
    /// How many predictions there are.
    pub count: usize,
    /// The fraction of them that is right; 0 in an empty bin.
    pub accuracy: f64,
    /// Their mean confidence; 0 in an empty bin.
    pub confidence: f64,
}

impl Calibration {
    /// The number of bins in Guo et al. and in most of what is published.
    pub const DEFAULT_BINS: usize = 15;

    /// Sorts the predictions into `bins` bins; `probabilities` is `(samples, classes)`.
    ///
    /// A confidence exactly on an edge belongs to the bin below it: the bins are (lower, upper].
    ///
    /// # Errors
    /// No labels, another number of rows than of labels, a label without a column, a value that is not a
    /// probability, or `bins` outside of 1 to 1,000.
    ///
    /// ```
    /// use lab_core::metrics::Calibration;
    /// use ndarray::array;
    /// let sure_and_wrong = array![[1.0, 0.0], [1.0, 0.0]];
    /// let calibration = Calibration::new(&[0, 1], sure_and_wrong.view(), Calibration::DEFAULT_BINS)?;
    /// assert_eq!(calibration.ece, 0.5);
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn new(truth: &[u8], probabilities: ArrayView2<f32>, bins: usize) -> Result<Self> {
        check_labelled(truth, probabilities)?;
        check_range("bins", bins, 1..=1000, "15 is the usual number")?;
        let edge = |i: usize| i as f64 / bins as f64;
        let empty = |i| Bin {
            lower: edge(i),
            upper: edge(i + 1),
            ..Bin::default()
        };
        let mut bins: Vec<Bin> = (0..bins).map(empty).collect();
        for (i, (&label, row)) in truth.iter().zip(probabilities.outer_iter()).enumerate() {
            if let Some(value) = row.iter().find(|p| !(0.0..=1.0 + ROUNDING).contains(*p)) {
                let found = format!("{value} in row {i}");
                let remedy = "give the outputs of a softmax, not logits";
                return Err(LabError::value("probabilities", found, "0 to 1", remedy));
            }
            let class = argmax(row.iter().copied());
            let confidence = f64::from(row[class].min(1.0));
            let position = bins.partition_point(|bin| bin.upper < confidence);
            let bin = &mut bins[position];
            bin.count += 1;
            bin.accuracy += f64::from(u8::from(class == usize::from(label)));
            bin.confidence += confidence;
        }
        let mut ece = 0.0;
        for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
            bin.accuracy /= bin.count as f64;
            bin.confidence /= bin.count as f64;
            ece += bin.count as f64 / truth.len() as f64 * (bin.accuracy - bin.confidence).abs();
        }
        Ok(Self { ece, bins })
    }
}
