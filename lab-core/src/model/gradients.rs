//! The gradients of a network's arrays during the backward pass: kept, or applied at once.

use std::ops::Range;

use super::*;

/// The updates of an optimizer's step and the arrays that they change beside the weights, one of each for every
/// parameter.
pub(crate) type Updates<'a> = (&'a [Step], &'a mut [[Vec<f32>; 2]]);

/// The arrays of a network or of one layer, and what the backward pass does with their gradients.
pub(crate) enum Gradients<'a> {
    /// Each is kept, in one array for every parameter that is trained; no weight changes.
    Kept(&'a [Parameter], &'a mut [Vec<f32>]),
    /// Each updates its array as soon as it is known and is not kept, which saves memory traffic.
    Applied(&'a mut [Parameter], Updates<'a>),
}

impl Gradients<'_> {
    /// The same for some of the arrays.
    pub(super) fn of(&mut self, range: Range<usize>) -> Gradients<'_> {
        match self {
            Self::Kept(parameters, gradients) => {
                Gradients::Kept(&parameters[range.clone()], &mut gradients[range])
            }
            Self::Applied(parameters, (steps, slots)) => {
                let updates = (&steps[range.clone()], &mut slots[range.clone()]);
                Gradients::Applied(&mut parameters[range], updates)
            }
        }
    }

    /// The values of an array before its update.
    pub(super) fn value(&self, number: usize) -> &[f32] {
        match self {
            Self::Kept(parameters, _) => &parameters[number].value,
            Self::Applied(parameters, _) => &parameters[number].value,
        }
    }

    /// Takes the gradient of an array without a penalty.
    pub(super) fn take(&mut self, number: usize, gradient: &[f32], threads: &Threads) {
        match self {
            Self::Kept(_, gradients) => gradient.clone_into(&mut gradients[number]),
            Self::Applied(parameters, (steps, slots)) => {
                let slots = slots[number].each_mut().map(Vec::as_mut_slice);
                let value = &mut parameters[number].value;
                compute::update(&steps[number], gradient, value, slots, threads);
            }
        }
    }

    /// Takes the gradient A·B + 2 λ W of an array W with the penalty λ Σ w².
    pub(super) fn take_product(&mut self, number: usize, a: MatRef, b: MatRef, threads: &Threads) {
        match self {
            Self::Kept(parameters, gradients) => {
                let (w, gradient) = (&parameters[number], &mut gradients[number]);
                gradient.resize(w.value.len(), 0.0);
                let penalize = |row: usize, column: usize, part: &mut [f32]| {
                    if w.l2 > 0.0 {
                        let values = &w.value[row * w.shape[1] + column..];
                        compute::add_penalty(w.l2, values, part);
                    }
                };
                compute::product(a, b, gradient, threads, penalize);
            }
            Self::Applied(parameters, (steps, slots)) => {
                let w = &mut parameters[number];
                let slots = slots[number].each_mut().map(Vec::as_mut_slice);
                let step = &steps[number];
                compute::update_by_product(step, a, b, w.l2, &mut w.value, slots, threads);
            }
        }
    }
}
