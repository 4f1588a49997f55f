//! A training that is interrupted and goes on is the same training: the same weights bit for bit, the same history.

mod common;

use std::fs;
use std::path::Path;

use common::{Bits, assert_says, bits, message, numbers, quiet, sample, small_plan};
use lab_core::prelude::*;

const IMAGES: usize = 200;
const BATCH: usize = 32;
const STEPS: usize = IMAGES.div_ceil(BATCH);

fn data() -> (Dataset, Dataset) {
    (sample().train.take(IMAGES), sample().test.take(60))
}

/// A network in which everything remembers something: moving averages, masks that depend on the step.
fn plan() -> Architecture {
    Sequential::new([32, 32, 3])
        .flatten()
        .layer(Dense::new(12, Activation::Elu).l2(0.001))
        .batch_norm()
        .dropout(0.4)
        .dense(10, Activation::Softmax)
}

/// Interrupts a training in each of these steps, counted from 0 over all epochs.
struct Interrupt(Vec<usize>);

impl Callback for Interrupt {
    fn on_batch_end(&mut self, record: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        if self
            .0
            .contains(&((record.epoch - 1) * STEPS + record.batch - 1))
        {
            control.interrupt();
        }
        Ok(())
    }
}

/// A training with all that a checkpoint must keep.
fn trainer(optimizer: impl Into<Optimizer>, folder: &Path, interrupted: &[usize]) -> Trainer {
    quiet(optimizer)
        .epochs(6)
        .batch_size(BATCH)
        .seed(Seed(5))
        .schedule(Schedule::Exponential { factor: 0.9 })
        .augmentation(Augmentation::new().horizontal_flip(0.5).rotation(10.0))
        .label_smoothing(0.1)
        .callback(ReduceLrOnPlateau::on_val_loss().factor(0.5).patience(1))
        .callback(
            EarlyStopping::on_val_loss()
                .patience(6)
                .restore_best_weights(),
        )
        .callback(ModelCheckpoint::best(
            folder.join("best.safetensors"),
            Monitor::ValAccuracy,
        ))
        .callback(CsvLogger::new(folder.join("history.csv")))
        .callback(Interrupt(interrupted.to_vec()))
        .checkpoint(folder.join("checkpoints"), 2)
}

fn optimizers() -> [Optimizer; 5] {
    [
        Sgd::new(0.01).into(),
        Sgd::new(0.01).momentum(0.9).nesterov().into(),
        RmsProp::new(0.003).momentum(0.5).into(),
        Adam::new(0.01).into(),
        AdamW::new(0.01).into(),
    ]
}

/// Goes on until the training is done, each time as a new process would: with a new trainer and the network as it was at
/// the beginning.
fn through_interruptions(
    optimizer: Optimizer,
    folder: &Path,
    interrupted: &[usize],
) -> (Bits, History) {
    let (train, validation) = data();
    for left in (0..=interrupted.len()).rev() {
        let now = &interrupted[interrupted.len() - left..];
        let mut model = plan().build(Seed(3)).unwrap();
        let history = trainer(optimizer, folder, now)
            .resume()
            .fit(&mut model, &train, &validation)
            .unwrap();
        match now.first() {
            None => return (bits(&model), history),
            Some(step) => {
                let at = Stopped::Interrupted {
                    epoch: step / STEPS + 1,
                    step: step % STEPS + 1,
                };
                assert_eq!(history.stopped, at);
            }
        }
    }
    unreachable!("the last time nothing interrupts")
}

#[test]
fn a_training_that_is_interrupted_anywhere_ends_with_the_same_bits() {
    let (train, validation) = data();
    for optimizer in optimizers() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = plan().build(Seed(3)).unwrap();
        let whole = trainer(optimizer, folder.path(), &[])
            .fit(&mut model, &train, &validation)
            .unwrap();
        let best = Sequential::load(folder.path().join("best.safetensors")).unwrap();
        // The first step, the last of an epoch, the middle of one, two in a row, the last of all.
        for interrupted in [
            &[0][..],
            &[6],
            &[10],
            &[15, 16],
            &[3, 13, 20, 27],
            &[6 * STEPS - 1],
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (weights, history) = through_interruptions(optimizer, folder.path(), interrupted);
            assert_eq!(
                weights,
                bits(&model),
                "{optimizer}, interrupted in {interrupted:?}"
            );
            assert_eq!(numbers(&history), numbers(&whole));
            assert_eq!(history.stopped, whole.stopped);
            let logged = History::from_csv(folder.path().join("history.csv")).unwrap();
            assert_eq!(numbers(&logged), numbers(&whole), "the log goes on too");
            let again = Sequential::load(folder.path().join("best.safetensors")).unwrap();
            assert_eq!(bits(&again), bits(&best));
        }
    }
}

#[test]
fn a_training_that_ended_early_does_not_go_on() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let stopping = |epochs| {
        quiet(Adam::new(0.0))
            .epochs(epochs)
            .callback(
                EarlyStopping::on_val_loss()
                    .patience(2)
                    .restore_best_weights(),
            )
            .checkpoint(folder.path(), 1)
    };
    let mut model = plan().build(Seed(3)).unwrap();
    let first = stopping(20).fit(&mut model, &train, &validation).unwrap();
    assert!(matches!(first.stopped, Stopped::Early { .. }));
    assert!(
        Checkpoint::find(folder.path())
            .unwrap()
            .unwrap()
            .is_finished()
    );
    let mut again = plan().build(Seed(3)).unwrap();
    let second = stopping(30)
        .resume()
        .fit(&mut again, &train, &validation)
        .unwrap();
    assert_eq!(
        (bits(&again), second),
        (bits(&model), first),
        "the seconds too: nothing was trained"
    );
}

#[test]
fn more_epochs_are_trained_where_the_schedule_lets_them() {
    let (train, validation) = data();
    let train_for = |epochs: usize, schedule: &str, folder: &Path| {
        let mut model = plan().build(Seed(3)).unwrap();
        let mut trainer = quiet(Adam::new(0.01))
            .epochs(epochs)
            .schedule(schedule.parse().unwrap());
        trainer = trainer.checkpoint(folder, 1).resume();
        trainer
            .fit(&mut model, &train, &validation)
            .map(|history| (bits(&model), numbers(&history)))
    };
    for schedule in [
        "constant",
        "step=2:0.5",
        "exponential=0.9",
        "warmup=2,exponential",
    ] {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        train_for(3, schedule, folder.path()).unwrap();
        assert_eq!(
            train_for(5, schedule, folder.path()).unwrap(),
            train_for(5, schedule, other.path()).unwrap()
        );
        assert_says(
            train_for(4, schedule, folder.path()),
            &["5 epochs done", "at most 4"],
        );
    }
    for schedule in ["cosine", "one-cycle", "warmup=1,cosine"] {
        let folder = tempfile::tempdir().unwrap();
        train_for(3, schedule, folder.path()).unwrap();
        assert_says(
            train_for(5, schedule, folder.path()),
            &["schedule is", "over 3 epochs", "over 5 epochs"],
        );
    }
}

#[test]
fn a_checkpoint_of_another_training_is_refused_with_the_difference() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let common = || {
        quiet(Sgd::new(0.01).momentum(0.9))
            .epochs(2)
            .batch_size(BATCH)
            .checkpoint(folder.path(), 1)
            .resume()
    };
    let start = || small_plan().build(Seed(3)).unwrap();
    common().fit(&mut start(), &train, &validation).unwrap();
    let with = |optimizer: Optimizer| {
        quiet(optimizer)
            .epochs(2)
            .batch_size(BATCH)
            .checkpoint(folder.path(), 1)
            .resume()
    };
    let wide = Sequential::new([32, 32, 3])
        .flatten()
        .dense(13, Activation::Elu)
        .dense(10, Activation::Softmax);
    let mut moved = train.labels();
    moved[7] = (moved[7] + 1) % 10;
    let relabelled = Dataset::new(train.images(), moved, train.class_names().to_vec()).unwrap();
    let standardized = Normalization::standardize(&train).unwrap();
    let (brighter, brighter_validation) = (
        train
            .clone()
            .with_normalization(standardized.clone())
            .unwrap(),
        validation.clone().with_normalization(standardized).unwrap(),
    );
    for (mut trainer, mut model, train, validation, words) in [
        (
            common().seed(Seed(1)),
            start(),
            &train,
            &validation,
            "seed is 0",
        ),
        (
            common().batch_size(16),
            start(),
            &train,
            &validation,
            "batch size is 32",
        ),
        (
            common().label_smoothing(0.5),
            start(),
            &train,
            &validation,
            "label smoothing is 0",
        ),
        (
            common().global_clip_norm(1.0),
            start(),
            &train,
            &validation,
            "global clip norm is null",
        ),
        (
            common().class_weights(vec![2.0; 10]),
            start(),
            &train,
            &validation,
            "weights of classes and examples",
        ),
        (
            common().schedule(Schedule::Step {
                every: 2,
                factor: 0.5,
            }),
            start(),
            &train,
            &validation,
            "schedule is \"constant\"",
        ),
        (
            common().augmentation(Augmentation::new().shift(0.1)),
            start(),
            &train,
            &validation,
            "augmentation is null",
        ),
        (
            common().callback(EarlyStopping::on_val_loss()),
            start(),
            &train,
            &validation,
            "callbacks is []",
        ),
        (
            with(Sgd::new(0.02).momentum(0.9).into()),
            start(),
            &train,
            &validation,
            "optimizer: learning_rate is 0.01",
        ),
        (
            with(Sgd::new(0.01).momentum(0.8).into()),
            start(),
            &train,
            &validation,
            "optimizer: momentum is 0.9",
        ),
        (
            with(Adam::new(0.01).into()),
            start(),
            &train,
            &validation,
            "optimizer",
        ),
        (
            common(),
            wide.build(Seed(3)).unwrap(),
            &train,
            &validation,
            "network",
        ),
        (
            common(),
            small_plan().build(Seed(4)).unwrap(),
            &train,
            &validation,
            "weights at the start",
        ),
        (
            common(),
            start(),
            &train.take(199),
            &validation,
            "training data: ",
        ),
        (
            common(),
            start(),
            &relabelled,
            &validation,
            "training data: content",
        ),
        (
            common(),
            start(),
            &brighter,
            &brighter_validation,
            "training data: content",
        ),
        (
            common(),
            start(),
            &train,
            &validation.take(59),
            "validation data: ",
        ),
    ] {
        let before = bits(&model);
        let text = message(trainer.fit(&mut model, train, validation));
        for word in [
            words,
            "checkpoint of another training",
            "what to do: give the same options",
        ] {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
        assert_eq!(bits(&model), before, "{words}: nothing is changed");
    }
    // The same once more, on another number of threads, is the same training.
    assert_eq!(
        common()
            .threads(1)
            .fit(&mut start(), &train, &validation)
            .unwrap()
            .epochs
            .len(),
        2
    );
}

#[test]
fn without_being_asked_nothing_goes_on_and_nothing_further_on_is_lost() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let at = || {
        Checkpoint::find(folder.path().join("checkpoints"))
            .unwrap()
            .unwrap()
            .to_string()
    };
    let run = |interrupted: &[usize], seed| {
        let mut model = plan().build(Seed(3)).unwrap();
        trainer(Adam::new(0.01), folder.path(), interrupted)
            .seed(seed)
            .fit(&mut model, &train, &validation)
            .unwrap()
    };
    assert_eq!(run(&[30], Seed(5)).epochs.len(), 4);
    assert_eq!(at(), "a checkpoint after step 3 of epoch 5 of 6");
    // The same training from the beginning comes to the same place, so the checkpoint is one of it already.
    assert_eq!(run(&[16], Seed(5)).epochs.len(), 2, "it began anew");
    assert_eq!(at(), "a checkpoint after step 3 of epoch 5 of 6");
    // Another training is not on that way.
    assert_eq!(run(&[16], Seed(6)).epochs.len(), 2);
    assert_eq!(at(), "a checkpoint after step 3 of epoch 3 of 6");
    assert_eq!(run(&[], Seed(6)).epochs.len(), 6);
    assert_eq!(at(), "a checkpoint after epoch 6 of 6");
}

#[test]
fn where_there_is_no_checkpoint_resuming_begins() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    assert!(Checkpoint::find(folder.path()).unwrap().is_none());
    let mut trainer = quiet(Adam::new(0.01))
        .epochs(2)
        .checkpoint(folder.path().join("new/folder"), 1)
        .resume();
    let history = trainer
        .fit(&mut plan().build(Seed(3)).unwrap(), &train, &validation)
        .unwrap();
    assert_eq!(history.epochs.len(), 2);
}

#[test]
fn a_second_fit_of_the_same_trainer_has_checkpoints_of_its_own() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let twice = |interrupted: Vec<usize>| {
        let mut model = plan().build(Seed(3)).unwrap();
        let mut trainer = quiet(Adam::new(0.01))
            .epochs(2)
            .batch_size(BATCH)
            .callback(Interrupt(interrupted));
        trainer = trainer.checkpoint(folder.path(), 1);
        trainer.fit(&mut model, &train, &validation).unwrap();
        trainer.fit(&mut model, &train, &validation).unwrap();
        bits(&model)
    };
    twice(vec![]);
    // What is there is a checkpoint of the second fit: the first one cannot go on from it.
    let mut trainer = quiet(Adam::new(0.01))
        .epochs(2)
        .batch_size(BATCH)
        .checkpoint(folder.path(), 1)
        .resume();
    let error = trainer.fit(&mut plan().build(Seed(3)).unwrap(), &train, &validation);
    assert_says(error, &["epochs before is 2"]);
}

#[test]
fn a_damaged_checkpoint_is_refused_and_changes_nothing() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let common = || {
        quiet(Adam::new(0.01))
            .epochs(3)
            .batch_size(BATCH)
            .checkpoint(folder.path(), 1)
    };
    common()
        .fit(
            &mut small_plan().build(Seed(3)).unwrap(),
            &train,
            &validation,
        )
        .unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let whole = fs::read(&path).unwrap();
    let start = bits(&small_plan().build(Seed(3)).unwrap());
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let mut model = small_plan().build(Seed(3)).unwrap();
        let result = common().resume().fit(&mut model, &train, &validation);
        assert_says(result, &["checkpoint.safetensors"]);
        assert_eq!(bits(&model), start, "{what}");
    };
    for length in [0, 1, 7, 8, 100, 1000, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..length], "cut off");
    }
    let text = String::from_utf8_lossy(&whole[..4000]).into_owned();
    // Each keeps the length, which the header says.
    for (from, to) in [
        ("optimizer.0.dense.kernel", "optimizer.9.dense.kernel"),
        ("model.dense_1.bias", "model.dense_7.bias"),
        ("\\\"stopped\\\"", "\\\"stapped\\\""),
        ("\\\"seed\\\":0", "\\\"seed\\\":1"),
        ("finished", "funished"),
    ] {
        let at = text
            .find(from)
            .unwrap_or_else(|| panic!("no {from} in the header"));
        let mut damaged = whole.clone();
        damaged[at..at + to.len()].copy_from_slice(to.as_bytes());
        refused(&damaged, from);
    }
    // Who does not resume is not held up by it.
    fs::write(&path, b"nothing").unwrap();
    common()
        .fit(
            &mut small_plan().build(Seed(3)).unwrap(),
            &train,
            &validation,
        )
        .unwrap();
    assert!(
        Checkpoint::find(folder.path())
            .unwrap()
            .unwrap()
            .is_finished()
    );
}

#[test]
fn numbers_that_are_not_finite_are_kept() {
    let (train, validation) = data();
    let run = |folder: &Path, interrupted: &[usize]| {
        let mut model = small_plan().build(Seed(3)).unwrap();
        let mut trainer = quiet(Sgd::new(1e20))
            .epochs(2)
            .batch_size(BATCH)
            .stop_on_divergence(false);
        trainer = trainer
            .callback(Interrupt(interrupted.to_vec()))
            .checkpoint(folder, 1)
            .resume();
        let history = trainer.fit(&mut model, &train, &validation).unwrap();
        (
            history
                .epochs
                .iter()
                .map(|record| record.loss.is_nan())
                .collect::<Vec<_>>(),
            history.stopped,
        )
    };
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[9]);
    assert_eq!(
        run(folder.path(), &[]),
        (vec![true, true], Stopped::Finished)
    );
}

#[test]
fn wrong_options_are_named() {
    let model = || small_plan().build(Seed(3)).unwrap();
    let (train, _) = data();
    assert_says(
        quiet(Adam::new(0.01))
            .checkpoint("x", 0)
            .fit(&mut model(), &train, None),
        &["every", "found 0"],
    );
    assert_says(
        quiet(Adam::new(0.01))
            .resume()
            .fit(&mut model(), &train, None),
        &[".checkpoint(folder, every)"],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_says(
        quiet(Adam::new(0.01))
            .checkpoint(&file, 1)
            .fit(&mut model(), &train, None),
        &["file", "write"],
    );
}
