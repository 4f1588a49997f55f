//! Predictions of a network.

use ndarray::{Array2, ArrayBase, Data, Dimension};

use super::layer::{Mode, Pass};
use super::passes::{Outputs, Workspace};
use super::sequential::Sequential;
use crate::compute::Threads;
use crate::error::{LabError, Result};

/// Examples that a network can read: an array of them, or a data set.
pub trait Inputs: Sync {
    /// How many examples there are.
    fn count(&self) -> usize;

    /// The shape of one.
    fn example_shape(&self) -> Vec<usize>;

    /// Writes the examples `first`, `first + 1`, … row after row until `into` is full.
    ///
    /// # Errors
    /// Where an example cannot be read, or is not finite.
    fn write(&self, first: usize, into: &mut [f32], threads: &Threads) -> Result<()>;
}

/// An array whose first axis counts the examples, like (N, 32, 32, 3) or (N, 3072).
impl<S: Data<Elem = f32> + Sync, D: Dimension> Inputs for ArrayBase<S, D> {
    fn count(&self) -> usize {
        self.shape().first().copied().unwrap_or(0)
    }

    fn example_shape(&self) -> Vec<usize> {
        self.shape().get(1..).unwrap_or(&[]).to_vec()
    }

    fn write(&self, first: usize, into: &mut [f32], _: &Threads) -> Result<()> {
        let size = self.example_shape().iter().product::<usize>().max(1);
        let floats = self.iter().skip(first * size);
        match self.as_slice() {
            Some(slice) => into.copy_from_slice(&slice[first * size..][..into.len()]),
            None => into.iter_mut().zip(floats).for_each(|(to, x)| *to = *x),
        }
        let Some(at) = into.iter().position(|x| !x.is_finite()) else {
            return Ok(());
        };
        let place = format!("example {}", first + at / size);
        let found = format!("{} at position {}", into[at], at % size);
        let remedy = "look where the array comes from: a division by 0 or a missing value";
        Err(LabError::value(place, found, "finite numbers", remedy))
    }
}

/// Examples that go through the network at a time.
const BATCH: usize = 512;

impl Sequential {
    /// The outputs for each example, shape (N, classes): probabilities where the network ends in softmax.
    ///
    /// Takes a data set, or an array whose first axis counts the examples. Layers work in inference mode.
    ///
    /// # Errors
    /// [`LabError::Shape`] where the examples do not fit the network, [`LabError::Value`] where one is not finite.
    pub fn predict(&self, inputs: &impl Inputs) -> Result<Array2<f32>> {
        let threads = if inputs.count() == 1 {
            Threads::one()
        } else {
            Threads::new(None)?
        };
        let mut outputs = Vec::with_capacity(inputs.count() * self.output_size());
        let keep = |batch: Outputs<'_>| outputs.extend_from_slice(batch.outputs);
        self.for_each_batch(inputs, &threads, keep)?;
        Ok(self.output_array(outputs))
    }

    /// Outputs row after row as an array of shape (N, classes).
    pub(crate) fn output_array(&self, outputs: Vec<f32>) -> Array2<f32> {
        let units = self.output_size().max(1);
        let shape = (outputs.len() / units, units);
        Array2::from_shape_vec(shape, outputs).unwrap_or_default()
    }

    /// Checks that examples fit the network; `place` names them.
    pub(crate) fn check_inputs(&self, place: &str, shape: &[usize]) -> Result<()> {
        if shape == self.input_shape() {
            return Ok(());
        }
        let (found, expected) = (format!("{shape:?}"), format!("{:?}", self.input_shape()));
        let remedy =
            format!("begin the network with Sequential::new({found}), or reshape the data");
        Err(LabError::shape(place, found, expected, remedy))
    }

    /// The rows of a batch of at least one example.
    pub(crate) fn read_batch(&self, inputs: &impl Inputs, threads: &Threads) -> Result<Vec<f32>> {
        self.check_inputs("inputs", &inputs.example_shape())?;
        let mut batch = vec![0.0; inputs.count() * self.input_size()];
        if batch.is_empty() {
            let (found, remedy) = ("0 examples", "give at least one example");
            return Err(LabError::value("batch", found, "at least one", remedy));
        }
        inputs.write(0, &mut batch, threads)?;
        Ok(batch)
    }

    /// Runs all examples through the network, some hundreds at a time, and gives `task` their outputs.
    pub(crate) fn for_each_batch(
        &self,
        inputs: &(impl Inputs + ?Sized),
        threads: &Threads,
        mut task: impl FnMut(Outputs<'_>),
    ) -> Result<()> {
        self.check_inputs("inputs", &inputs.example_shape())?;
        let size = self.input_size();
        let mut batch = vec![0.0; size * BATCH.min(inputs.count())];
        let mut workspace = Workspace::default();
        for first in (0..inputs.count()).step_by(BATCH) {
            let batch = &mut batch[..size * BATCH.min(inputs.count() - first)];
            inputs.write(first, batch, threads)?;
            let pass = Pass::new(batch, Mode::Inference, threads);
            self.run_forward(pass, &mut workspace);
            task(workspace.results(batch, self.output_size()).0);
        }
        Ok(())
    }
}
