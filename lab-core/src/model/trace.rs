//! What each layer gives for a batch, and what an output depends on: for looking inside.

use super::layer::Pass;
use super::predict::Inputs;
use super::sequential::{Sequential, Tape};
use crate::compute::Threads;
use crate::error::Result;

/// One pass of a network in use that keeps what every layer gave.
pub(crate) struct Trace {
    /// The examples, row after row.
    pub(crate) input: Vec<f32>,
    tape: Tape,
}

impl Trace {
    /// The output of the layer of this number, row after row; of one that only passes on, what it was given.
    pub(crate) fn output(&self, number: usize) -> &[f32] {
        let done = self.tape.caches[..=number]
            .iter()
            .rev()
            .find(|cache| !cache.output.is_empty());
        done.map_or(&self.input, |cache| &cache.output)
    }
}

impl Sequential {
    /// Runs all examples through the network at once.
    pub(crate) fn trace(&self, inputs: &impl Inputs, threads: &Threads) -> Result<Trace> {
        self.check_inputs("inputs", &inputs.example_shape())?;
        let mut input = vec![0.0; inputs.count() * self.input_shape().iter().product::<usize>()];
        inputs.write(0, &mut input, threads)?;
        let mut tape = Tape::default();
        self.forward(
            &input,
            &mut tape,
            Pass {
                training: None,
                threads,
            },
        );
        Ok(Trace { input, tape })
    }

    /// The gradient of one unit of the output with respect to each number of the input; where the network ends in a
    /// dense layer it is that of the unit's z, before the activation.
    pub(crate) fn input_gradient(
        &self,
        trace: &mut Trace,
        unit: usize,
        threads: &Threads,
    ) -> Vec<f32> {
        let Trace { input, tape } = trace;
        let units = self.output_size().max(1);
        let gradient = tape.results(input).2;
        gradient
            .iter_mut()
            .enumerate()
            .for_each(|(at, g)| *g = f32::from(at % units == unit));
        tape.flow.whole = true;
        self.backward(
            input,
            tape,
            true,
            Pass {
                training: None,
                threads,
            },
        );
        std::mem::take(&mut tape.flow.gradient)
    }
}
