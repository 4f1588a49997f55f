//! What becomes of the gradients of the network's arrays on the way back.

use std::ops::Range;

use super::layer::Parameter;
use crate::compute::{self, MatRef, Step, Threads};

/// The arrays of a network or of one of its layers, and what becomes of their gradients.
pub(crate) enum Learning<'a> {
    /// They are written down; nothing changes.
    Noted {
        parameters: &'a [Parameter],
        /// One array for each of the parameters; empty for those that are not learnt.
        gradients: &'a mut [Vec<f32>],
    },
    /// Each changes its array as soon as it is known, and is not kept: less goes to memory and back.
    Applied {
        parameters: &'a mut [Parameter],
        steps: &'a [Step],
        slots: &'a mut [[Vec<f32>; 2]],
    },
}

impl Learning<'_> {
    /// The same for some of the arrays.
    pub(super) fn of(&mut self, range: Range<usize>) -> Learning<'_> {
        match self {
            Self::Noted {
                parameters,
                gradients,
            } => Learning::Noted {
                parameters: &parameters[range.clone()],
                gradients: &mut gradients[range],
            },
            Self::Applied {
                parameters,
                steps,
                slots,
            } => Learning::Applied {
                parameters: &mut parameters[range.clone()],
                steps: &steps[range.clone()],
                slots: &mut slots[range],
            },
        }
    }

    /// The array of this number, which its gradient may change: ask before it is known.
    pub(super) fn value(&self, number: usize) -> &[f32] {
        match self {
            Self::Noted { parameters, .. } => &parameters[number].value,
            Self::Applied { parameters, .. } => &parameters[number].value,
        }
    }

    /// Takes the gradient of an array without a penalty.
    pub(super) fn take(&mut self, number: usize, gradient: &[f32], threads: &Threads) {
        match self {
            Self::Noted { gradients, .. } => gradients[number].copy_from_slice(gradient),
            Self::Applied {
                parameters,
                steps,
                slots,
            } => {
                let slots = slots[number].each_mut().map(Vec::as_mut_slice);
                compute::update(
                    &steps[number],
                    gradient,
                    &mut parameters[number].value,
                    slots,
                    threads,
                );
            }
        }
    }

    /// Takes the gradient A·B + 2 λ W of an array W with the penalty λ Σ w².
    pub(super) fn take_product(
        &mut self,
        number: usize,
        a: MatRef<'_>,
        b: MatRef<'_>,
        threads: &Threads,
    ) {
        match self {
            Self::Noted {
                parameters,
                gradients,
            } => {
                let Parameter {
                    value, l2, shape, ..
                } = &parameters[number];
                compute::product(
                    a,
                    b,
                    &mut gradients[number],
                    threads,
                    |row, column, part| {
                        if *l2 > 0.0 {
                            compute::add_penalty(*l2, &value[row * shape[1] + column..], part);
                        }
                    },
                );
            }
            Self::Applied {
                parameters,
                steps,
                slots,
            } => {
                let Parameter { value, l2, .. } = &mut parameters[number];
                let slots = slots[number].each_mut().map(Vec::as_mut_slice);
                compute::update_by_product(&steps[number], a, b, *l2, value, slots, threads);
            }
        }
    }
}
