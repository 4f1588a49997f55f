//! Seeds, and the named random streams that come from them.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// The seed of everything random in one place: the same seed gives the same numbers on every machine.
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

/// What random numbers are drawn for, so that one seed gives streams that have nothing to do with each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Split = 1,
    Shuffle = 2,
    Augment = 3,
    Initialize = 4,
    Dropout = 5,
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
