//! A training that is interrupted and resumes is the same training: the same weights bit for bit, the same history.

mod common;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use common::{Bits, assert_says, bits, message, numbers, quiet, sample, small_plan};
use lab_core::prelude::*;

const IMAGES: usize = 200;
const BATCH: usize = 32;
const STEPS: usize = IMAGES.div_ceil(BATCH);
const EPOCHS: usize = 6;

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

/// How a training comes to its end too early.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// It is interrupted, and says so.
    Interrupted,
    /// Everything is dropped without a word, as near to a killed process as a test comes in its own.
    Panics,
    /// The process is gone.
    Aborts,
}

/// Ends a training in this step, counted from 0 over all epochs.
struct EndIn(Option<usize>, End);

impl Callback for EndIn {
    fn on_batch_end(&mut self, record: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        if self.0 == Some((record.epoch - 1) * STEPS + record.batch - 1) {
            match self.1 {
                End::Interrupted => control.interrupt(),
                End::Panics => std::panic::resume_unwind(Box::new("killed")),
                End::Aborts => std::process::abort(),
            }
        }
        Ok(())
    }
}

/// A training with all that a checkpoint must keep.
fn trainer(optimizer: impl Into<Optimizer>, folder: &Path, every: usize) -> Trainer {
    let stopping = EarlyStopping::on_val_loss().patience(EPOCHS);
    quiet(optimizer)
        .epochs(EPOCHS)
        .batch_size(BATCH)
        .seed(Seed(5))
        .schedule(Schedule::Exponential { factor: 0.9 })
        .augmentation(Augmentation::new().horizontal_flip(0.5).rotation(10.0))
        .label_smoothing(0.1)
        .callback(ReduceLrOnPlateau::on_val_loss().factor(0.5).patience(1))
        .callback(stopping.restore_best_weights())
        .callback(CsvLogger::new(folder.join("history.csv")))
        .checkpoint(folder.join("checkpoints"), every)
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

/// How many epochs the checkpoint in a folder has; 0 without one.
fn saved(folder: &Path) -> usize {
    let found = Checkpoint::find(folder.join("checkpoints")).unwrap();
    found.map_or(0, |checkpoint| checkpoint.epochs())
}

/// Resumes until the training is done, each time as a new process would: with a new trainer and the network as it was
/// at the beginning.
fn through_ends(
    trainer: impl Fn() -> Trainer,
    folder: &Path,
    every: usize,
    ends: &[usize],
    end: End,
) -> (Bits, History) {
    let (train, validation) = data();
    for &step in ends {
        let mut model = plan().build(Seed(3)).unwrap();
        let mut trainer = trainer().resume().callback(EndIn(Some(step), end));
        let fit = || trainer.fit(&mut model, &train, &validation);
        let result = catch_unwind(AssertUnwindSafe(fit));
        let epoch = step / STEPS + 1;
        match (end, result) {
            (End::Interrupted, Ok(history)) => {
                let stopped = history.unwrap().stopped;
                assert_eq!(stopped, Stopped::Interrupted { epoch });
            }
            (End::Panics, Err(_)) => {}
            (_, result) => panic!("{end:?} in step {step}: {result:?}"),
        }
        let done = (epoch - 1) / every * every;
        assert_eq!(saved(folder), done, "{end:?} in step {step}");
    }
    let mut model = plan().build(Seed(3)).unwrap();
    let history = trainer().resume().fit(&mut model, &train, &validation);
    (bits(&model), history.unwrap())
}

#[test]
fn a_training_that_is_interrupted_or_killed_anywhere_ends_with_the_same_bits() {
    let (train, validation) = data();
    for optimizer in optimizers() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = plan().build(Seed(3)).unwrap();
        let whole = trainer(optimizer, folder.path(), 1)
            .fit(&mut model, &train, &validation)
            .unwrap();
        // The first step, the last of an epoch, the middle of one, two in a row, many, the last of all.
        for ends in [
            &[0][..],
            &[6],
            &[10],
            &[15, 16],
            &[3, 13, 20, 27],
            &[EPOCHS * STEPS - 1],
        ] {
            for (every, end) in [
                (1, End::Interrupted),
                (2, End::Interrupted),
                (1, End::Panics),
                (2, End::Panics),
            ] {
                let folder = tempfile::tempdir().unwrap();
                let trainer = || trainer(optimizer, folder.path(), every);
                let (weights, history) = through_ends(trainer, folder.path(), every, ends, end);
                let what = format!("{optimizer}, {end:?} in {ends:?}, saved every {every}");
                assert_eq!(weights, bits(&model), "{what}");
                assert_eq!(numbers(&history), numbers(&whole), "{what}");
                assert_eq!(history.stopped, whole.stopped, "{what}");
                assert_eq!(history.warnings, whole.warnings, "{what}");
                let logged = History::from_csv(folder.path().join("history.csv")).unwrap();
                assert_eq!(logged.epochs, history.epochs, "{what}: the log is whole");
            }
        }
    }
}

/// The folder of a child process, and the step in which it aborts.
const CHILD: &str = "LAB_CHECKPOINTS_CHILD";

/// The child of the next test; alone it does nothing.
#[test]
fn child_that_is_killed() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let (train, validation) = data();
    let mut trainer =
        trainer(Adam::new(0.01), Path::new(&folder), 1).callback(EndIn(Some(17), End::Aborts));
    let mut model = plan().build(Seed(3)).unwrap();
    _ = trainer.fit(&mut model, &train, &validation);
}

#[test]
fn a_training_resumes_in_another_process_than_the_one_that_was_killed() {
    let (train, validation) = data();
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_is_killed"])
        .env(CHILD, folder.path())
        .output();
    assert!(!status.unwrap().status.success());
    assert_eq!(saved(folder.path()), 2);
    let fit = |mut trainer: Trainer| {
        let mut model = plan().build(Seed(3)).unwrap();
        let history = trainer.fit(&mut model, &train, &validation).unwrap();
        (bits(&model), numbers(&history))
    };
    let resumed = fit(trainer(Adam::new(0.01), folder.path(), 1).resume());
    assert_eq!(resumed, fit(trainer(Adam::new(0.01), other.path(), 1)));
}

#[test]
fn an_interruption_between_epochs_saves_the_epoch_even_if_none_is_due() {
    struct After(usize);
    impl Callback for After {
        fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
            if record.epoch == self.0 {
                control.interrupt();
            }
            Ok(())
        }
    }
    let (train, validation) = data();
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let fit = |mut trainer: Trainer| {
        let mut model = plan().build(Seed(3)).unwrap();
        let history = trainer.fit(&mut model, &train, &validation).unwrap();
        (bits(&model), numbers(&history), history.stopped)
    };
    let trainer = |folder| trainer(Adam::new(0.01), folder, 4);
    let (_, first, stopped) = fit(trainer(folder.path()).callback(After(3)));
    assert_eq!(stopped, Stopped::Interrupted { epoch: 4 });
    assert_eq!((first.len(), saved(folder.path())), (3, 3));
    let resumed = fit(trainer(folder.path()).resume());
    assert_eq!(resumed, fit(trainer(other.path())));
    assert_eq!(resumed.2, Stopped::Finished);
}

#[test]
fn the_best_weights_and_the_rate_of_callbacks_survive_an_interruption() {
    let (train, validation) = data();
    // From the third epoch on the rate is far too large: one of the first two is the best.
    let trainer = |folder: &Path| {
        let too_large = common::Rates(|epoch, rate| if epoch == 2 { 3.0 } else { rate });
        let stopping = EarlyStopping::on_val_loss().patience(3);
        quiet(Sgd::new(0.01))
            .epochs(9)
            .batch_size(BATCH)
            .callback(too_large)
            .callback(stopping.restore_best_weights())
            .checkpoint(folder.join("checkpoints"), 1)
    };
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut model = plan().build(Seed(3)).unwrap();
    let whole = trainer(folder.path()).fit(&mut model, &train, &validation);
    let whole = whole.unwrap();
    let best = whole.best().unwrap().epoch;
    assert_eq!(whole.stopped, Stopped::Early { epoch: best + 3 });
    let ends = [(best + 1) * STEPS + 2];
    let (weights, history) = through_ends(
        || trainer(other.path()),
        other.path(),
        1,
        &ends,
        End::Interrupted,
    );
    assert_eq!(weights, bits(&model));
    assert_eq!(numbers(&history), numbers(&whole));
    assert_eq!(history.stopped, whole.stopped);
}

#[test]
fn a_training_that_ended_early_does_not_resume() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let stopping = |epochs| {
        let stopping = EarlyStopping::on_val_loss().patience(2);
        quiet(Adam::new(0.0))
            .epochs(epochs)
            .callback(stopping.restore_best_weights())
            .checkpoint(folder.path(), 5)
    };
    let mut model = plan().build(Seed(3)).unwrap();
    let first = stopping(20).fit(&mut model, &train, &validation).unwrap();
    assert!(matches!(first.stopped, Stopped::Early { .. }));
    let checkpoint = Checkpoint::find(folder.path()).unwrap().unwrap();
    assert!(checkpoint.is_finished());
    let mut again = plan().build(Seed(3)).unwrap();
    let second = stopping(30).resume().fit(&mut again, &train, &validation);
    // The seconds too: nothing was trained.
    assert_eq!(second.unwrap(), first);
    assert_eq!(bits(&again), bits(&model));
}

#[test]
fn a_training_that_diverged_resumes_before_it_and_diverges_again() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let fit = |trainer: Trainer| {
        let plan = Sequential::new([32, 32, 3]).flatten();
        let plan = plan
            .dense(8, Activation::Relu)
            .dense(10, Activation::Linear);
        let too_large = common::Rates(|epoch, _| [1e-4, 1e-4, 1e30][epoch]);
        let mut trainer = trainer
            .epochs(3)
            .callback(too_large)
            .checkpoint(folder.path(), 1);
        let mut model = plan.build(Seed(3)).unwrap();
        trainer.fit(&mut model, &train, &validation).unwrap()
    };
    let trainer = || Trainer::new(Loss::MeanSquaredError, Sgd::new(1.0)).progress(Silent);
    let first = fit(trainer());
    assert!(matches!(first.stopped, Stopped::Diverged { epoch: 3, .. }));
    assert_eq!(first.epochs.len(), 2);
    let checkpoint = Checkpoint::find(folder.path()).unwrap().unwrap();
    assert_eq!((checkpoint.epochs(), checkpoint.is_finished()), (2, false));
    // The epochs of the first time, seconds included.
    assert_eq!(fit(trainer().resume()), first);
}

#[test]
fn more_epochs_are_trained_where_the_schedule_lets_them() {
    let (train, validation) = data();
    let train_for = |epochs: usize, schedule: &Schedule, folder: &Path| {
        let mut model = plan().build(Seed(3)).unwrap();
        let mut trainer = quiet(Adam::new(0.01))
            .epochs(epochs)
            .schedule(schedule.clone());
        trainer = trainer.checkpoint(folder, 1).resume();
        trainer
            .fit(&mut model, &train, &validation)
            .map(|history| (bits(&model), numbers(&history)))
    };
    let (every, factor, lowest) = (2, 0.5, 0.0);
    let exponential = Schedule::Exponential { factor };
    for schedule in &[
        Schedule::Constant,
        Schedule::Step { every, factor },
        exponential.clone(),
        exponential.after_warmup(2.0),
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
    let cosine = Schedule::Cosine { lowest };
    for schedule in &[cosine.clone(), Schedule::OneCycle, cosine.after_warmup(1.0)] {
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
    let of = |loss: Loss, optimizer: Optimizer| {
        Trainer::new(loss, optimizer)
            .progress(Silent)
            .epochs(2)
            .batch_size(BATCH)
            .checkpoint(folder.path(), 1)
            .resume()
    };
    let entropy = Loss::CategoricalCrossentropy;
    let sgd = |rate: f32, momentum: f32| Optimizer::from(Sgd::new(rate).momentum(momentum));
    let same = || of(entropy, sgd(0.01, 0.9));
    let start = || small_plan().build(Seed(3)).unwrap();
    same().fit(&mut start(), &train, &validation).unwrap();

    let refused = |mut trainer: Trainer, mut model: Sequential, (train, validation), what: &str| {
        let before = bits(&model);
        let text = message(trainer.fit(&mut model, train, validation));
        for words in [
            what,
            "a checkpoint of another training",
            "what to do: give the same options",
        ] {
            assert!(text.contains(words), "no `{words}` in: {text}");
        }
        assert_eq!(bits(&model), before, "{what}: nothing is changed");
    };
    let every_second = Schedule::Step {
        every: 2,
        factor: 0.5,
    };
    let step_2 = same().schedule(every_second);
    for (trainer, what) in [
        (same().seed(Seed(1)), "training: seed is 0"),
        (same().batch_size(16), "training: batch_size is 32"),
        (same().label_smoothing(0.5), "label_smoothing is 0.0"),
        (same().global_clip_norm(1.0), "global_clip_norm is null"),
        (same().class_weights(vec![2.0; 10]), "class_weights is null"),
        (same().sample_weights(vec![2.0; IMAGES]), "sample weights"),
        (step_2, "training: schedule is"),
        (
            same().augmentation(Augmentation::new().shift(0.1)),
            "augmentation is null",
        ),
        (
            same().callback(EarlyStopping::on_val_loss()),
            "early_stopping is null",
        ),
        (
            same().callback(ReduceLrOnPlateau::on_val_loss()),
            "reduce_lr_on_plateau is null",
        ),
        (
            of(entropy, sgd(0.02, 0.9)),
            "optimizer: learning_rate is 0.01",
        ),
        (of(entropy, sgd(0.01, 0.8)), "optimizer: momentum is 0.9"),
        (of(entropy, Adam::new(0.01).into()), "optimizer"),
        (of(Loss::KlDivergence, sgd(0.01, 0.9)), "training: loss is"),
    ] {
        refused(trainer, start(), (&train, &validation), what);
    }
    let wide = Sequential::new([32, 32, 3]).flatten();
    let wide = wide.dense(13, Activation::Elu);
    let wide = wide.dense(10, Activation::Softmax).build(Seed(3)).unwrap();
    refused(same(), wide, (&train, &validation), "network");
    let other = small_plan().build(Seed(4)).unwrap();
    refused(
        same(),
        other,
        (&train, &validation),
        "weights before training",
    );

    let mut moved = train.labels();
    moved[7] = (moved[7] + 1) % 10;
    let relabelled = Dataset::new(train.images(), moved, train.class_names().to_vec()).unwrap();
    let standard = Normalization::standardize(&train).unwrap();
    let normalized = |data: &Dataset| data.clone().with_normalization(standard.clone());
    let [bright, bright_validation] = [&train, &validation].map(|data| normalized(data).unwrap());
    for (train, validation, what) in [
        (&train.take(199), &validation, "training data: "),
        (&relabelled, &validation, "training data: content"),
        (&bright, &bright_validation, "training data: content"),
        (&train, &validation.take(59), "validation data: "),
    ] {
        refused(same(), start(), (train, validation), what);
    }
    // The same once more, on another number of threads, is the same training.
    let history = same().threads(1).fit(&mut start(), &train, &validation);
    assert_eq!(history.unwrap().epochs.len(), 2);
}

#[test]
fn a_training_that_is_not_asked_to_resume_begins_anew_and_replaces_the_checkpoint() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let at = || {
        let found = Checkpoint::find(folder.path().join("checkpoints")).unwrap();
        found.unwrap().to_string()
    };
    let run = |step: Option<usize>, seed| {
        let mut model = plan().build(Seed(3)).unwrap();
        let trainer = trainer(Adam::new(0.01), folder.path(), 1).seed(seed);
        let history =
            trainer
                .callback(EndIn(step, End::Interrupted))
                .fit(&mut model, &train, &validation);
        history.unwrap().epochs.len()
    };
    assert_eq!(run(Some(30), Seed(5)), 4);
    assert_eq!(at(), "a checkpoint after epoch 4 of 6");
    for seed in [5, 6].map(Seed) {
        assert_eq!(run(Some(16), seed), 2);
        assert_eq!(at(), "a checkpoint after epoch 2 of 6");
    }
    assert_eq!(run(None, Seed(6)), 6);
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
    let new = || {
        quiet(Adam::new(0.01))
            .epochs(2)
            .batch_size(BATCH)
            .checkpoint(folder.path(), 1)
    };
    let (mut first, mut second) = (
        plan().build(Seed(3)).unwrap(),
        plan().build(Seed(3)).unwrap(),
    );
    let mut trainer = new();
    trainer.fit(&mut first, &train, &validation).unwrap();
    trainer.fit(&mut first, &train, &validation).unwrap();
    // What is there is a checkpoint of the second fit: the first one cannot resume from it.
    let error = new().resume().fit(&mut second, &train, &validation);
    assert_says(error, &["epochs before is 2"]);

    // A trainer that could not resume is as it was before.
    let mut trainer = new();
    trainer.fit(&mut second, &train, &validation).unwrap();
    fs::write(folder.path().join("checkpoint.safetensors"), "nothing").unwrap();
    let mut trainer = trainer.resume();
    assert!(trainer.fit(&mut second, &train, &validation).is_err());
    trainer.fit(&mut second, &train, &validation).unwrap();
    assert_eq!(bits(&second), bits(&first));
}

#[test]
fn a_damaged_checkpoint_is_refused_and_changes_nothing() {
    let (train, validation) = data();
    let folder = tempfile::tempdir().unwrap();
    let new = || {
        quiet(Adam::new(0.01))
            .epochs(3)
            .batch_size(BATCH)
            .callback(
                EarlyStopping::on_val_loss()
                    .patience(9)
                    .restore_best_weights(),
            )
            .checkpoint(folder.path(), 1)
    };
    let start = || small_plan().build(Seed(3)).unwrap();
    new().fit(&mut start(), &train, &validation).unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let mut model = start();
        let result = new().resume().fit(&mut model, &train, &validation);
        assert_says(result, &["checkpoint.safetensors"]);
        assert_eq!(bits(&model), bits(&start()), "{what}");
    };
    for length in [0, 1, 7, 8, 100, 1000, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..length], "cut off");
    }
    let text = String::from_utf8_lossy(&whole[..5000]).into_owned();
    // Each keeps the length, which the header says.
    for (from, to) in [
        ("optimizer.0.dense.kernel", "optimizer.9.dense.kernel"),
        ("model.dense_1.bias", "model.dense_7.bias"),
        ("best.dense.kernel", "best.dance.kernel"),
        ("\\\"planned\\\"", "\\\"planted\\\""),
        ("\\\"seed\\\":0", "\\\"seed\\\":1"),
        ("\\\"accuracy\\\"", "\\\"accurate\\\""),
    ] {
        let at = text.find(from);
        let at = at.unwrap_or_else(|| panic!("no {from} in the header"));
        let mut damaged = whole.clone();
        damaged[at..at + to.len()].copy_from_slice(to.as_bytes());
        refused(&damaged, from);
    }
    // A training that does not resume does not look at it.
    fs::write(&path, b"nothing").unwrap();
    new().fit(&mut start(), &train, &validation).unwrap();
    let checkpoint = Checkpoint::find(folder.path()).unwrap().unwrap();
    assert!(checkpoint.is_finished());
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
