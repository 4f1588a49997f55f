//! A long training takes no more memory, files, threads or time for its last epochs than for its first.
#![cfg(target_os = "linux")]

mod common;

use std::fs;

use common::{quiet, sample};
use lab_core::prelude::*;

/// A number of `/proc/self/status`: `VmHWM` is the most memory so far in kB.
fn status(key: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Memory, open files and threads.
fn taken() -> (f64, usize, f64) {
    (
        status("VmHWM"),
        fs::read_dir("/proc/self/fd").unwrap().count(),
        status("Threads"),
    )
}

/// Notes what is taken after some epochs of a training.
struct Note {
    after: usize,
    taken: std::rc::Rc<std::cell::Cell<(f64, usize, f64)>>,
}

impl Callback for Note {
    fn on_epoch_end(&mut self, record: &EpochRecord, _: &mut Control<'_>) -> Result<()> {
        if record.epoch == self.after {
            self.taken.set(taken());
        }
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `LAB_EPOCHS` of them, and 150 where nothing is said.
#[test]
fn memory_files_threads_and_seconds_stay_the_same_for_a_thousand_epochs() {
    let epochs: usize = std::env::var("LAB_EPOCHS").map_or(150, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let noted = std::rc::Rc::default();
    let before = taken();
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(64, Activation::Elu)
        .batch_norm()
        .dropout(0.3)
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    let mut trainer = quiet(Adam::new(1e-4))
        .epochs(epochs)
        .batch_size(64)
        .augmentation(Augmentation::new().horizontal_flip(0.5))
        .callback(
            EarlyStopping::on_val_loss()
                .patience(epochs)
                .restore_best_weights(),
        )
        .callback(CsvLogger::new(folder.path().join("history.csv")))
        .callback(Note {
            after: 50,
            taken: std::rc::Rc::clone(&noted),
        })
        .checkpoint(folder.path(), 1);
    let history = trainer
        .fit(&mut model, &sample().train, &sample().test)
        .unwrap();
    drop(trainer);
    assert_eq!(history.epochs.len(), epochs);

    let ((memory, files, threads), (memory_at_50, ..)) = (taken(), noted.get());
    assert!(
        memory <= 1.05 * memory_at_50,
        "{memory_at_50} kB after epoch 50, {memory} kB after epoch {epochs}"
    );
    assert_eq!(
        (files, threads),
        (before.1, before.2),
        "open files and threads, as before the training"
    );
    // The middle of the first and of the last third: the machine may be busy for a while.
    let seconds = |part: &[EpochRecord]| median(part.iter().map(|record| record.seconds).collect());
    let (first, last) = (
        seconds(&history.epochs[..epochs / 3]),
        seconds(&history.epochs[2 * epochs / 3..]),
    );
    assert!(
        last <= 2.0 * first,
        "{first} s an epoch at first, {last} s at last"
    );
    println!(
        "counted: {epochs} epochs in one training; memory {memory_at_50} kB after 50 and {memory} kB after all"
    );
}
