//! Dropout: while training, a random part of the inputs is set to 0.

use rand::Rng;

use super::*;

/// Elements whose masks are drawn at a time.
const PIECE: usize = 4096;

/// Sets each input to 0 with probability `rate` while training and divides the others by 1 − rate, which keeps the
/// expected value; does nothing otherwise (Srivastava et al., 2014).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dropout {
    rate: f32,
}

impl Dropout {
    /// `rate` from 0 to below 1; rounded to the nearest 65,536th.
    pub fn new(rate: f32) -> Self {
        Self { rate }
    }
}

impl Layer for Dropout {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Dropout", "dropout")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        let remedy = "0.5 drops half of the inputs";
        check_range(format!("{name}: rate"), self.rate, 0.0..1.0, remedy)?;
        Ok(input.to_vec())
    }

    fn is_identity(&self, mode: Mode) -> bool {
        mode == Mode::Inference || self.rate == 0.0
    }

    /// a = x ⊙ mask / (1 − rate).
    fn forward(&self, context: Context<'_>, _: &[Parameter], cache: &mut Cache) {
        let (input, Mode::Training { seed, step }) = (context.pass.input, context.pass.mode) else {
            return;
        };
        let stream = (context.spec.number as u64) << 48 | step;
        let threshold = (self.rate * 65_536.0).round() as u32;
        let scale = 1.0 / (1.0 - self.rate);
        cache.kept.resize(input.len(), 0.0);
        // Two random bytes decide on each element; every piece begins at its own position in the stream.
        let threads = context.pass.threads;
        threads.chunks(&mut cache.kept, PIECE, |piece, mask| {
            let mut generator = seed.generator(Purpose::Dropout, stream);
            generator.set_word_pos((piece * PIECE / 2) as u128);
            let mut bytes = [0; 2 * PIECE];
            generator.fill_bytes(&mut bytes);
            for (mask, bytes) in mask.iter_mut().zip(bytes.as_chunks().0) {
                let dropped = u32::from(u16::from_le_bytes(*bytes)) < threshold;
                *mask = if dropped { 0.0 } else { scale };
            }
        });
        let masked = input.iter().zip(&cache.kept).map(|(x, mask)| x * mask);
        cache.output.clear();
        cache.output.extend(masked);
    }

    /// dx = da ⊙ mask / (1 − rate).
    fn backward(&self, _: Context<'_>, cache: &mut Cache, back: &mut Backward, _: Gradients<'_>) {
        let masked = back.gradient.iter_mut().zip(&cache.kept);
        masked.for_each(|(g, mask)| *g *= mask);
    }
}
