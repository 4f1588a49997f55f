//! Training: losses, optimizers, schedules, the loop, callbacks, history, evaluation.
//!
//! [`Trainer::fit`] is the loop. Each step goes forward, takes the loss, goes backward and updates the weights; the
//! formulas are Keras's, and `tests/` compares them with Keras's own numbers.

mod callback;
mod callbacks;
mod checkpoint;
mod evaluate;
mod fit;
mod history;
mod identity;
mod loss;
mod optimizer;
mod progress;
mod range_test;
mod schedule;
mod settings;
mod so_far;
mod step;
mod trainer;
mod warnings;

pub use callback::{Callback, CallbackState, Control};
pub use callbacks::{
    CsvLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint, Monitor, ReduceLrOnPlateau,
};
pub use checkpoint::Checkpoint;
pub use evaluate::Evaluation;
pub use history::{EpochRecord, History, Stopped};
pub use loss::{Loss, Targets};
pub use optimizer::{Adam, AdamW, Optimizer, RmsProp, Sgd};
pub use progress::{BatchRecord, EpochLines, Plan, Progress, Silent, epoch_line};
pub use range_test::RangeTest;
pub use schedule::Schedule;
pub use settings::Settings;
pub use trainer::Trainer;
