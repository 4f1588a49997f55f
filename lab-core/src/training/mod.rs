//! Training: losses, optimizers, schedules, the loop, callbacks, history, evaluation.
//!
//! [`Trainer::fit`] is the loop. Each step runs a batch forward, takes the loss, runs backward and updates the weights;
//! the formulas are Keras's, and `tests/` compares them with Keras's own numbers. The same step by hand stands at
//! [`Sequential::forward`](crate::model::Sequential::forward).

mod callback;
mod callbacks;
mod checkpoint;
mod config;
mod early_stopping;
mod evaluate;
mod fit;
mod history;
mod learner;
mod loss;
mod optimizer;
mod optimizer_state;
mod range_test;
mod schedule;
mod targets;
mod trainer;
mod warnings;

pub use callback::{BatchRecord, Callback, Control, Plan};
pub use callbacks::{CsvLogger, EpochLines, Silent, epoch_line};
pub use checkpoint::Checkpoint;
pub use config::TrainingConfig;
pub use early_stopping::{EarlyStopping, ReduceLrOnPlateau};
pub use evaluate::Evaluation;
pub use history::{EpochRecord, History, Stopped};
pub use loss::Loss;
pub use optimizer::{Adam, AdamW, Optimizer, RmsProp, Sgd};
pub use optimizer_state::OptimizerState;
pub use range_test::RangeTest;
pub use schedule::Schedule;
pub use targets::Targets;
pub use trainer::{AddTo, Trainer};
