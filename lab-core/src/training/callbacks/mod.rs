//! The usual callbacks: stop early, keep the best weights, change the learning rate, write a log.

mod early_stopping;
mod files;
mod learning_rate;
mod monitor;

pub use early_stopping::EarlyStopping;
pub use files::{CsvLogger, ModelCheckpoint};
pub use learning_rate::{LearningRateScheduler, ReduceLrOnPlateau};
pub use monitor::Monitor;
