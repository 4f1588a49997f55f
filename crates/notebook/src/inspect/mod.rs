//! A look inside a network: what a batch does to each layer ([`Inspect::inspect`]), and what an answer depends on
//! ([`Inspect::explain`]).
//!
//! ```
//! use lab_notebook::prelude::*;
//!
//! let cifar = Cifar10::sample();
//! let model = Sequential::new([32, 32, 3])
//!     .flatten()
//!     .dense(32, Activation::Relu)
//!     .dense(10, Activation::Softmax)
//!     .build(Seed(0))?;
//! println!("{}", model.inspect(&cifar.train.take(64))?.to_text());
//! println!("{}", model.explain(&cifar.test, 0, &cifar.train)?.to_text());
//! # Ok::<(), LabError>(())
//! ```

use crate::prelude::*;

mod explanation;
mod inspection;
mod inspection_view;

pub use explanation::Explanation;
pub use inspection::{Inspection, LayerInspection};

/// Ways to look inside a network, which stays as it is.
pub trait Inspect {
    /// Looks at each layer with a batch: categorical cross-entropy, and one step of Adam with 0.001 on a copy.
    ///
    /// ```
    /// use lab_notebook::prelude::*;
    /// let batch = Cifar10::sample().train.take(64);
    /// let model = Sequential::new([32, 32, 3])
    ///     .flatten()
    ///     .dense(32, Activation::Relu)
    ///     .dense(10, Activation::Softmax)
    ///     .build(Seed(0))?;
    /// let inspection = model.inspect(&batch)?;
    /// assert!(inspection.layers[1].dead.is_some_and(|share| share < 0.5));
    /// assert!(inspection.to_text().contains("dense_1 (Dense, softmax)"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`] where the images do not fit the network,
    /// [`LabError::Value`] where it does not end in softmax, or for no images or more than 1,024.
    fn inspect(&self, batch: &Dataset) -> Result<Inspection>;

    /// Why image `index` of `data` gets its answer: the probabilities, the pixels on which the predicted class depends
    /// most, and the nearest images of `train`.
    ///
    /// ```
    /// use lab_notebook::prelude::*;
    /// let cifar = Cifar10::sample();
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let explanation = model.explain(&cifar.test, 7, &cifar.train)?;
    /// assert_eq!(explanation.saliency.dim(), (32, 32));
    /// assert!(explanation.nearest[0].1 <= explanation.nearest[4].1);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for an index past the end, training data without images or with other
    /// classes, or weights that are no numbers any more; [`LabError::Shape`] where the images do
    /// not fit the network or each other.
    fn explain(&self, data: &Dataset, index: usize, train: &Dataset) -> Result<Explanation>;
}

impl Inspect for Sequential {
    fn inspect(&self, batch: &Dataset) -> Result<Inspection> {
        inspection::inspect(self, batch)
    }

    fn explain(&self, data: &Dataset, index: usize, train: &Dataset) -> Result<Explanation> {
        explanation::explain(self, data.subset(&[index])?, train)
    }
}
