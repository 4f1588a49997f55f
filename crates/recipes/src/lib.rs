//! The rungs of the ladder: networks that get further than the original lab's, each with its recipe in one readable file.
//!
//! | file | the network |
//! |---|---|
//! | [`mlp`] | dense layers alone |
//! | [`patches`] | filters that are pieces of the training images; only the last layer is trained |
//! | [`convolution`] | convolutional networks for a given time |
//!
//! [`Preset`] names them for `cargo lab train --preset …`; a notebook takes the parts that it wants to show.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod convolution;
pub mod mlp;
pub mod patches;

use lab_core::data::Dataset;
use lab_core::model::{Architecture, Sequential};
use lab_core::training::Trainer;
use lab_core::{Result, Seed};
use serde::{Deserialize, Serialize};

use convolution::Convolution;
use patches::Patches;

/// A network with its own way of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Dense layers alone, with mirrored and shifted images: 68 % of the test images in about ten minutes
    Mlp,
    /// 1,000 patches of the training images as filters, and one trained layer: 76 % in about five minutes
    Patches,
    /// Six convolutions: 90 % in about seven minutes
    Coffee,
    /// The same with more filters, and longer: 93 %, with test-time flips, in about 17 minutes
    Lunch,
    /// The same with most filters, for the longest time: 94 %, with test-time flips, in about 25 minutes
    Hour,
}

impl Preset {
    /// The whole network.
    pub fn architecture(self) -> Architecture {
        match self {
            Self::Mlp => mlp::architecture(),
            Self::Patches => Patches::FULL.architecture(),
            Self::Coffee => Convolution::COFFEE.architecture(),
            Self::Lunch => Convolution::LUNCH.architecture(),
            Self::Hour => Convolution::HOUR.architecture(),
        }
    }

    /// How the network is trained.
    pub fn trainer(self, seed: Seed) -> Trainer {
        match self {
            Self::Mlp => mlp::trainer(seed),
            Self::Patches => Patches::FULL.trainer(seed),
            Self::Coffee => Convolution::COFFEE.trainer(seed),
            Self::Lunch => Convolution::LUNCH.trainer(seed),
            Self::Hour => Convolution::HOUR.trainer(seed),
        }
    }

    /// Fills the layers that are not trained with filters made from the training images.
    ///
    /// # Errors
    /// Where the network is another one, or there are too few images.
    pub fn fill(self, model: &mut Sequential, train: &Dataset, seed: Seed) -> Result<()> {
        match self {
            Self::Mlp => Ok(()),
            Self::Patches => Patches::FULL.fill(model, train, seed),
            Self::Coffee | Self::Lunch | Self::Hour => convolution::whiten(model, train),
        }
    }
}
