//! One training on many machines, with the same bits on 1, 2, 4, 8 and 16 of them.
//!
//! Every batch is cut into [`SHARDS`] parts of equal size, the shards, whatever the number of ranks (processes that train
//! together). Each rank computes the gradients of its shards, and all gradients are added in one fixed binary tree. A
//! floating-point sum depends on its order alone, so the weights are equal to the last bit on every number of ranks.
//!
//! | what | how it stays independent of the ranks |
//! |---|---|
//! | gradients | the mean over the shards, added in a fixed tree ([`sum`]) |
//! | batch normalization | each shard is normalized with its own mean and variance (*ghost batch normalization*, Hoffer, Hubara and Soudry, 2017); the running statistics take the means of the shards' over the same tree |
//! | dropout | the masks of a shard are drawn from the seed, the step and the shard's number |
//! | shuffling, augmentation | an image's place in the epoch determines both, as in [`Trainer::fit`](lab_core::training::Trainer::fit) |
//!
//! Steps see whole batches only: the images that are left over at the end of an epoch, fewer than a batch, sit out until
//! the next, which has another order.
//!
//! ```
//! use lab_cluster::{Channels, Single, Training, sha256};
//! use lab_core::prelude::*;
//! let config = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(2).batch_size(128).config().clone();
//! let training = Training { config, checkpoint: None, resume: false };
//! let (plan, train) = (Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax), Cifar10::sample().train);
//!
//! let mut alone = plan.clone().build(Seed(0))?;
//! let history = training.run(&Single, &mut alone, &train, &mut |_, _, _| ())?;
//! std::thread::scope(|threads| {
//!     for ranks in Channels::connect(2) {
//!         let mut model = plan.clone().build(Seed(0)).unwrap();
//!         let (training, train, alone) = (&training, &train, &alone);
//!         threads.spawn(move || {
//!             training.run(&ranks, &mut model, train, &mut |_, _, _| ()).unwrap();
//!             assert_eq!(sha256(&model), sha256(alone));
//!         });
//!     }
//! });
//! # assert_eq!(history.epochs.len(), 2);
//! # Ok::<(), LabError>(())
//! ```

#![warn(missing_docs)]

mod checkpoint;
mod communicator;
mod identity;
#[cfg(feature = "mpi")]
mod message_passing;
mod shards;
mod training;
mod tree;

pub use communicator::{Channels, Communicator, Single};
pub use identity::sha256;
#[cfg(feature = "mpi")]
pub use message_passing::Mpi;
pub use training::{Progress, Training};
pub use tree::sum;

/// Parts of equal size that every batch is cut into.
pub const SHARDS: usize = 16;
