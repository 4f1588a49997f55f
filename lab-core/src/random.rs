//! Seeds, the named random streams that come from them, and draws whose values stay the same for ever: they are written
//! out here, so that no update of a crate changes them.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// A seed of random numbers: the same seed gives the same numbers on every machine.
///
/// ```
/// use lab_core::prelude::*;
/// let cifar = Cifar10::sample();
/// let (a, _) = cifar.train.split(0.8, Seed(42))?;
/// let (b, _) = cifar.train.split(0.8, Seed(42))?;
/// assert_eq!(a.labels(), b.labels());
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// What random numbers are drawn for: one seed gives an independent stream for each purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Split = 1,
    Shuffle = 2,
    Augment = 3,
    Initialize = 4,
    Dropout = 5,
    FirstFlip = 6,
}

impl Seed {
    /// ChaCha with 8 rounds, keyed by this seed and the purpose; `stream` numbers the independent sequences
    /// (one for each epoch, layer, image, …).
    pub(crate) fn generator(self, purpose: Purpose, stream: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        key[8] = purpose as u8;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(stream);
        generator
    }
}

/// A number from [0, 1), of 53 random bits.
pub(crate) fn unit(generator: &mut impl Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A whole number from 0 to `end - 1`, each equally likely.
///
/// The draw is the upper half of `random × end`; the few random words that would make some results more likely than
/// others are thrown away (Lemire, *Fast Random Integer Generation in an Interval*, 2019).
pub(crate) fn below(generator: &mut impl Rng, end: u32) -> u32 {
    let surplus = end.wrapping_neg() % end;
    loop {
        let product = u64::from(generator.next_u32()) * u64::from(end);
        if product as u32 >= surplus {
            return (product >> 32) as u32;
        }
    }
}

/// Puts `items` into random order, each order equally likely (Fisher and Yates): from the last place to the second,
/// each place swaps with itself or one before it.
pub(crate) fn shuffle(items: &mut [u32], generator: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(generator, last as u32 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statistic Σ(count − expected)²/expected.
    fn chi_squared(counts: &[u32]) -> f64 {
        let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        counts
            .iter()
            .map(|&count| (f64::from(count) - expected).powi(2) / expected)
            .sum()
    }

    #[test]
    fn every_order_of_four_is_equally_likely() {
        let mut generator = Seed(1).generator(Purpose::Shuffle, 0);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut generator);
            *counts.entry(items).or_insert(0) += 1;
        }
        let counts: Vec<u32> = counts.into_values().collect();
        assert_eq!(counts.len(), 24);
        // 23 degrees of freedom: above 49.7 with probability 0.001.
        assert!(chi_squared(&counts) < 49.7, "{}", chi_squared(&counts));
    }

    #[test]
    fn draws_below_a_bound_have_no_bias_even_where_it_hardly_divides_the_range() {
        let mut generator = Seed(2).generator(Purpose::Shuffle, 0);
        let end = 3 << 30;
        let mut counts = [0; 3];
        (0..30_000).for_each(|_| counts[(below(&mut generator, end) >> 30) as usize] += 1);
        // 2 degrees of freedom: above 13.8 with probability 0.001. Without rejection one third would get half of all.
        assert!(chi_squared(&counts) < 13.8, "{counts:?}");
    }

    #[test]
    fn unit_draws_fill_the_unit_interval() {
        let mut generator = Seed(3).generator(Purpose::Shuffle, 0);
        let draws: Vec<f64> = (0..10_000).map(|_| unit(&mut generator)).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        let mean = draws.iter().sum::<f64>() / 10_000.0;
        assert!(
            (mean - 0.5).abs() < 4.0 / (12.0f64 * 10_000.0).sqrt(),
            "{mean}"
        );
    }
}
