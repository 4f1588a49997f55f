//! Dropout: while training, a share of the numbers is set to 0.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::layer::{Cache, Flow, Here, Mathematics, Parameter, Pass};
use super::learn::Learning;
use crate::error::{LabError, Result};
use crate::random::Purpose;

/// Numbers whose masks are drawn at a time.
const PIECE: usize = 4096;

/// Sets each number to 0 with probability `rate` while training and divides the others by 1 − rate, so that their mean
/// stays; does nothing otherwise (Srivastava et al., 2014).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dropout {
    rate: f32,
}

impl Dropout {
    /// `rate` from 0 to below 1; it is taken to the nearest 65,536th.
    pub fn new(rate: f32) -> Self {
        Self { rate }
    }
}

impl Mathematics for Dropout {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Dropout", "dropout")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        if !(0.0..1.0).contains(&self.rate) {
            let remedy = "0.5 drops half of the inputs";
            return Err(LabError::value(
                format!("{name}: rate"),
                self.rate.to_string(),
                "0 to below 1",
                remedy,
            ));
        }
        Ok(input.to_vec())
    }

    fn is_identity(&self, pass: &Pass<'_>) -> bool {
        pass.training.is_none() || self.rate == 0.0
    }

    /// a = x ⊙ mask / (1 − rate).
    fn forward(&self, here: Here<'_>, _: &[Parameter], cache: &mut Cache) {
        let (Some((seed, step)), threads) = (here.pass.training, here.pass.threads) else {
            return;
        };
        let stream = (here.place.number as u64) << 48 | step;
        let (threshold, kept) = (
            (self.rate * 65_536.0).round() as u32,
            1.0 / (1.0 - self.rate),
        );
        cache.kept.resize(here.input.len(), 0.0);
        cache.output.resize(here.input.len(), 0.0);
        // Two bytes of the stream decide on each number; every piece begins at its own place in the stream.
        threads.chunks(&mut cache.kept, PIECE, |piece, mask| {
            let mut generator = seed.generator(Purpose::Dropout, stream);
            generator.set_word_pos((piece * PIECE / 2) as u128);
            let mut bytes = [0; 2 * PIECE];
            generator.fill_bytes(&mut bytes);
            for (mask, bytes) in mask.iter_mut().zip(bytes.as_chunks().0) {
                *mask = if u32::from(u16::from_le_bytes(*bytes)) < threshold {
                    0.0
                } else {
                    kept
                };
            }
        });
        let masked = here.input.iter().zip(&cache.kept).map(|(x, mask)| x * mask);
        cache
            .output
            .iter_mut()
            .zip(masked)
            .for_each(|(a, masked)| *a = masked);
    }

    /// dx = da ⊙ mask / (1 − rate).
    fn backward(&self, _: Here<'_>, cache: &mut Cache, flow: &mut Flow, _: Learning<'_>) {
        flow.gradient
            .iter_mut()
            .zip(&cache.kept)
            .for_each(|(g, mask)| *g *= mask);
    }
}
