//! The figures that a reader can move in the notebooks' pages: `lab-core` as WebAssembly, behind plain functions.
//!
//! The page asks for [`room`], writes numbers there and calls [`answer`] with the place of a question in [`QUESTIONS`]. It
//! returns how many floats it has left at [`results`]: none where a question has no answer.

#![deny(unsafe_code)]

pub mod playground;
pub mod ten_layers;
pub mod valley;

use std::cell::RefCell;

use lab_core::Seed;
use lab_core::model::Activation::{self, Elu, Gelu, Linear, Relu, Sigmoid, Tanh};

use playground::Playground;
use ten_layers::INITIAL;
use valley::{OPTIMIZERS, Valley};

/// What can be asked; [`Lessons::answer`] says which numbers go with it.
pub const QUESTIONS: &str = "valley layers begin points train units";

/// Activations of hidden layers.
pub const ACTIVATIONS: [Activation; 6] = [Linear, Relu, Elu, Gelu, Tanh, Sigmoid];

/// What lives between two questions.
#[derive(Default)]
pub struct Lessons {
    playground: Option<Playground>,
    room: Vec<f32>,
    results: Vec<f32>,
}

std::thread_local! {
    static PAGE: RefCell<Lessons> = RefCell::default();
}

impl Lessons {
    /// The answer to a question. Optimizers, initial weights and activations are given by their places in [`OPTIMIZERS`],
    /// [`INITIAL`] and [`ACTIVATIONS`], points by three numbers each.
    ///
    /// - `valley`, optimizer, learning rate, curvature, angle, two weights, steps: [`Valley::descend`]
    /// - `layers`, activation, initial weights, scale, seed: [`ten_layers::pass`]
    /// - `begin`, layers, units, activation, learning rate, seed: [`Playground::new`] without points, and no answer
    /// - `points`, all points: they replace those before, and there is no answer
    /// - `train`, epochs: [`Playground::train`]
    /// - `units`, layer, side: [`Playground::units`]
    ///
    /// There is none to another question, or where its numbers mean nothing.
    pub fn answer(&mut self, question: &str, numbers: &[f32]) -> Option<Vec<f32>> {
        let count = |at: usize| numbers.get(at).map(|&number| number as usize);
        let activation = |at| ACTIVATIONS.get(count(at)?).copied();
        let (seed, playground) = (|seed| Seed(seed as u64), self.playground.as_mut());
        let answer = match (question, numbers) {
            ("valley", &[_, rate, steep, angle, x, y, _]) => {
                let optimizer = OPTIMIZERS.get(count(0)?)?(rate);
                Valley { steep, angle }.descend(optimizer, [x, y], count(6)?)
            }
            ("layers", &[_, _, scale, number]) => {
                let initial = INITIAL.get(count(1)?)?;
                ten_layers::pass(activation(0)?, initial, scale, seed(number))
            }
            ("begin", &[_, _, _, rate, number]) => {
                let plan = playground::network(count(0)?, count(1)?, activation(2)?);
                self.playground = Playground::new(plan, rate, seed(number)).ok();
                Ok(vec![])
            }
            ("points", all) => {
                let point = |point: &[f32; 3]| point.map(|number| number as u8);
                playground?.points = all.as_chunks().0.iter().map(point).collect();
                Ok(vec![])
            }
            ("train", _) => playground?.train(count(0)?),
            ("units", _) => playground?.units(count(0)?, count(1)?),
            _ => return None,
        };
        answer.ok()
    }
}

#[allow(unsafe_code, reason = "a page finds these by their names")]
mod exports {
    use super::{PAGE, QUESTIONS};

    /// Room for this many numbers, which the page may write until the next call.
    #[unsafe(no_mangle)]
    pub extern "C" fn room(numbers: usize) -> *mut f32 {
        PAGE.with_borrow_mut(|page| {
            page.room = vec![0.0; numbers];
            page.room.as_mut_ptr()
        })
    }

    /// Answers a question about the numbers in the room.
    #[unsafe(no_mangle)]
    pub extern "C" fn answer(question: usize) -> usize {
        PAGE.with_borrow_mut(|page| {
            let question = QUESTIONS.split(' ').nth(question).unwrap_or_default();
            let numbers = std::mem::take(&mut page.room);
            let answer = page.answer(question, &numbers);
            page.results = answer.unwrap_or_default();
            page.results.len()
        })
    }

    /// The floats of the last answer.
    #[unsafe(no_mangle)]
    pub extern "C" fn results() -> *const f32 {
        PAGE.with_borrow(|page| page.results.as_ptr())
    }
}

pub use exports::*;
