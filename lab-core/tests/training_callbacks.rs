//! Callbacks against sequences of validation losses that were made up for them.
//!
//! The network here gives the same answer for every image, and [`Dictate`] chooses that answer before each epoch; all
//! sample weights are 0, so that no step changes it. So any sequence of validation losses can be had.

mod common;

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::rc::Rc;

use common::{assert_says, bits, numbers, quiet, sample, small_network};
use lab_core::prelude::*;
use ndarray::ArrayD;

const IMAGES: usize = 20;

/// Two images of each class: the loss of an answer is then known in closed form.
fn data() -> Dataset {
    let (_, last) = sample().train.split_stratified(0.98, Seed(0)).unwrap();
    assert_eq!(last.class_counts(), [2; 10]);
    last
}

fn constant_network() -> Sequential {
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    model
        .set_weight("dense.kernel", ArrayD::zeros(vec![3072, 10]))
        .unwrap();
    model
}

/// The first bias that makes the validation loss `loss`: with the others 0 it is ln(eᵇ + 9) − b / 10, which grows with b
/// from ln 10 at 0.
fn bias_for(loss: f64) -> f32 {
    let (mut low, mut high) = (0.0_f64, 50.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        let at = (middle.exp() + 9.0).ln() - 0.1 * middle;
        if at < loss {
            low = middle
        } else {
            high = middle
        }
    }
    assert!(
        high < 50.0 && loss > 10.0_f64.ln(),
        "{loss} is no such loss"
    );
    high as f32
}

/// Gives the epochs these validation losses.
struct Dictate(Vec<f64>);

impl Callback for Dictate {
    fn on_epoch_begin(&mut self, epoch: usize, control: &mut Control<'_>) -> Result<()> {
        let mut bias = ArrayD::zeros(vec![10]);
        bias[[0]] = bias_for(self.0[epoch]);
        control.model.set_weight("dense.bias", bias)
    }
}

fn dictated(losses: &[f64], rate: f32) -> Trainer {
    let trainer = quiet(Sgd::new(rate)).epochs(losses.len()).batch_size(7);
    trainer
        .sample_weights(vec![0.0; IMAGES])
        .callback(Dictate(losses.to_vec()))
}

fn first_bias(model: &Sequential) -> f32 {
    model.weight("dense.bias").unwrap()[[0]]
}

fn rates(history: &History) -> Vec<f32> {
    history
        .epochs
        .iter()
        .map(|record| record.learning_rate)
        .collect()
}

#[test]
fn the_validation_losses_are_the_dictated_ones() {
    let losses = [3.0, 2.5, 4.0, 2.4];
    let history = dictated(&losses, 0.1)
        .fit(&mut constant_network(), &data(), &data())
        .unwrap();
    for (record, wanted) in history.epochs.iter().zip(losses) {
        assert!(
            (record.val_loss.unwrap() - wanted).abs() < 1e-6,
            "{record:?}, wanted {wanted}"
        );
        assert_eq!(record.loss, 0.0);
    }
}

#[test]
fn early_stopping_ends_after_patience_epochs_without_any_improvement() {
    for (losses, patience, last) in [
        (&[4.0, 3.0, 3.5, 3.4, 3.3, 2.5, 2.4][..], 3, 5),
        (&[4.0, 3.0, 3.5, 3.4, 2.9, 3.0, 3.0, 3.0, 2.8], 3, 8),
        (&[3.0, 3.5, 2.9, 3.5], 1, 2),
        (&[3.0, 2.9, 2.9, 2.8], 1, 3),
        // Patience 0 is Keras's: the first epoch that is no better ends the training.
        (&[3.0, 2.9, 3.0, 2.8], 0, 3),
        // Any improvement counts, however small; standing still is none.
        (&[3.0, 2.99999, 2.99998, 2.99997, 2.99996], 1, 5),
        (&[3.0, 3.0, 3.0, 3.0, 3.0, 3.0], 4, 5),
        (&[5.0, 4.0, 3.0], 1, 3),
    ] {
        let mut trainer =
            dictated(losses, 0.1).callback(EarlyStopping::on_val_loss().patience(patience));
        let history = trainer
            .fit(&mut constant_network(), &data(), &data())
            .unwrap();
        assert_eq!(
            history.epochs.len(),
            last,
            "{losses:?} with patience {patience}"
        );
        let stopped = if last < losses.len() {
            Stopped::Early { epoch: last }
        } else {
            history.stopped
        };
        assert_eq!(history.stopped, stopped);
    }
    let mut trainer =
        dictated(&[5.0, 4.0, 3.0], 0.1).callback(EarlyStopping::on_val_loss().patience(1));
    assert_eq!(
        trainer
            .fit(&mut constant_network(), &data(), &data())
            .unwrap()
            .stopped,
        Stopped::Finished
    );
}

#[test]
fn the_best_weights_are_restored_whether_the_training_was_stopped_or_not() {
    for losses in [
        &[4.0, 3.0, 2.5, 2.6, 2.7, 2.8][..],
        &[4.0, 2.5, 3.0],
        &[2.5],
        &[3.0, 2.5, 2.5],
    ] {
        for restore in [false, true] {
            let stopping = EarlyStopping::on_val_loss().patience(2);
            let stopping = if restore {
                stopping.restore_best_weights()
            } else {
                stopping
            };
            let mut model = constant_network();
            let history = dictated(losses, 0.1)
                .callback(stopping)
                .fit(&mut model, &data(), &data())
                .unwrap();
            let kept = if restore {
                2.5
            } else {
                losses[history.epochs.len() - 1]
            };
            assert_eq!(
                first_bias(&model),
                bias_for(kept),
                "{losses:?}, restored: {restore}"
            );
        }
    }
}

#[test]
fn early_stopping_begins_anew_with_each_fit() {
    let mut trainer = dictated(&[3.0, 2.5, 2.6, 2.7], 0.1);
    trainer = trainer.callback(
        EarlyStopping::on_val_loss()
            .patience(1)
            .restore_best_weights(),
    );
    for _ in 0..2 {
        let mut model = constant_network();
        let history = trainer.fit(&mut model, &data(), &data()).unwrap();
        assert_eq!(
            (history.epochs.len(), first_bias(&model)),
            (3, bias_for(2.5))
        );
    }
}

/// Keeps the network as it is after each epoch.
#[derive(Clone, Default)]
struct Keep(Rc<RefCell<Vec<Sequential>>>);

impl Callback for Keep {
    fn on_epoch_end(&mut self, _: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.0.borrow_mut().push(control.model.clone());
        Ok(())
    }
}

#[test]
fn restored_weights_are_those_that_the_network_had_after_the_best_epoch() {
    let (train, validation) = (sample().train.take(200), sample().test.take(100));
    let keep = Keep::default();
    // From the third epoch on the rate is far too large.
    let too_large = common::Rates(|epoch, rate| if epoch == 2 { 3.0 } else { rate });
    let stopping = EarlyStopping::on_val_loss().patience(3);
    let mut model = small_network();
    let mut trainer = quiet(Sgd::new(0.01))
        .epochs(9)
        .callback(too_large)
        .callback(keep.clone())
        .callback(stopping.restore_best_weights());
    let history = trainer.fit(&mut model, &train, &validation).unwrap();

    let of_best = history.best().unwrap().epoch;
    assert_eq!((of_best, history.stopped), (2, Stopped::Early { epoch: 5 }));
    let kept = keep.0.borrow();
    assert_eq!(bits(&model), bits(&kept[1]));
    for (record, kept) in history.epochs.iter().zip(&*kept) {
        let loss = kept.evaluate(&validation).unwrap().loss;
        assert_eq!(Some(loss), record.val_loss, "epoch {}", record.epoch);
    }
}

#[test]
fn callbacks_see_the_restored_weights_and_the_whole_history_at_the_end() {
    struct AtTheEnd(Rc<RefCell<Option<(f32, History)>>>);
    impl Callback for AtTheEnd {
        fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
            let seen = (first_bias(control.model), control.history.clone());
            *self.0.borrow_mut() = Some(seen);
            Ok(())
        }
    }
    let seen = Rc::default();
    let stopping = EarlyStopping::on_val_loss().patience(2);
    let history = dictated(&[3.0, 2.5, 2.6, 2.7, 2.4], 0.1)
        .callback(AtTheEnd(Rc::clone(&seen)))
        .callback(stopping.restore_best_weights())
        .fit(&mut constant_network(), &data(), &data())
        .unwrap();
    assert_eq!(history.stopped, Stopped::Early { epoch: 4 });
    assert_eq!(seen.take(), Some((bias_for(2.5), history)));
}

#[test]
fn the_learning_rate_scheduler_is_called_with_0_1_2_before_each_epoch() {
    let calls = Rc::new(RefCell::new(Vec::new()));
    let heard = calls.clone();
    let scheduler = common::Rates(move |epoch, rate| {
        heard.borrow_mut().push((epoch, rate));
        [0.5, 0.25, 2.0][epoch]
    });
    let mut trainer = dictated(&[3.0; 3], 0.125).callback(scheduler);
    let mut model = constant_network();
    let history = trainer.fit(&mut model, &data(), None).unwrap();
    assert_eq!(*calls.borrow(), [(0, 0.125), (1, 0.5), (2, 0.25)]);
    assert_eq!(rates(&history), [0.5, 0.25, 2.0]);
    // A second fit goes on from the rate that the first one ended with, as Keras's optimizer does.
    trainer.fit(&mut model, &data(), None).unwrap();
    assert_eq!(calls.borrow()[3..], [(0, 2.0), (1, 0.5), (2, 0.25)]);
}

#[test]
fn the_rate_of_a_scheduler_moves_the_weights() {
    let train = sample().train.take(50);
    let run = |trainer: Trainer| {
        let mut model = small_network();
        trainer.epochs(2).fit(&mut model, &train, None).unwrap();
        bits(&model)
    };
    let scheduled = run(quiet(Sgd::new(0.5)).callback(common::Rates(|_, _| 0.01)));
    assert_eq!(scheduled, run(quiet(Sgd::new(0.01))));
    assert_ne!(scheduled, run(quiet(Sgd::new(0.5))));
}

#[test]
fn a_plateau_lowers_the_rate_in_exactly_the_epochs_of_keras() {
    let halve = |patience| {
        ReduceLrOnPlateau::on_val_loss()
            .factor(0.5)
            .patience(patience)
    };
    let run = |losses: &[f64], plateau: ReduceLrOnPlateau| {
        let mut trainer = dictated(losses, 1.0).callback(plateau);
        rates(
            &trainer
                .fit(&mut constant_network(), &data(), &data())
                .unwrap(),
        )
    };
    // The first epoch is an improvement; each `patience` epochs after it lower the rate of the next one.
    assert_eq!(
        run(&[3.0; 7], halve(2)),
        [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    );
    assert_eq!(run(&[3.0; 5], halve(1)), [1.0, 1.0, 0.5, 0.25, 0.125]);
    assert_eq!(run(&[3.0; 5], halve(0)), [1.0, 1.0, 0.5, 0.25, 0.125]);
    // An improvement starts the waiting anew.
    assert_eq!(
        run(&[3.0, 3.0, 2.9, 2.9, 2.9, 2.9], halve(2)),
        [1.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    );
    // Less than 0.0001 better than the best is none, and the best stays the old one.
    assert_eq!(
        run(&[3.0, 2.99995, 2.99993, 2.99991, 2.9999], halve(2)),
        [1.0, 1.0, 1.0, 0.5, 0.5]
    );
    assert_eq!(
        run(&[3.0, 2.99995, 2.99985, 2.9998, 2.9998, 2.9998], halve(2)),
        [1.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    );
    // The defaults: a tenth after ten epochs.
    let rates = run(&[3.0; 12], ReduceLrOnPlateau::on_val_loss());
    assert_eq!(rates[..11], [1.0; 11]);
    assert_eq!(rates[11], 0.1);
}

#[test]
fn a_plateau_does_not_go_below_its_lowest_rate_and_never_raises_one() {
    let run = |rate, lowest| {
        let plateau = ReduceLrOnPlateau::on_val_loss()
            .factor(0.5)
            .patience(1)
            .min_lr(lowest);
        let history = dictated(&[3.0; 6], rate).callback(plateau).fit(
            &mut constant_network(),
            &data(),
            &data(),
        );
        rates(&history.unwrap())
    };
    assert_eq!(run(1.0, 0.375), [1.0, 1.0, 0.5, 0.375, 0.375, 0.375]);
    // Keras leaves a rate alone that is below already.
    assert_eq!(run(0.125, 0.5), [0.125; 6]);
}

#[test]
fn a_plateau_and_a_schedule_multiply() {
    let plateau = ReduceLrOnPlateau::on_val_loss().factor(0.5).patience(1);
    let mut trainer = dictated(&[3.0; 4], 1.0)
        .callback(plateau)
        .schedule(Schedule::Exponential { factor: 0.25 });
    let history = trainer
        .fit(&mut constant_network(), &data(), &data())
        .unwrap();
    assert_eq!(rates(&history), [1.0, 0.25, 0.5 / 16.0, 0.25 / 64.0]);
}

#[test]
fn the_csv_logger_writes_each_epoch_at_once_and_in_the_end_what_to_csv_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (logged, written) = (
        folder.path().join("log.csv"),
        folder.path().join("history.csv"),
    );
    /// How many lines the log has after each epoch.
    struct Count(std::path::PathBuf, Rc<RefCell<Vec<usize>>>);
    impl Callback for Count {
        fn on_epoch_end(&mut self, _: &EpochRecord, _: &mut Control<'_>) -> Result<()> {
            self.1
                .borrow_mut()
                .push(fs::read_to_string(&self.0).unwrap().lines().count());
            Ok(())
        }
    }
    let lines = Rc::new(RefCell::new(Vec::new()));
    for validation in [None, Some(data())] {
        lines.borrow_mut().clear();
        let mut trainer = quiet(Adam::new(1e-3))
            .epochs(3)
            .callback(CsvLogger::new(&logged));
        trainer = trainer.callback(Count(logged.clone(), lines.clone()));
        let history = trainer
            .fit(&mut small_network(), &data(), validation.as_ref())
            .unwrap();
        assert_eq!(*lines.borrow(), [2, 3, 4]);
        history.to_csv(&written).unwrap();
        assert_eq!(fs::read(&logged).unwrap(), fs::read(&written).unwrap());
        let text = fs::read_to_string(&written).unwrap();
        assert_eq!(
            text.lines().next(),
            Some("epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds")
        );
        assert!(text.lines().nth(1).unwrap().starts_with("1,"), "{text}");
        assert_eq!(text.contains(",,"), validation.is_none(), "{text}");

        let again = History::from_csv(&written).unwrap();
        assert_eq!(again.epochs, history.epochs, "every digit comes back");
        assert_eq!(numbers(&again), numbers(&history));
        assert_eq!(History::from_csv(&logged).unwrap(), again);
    }
}

#[test]
fn numbers_of_any_size_come_back_from_csv() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    let record = |epoch, x: f64| EpochRecord {
        epoch,
        loss: x,
        accuracy: x / 3.0,
        val_loss: Some(-x),
        val_accuracy: None,
        learning_rate: x as f32,
        seconds: x * x,
    };
    let values = [
        0.0,
        0.1,
        1.0 / 3.0,
        1e-300,
        1e300,
        f64::INFINITY,
        5e-324,
        123_456_789.123_456_79,
    ];
    let epochs = values
        .iter()
        .enumerate()
        .map(|(i, &x)| record(i + 1, x))
        .collect();
    let history = History {
        epochs,
        ..History::default()
    };
    history.to_csv(&path).unwrap();
    assert_eq!(History::from_csv(&path).unwrap(), history);

    let diverged = History {
        epochs: vec![record(1, f64::NAN)],
        ..History::default()
    };
    diverged.to_csv(&path).unwrap();
    let again = History::from_csv(&path).unwrap().epochs[0];
    assert!(
        again.loss.is_nan() && again.val_loss.unwrap().is_nan() && again.val_accuracy.is_none()
    );
}

#[test]
fn a_file_that_is_no_history_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    assert_says(History::from_csv(&path), &["history.csv", "cannot read"]);
    let header = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n";
    for text in [
        "name,age\nx,3\n".into(),
        format!("{header}1,high,0.1,,,0.1,1\n"),
        format!("{header}1,0.5\n"),
    ] {
        fs::write(&path, text).unwrap();
        assert_says(
            History::from_csv(&path),
            &["history.csv", "expected a row for each epoch", "epoch,loss"],
        );
    }
    fs::write(&path, [0xff, 0xfe, 0x00, 0x80, b'\n', 0xff, b'\n']).unwrap();
    assert_says(History::from_csv(&path), &["history.csv"]);
    assert_says(
        History::default().to_csv(folder.path().join("no/such/folder.csv")),
        &["folder.csv", "cannot write"],
    );
}

/// Writes down which of its methods are called, and fails or stops in one of them if told to.
struct Witness {
    name: &'static str,
    calls: Rc<RefCell<Vec<String>>>,
    fails_in: &'static str,
    stops_in: &'static str,
}

impl Witness {
    fn new(name: &'static str, calls: &Rc<RefCell<Vec<String>>>) -> Self {
        Self {
            name,
            calls: calls.clone(),
            fails_in: "",
            stops_in: "",
        }
    }

    fn called(&self, method: &str, at: &str, control: &mut Control<'_>) -> Result<()> {
        self.calls
            .borrow_mut()
            .push(format!("{} {method}{at}", self.name));
        if self.stops_in == method {
            control.stop();
        }
        if self.fails_in == method {
            return Err(LabError::value(
                "witness",
                method,
                "nothing",
                "ask another one",
            ));
        }
        Ok(())
    }
}

impl Callback for Witness {
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        self.called("train begin", "", control)
    }

    fn on_epoch_begin(&mut self, epoch: usize, control: &mut Control<'_>) -> Result<()> {
        self.called("epoch begin", &format!(" {epoch}"), control)
    }

    fn on_batch_end(&mut self, record: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        self.called(
            "batch end",
            &format!(" {}.{}", record.epoch, record.batch),
            control,
        )
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.called("epoch end", &format!(" {}", record.epoch), control)
    }

    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        let epochs = control.history.epochs.len();
        self.called("train end", &format!(" {epochs}"), control)
    }
}

#[test]
fn callbacks_are_called_at_every_turn_in_the_order_in_which_they_were_added() {
    let calls = Rc::default();
    let mut trainer = quiet(Adam::new(1e-3)).epochs(2).batch_size(10);
    trainer = trainer
        .callback(Witness::new("a", &calls))
        .callback(Witness::new("b", &calls));
    trainer.fit(&mut small_network(), &data(), None).unwrap();
    let turns = [
        "train begin",
        "epoch begin 0",
        "batch end 1.1",
        "batch end 1.2",
        "epoch end 1",
        "epoch begin 1",
        "batch end 2.1",
        "batch end 2.2",
        "epoch end 2",
        "train end 2",
    ];
    let wanted: Vec<String> = turns
        .iter()
        .flat_map(|turn| ["a", "b"].map(|name| format!("{name} {turn}")))
        .collect();
    assert_eq!(*calls.borrow(), wanted);
}

#[test]
fn a_callbacks_error_ends_the_training_and_is_what_fit_returns() {
    for (method, calls_until_then) in [
        ("train begin", 2),
        ("epoch begin", 3),
        ("batch end", 4),
        ("epoch end", 6),
        ("train end", 10),
    ] {
        let calls = Rc::default();
        let witness = Witness {
            fails_in: method,
            ..Witness::new("a", &calls)
        };
        let mut trainer = quiet(Adam::new(1e-3))
            .epochs(2)
            .batch_size(10)
            .callback(witness);
        assert_says(
            trainer.fit(&mut small_network(), &data(), None),
            &["witness", method, "nothing", "another one"],
        );
        assert_eq!(
            calls.borrow().len(),
            calls_until_then,
            "{:?}",
            calls.borrow()
        );
        assert!(
            calls.borrow().last().unwrap().starts_with("a train end"),
            "callbacks have their last word"
        );
    }
}

#[test]
fn stopping_ends_after_the_current_batch_or_after_the_epoch() {
    for (method, batches) in [
        ("train begin", 2),
        ("epoch begin", 2),
        ("batch end", 1),
        ("epoch end", 2),
    ] {
        let calls = Rc::default();
        let witness = Witness {
            stops_in: method,
            ..Witness::new("a", &calls)
        };
        let mut trainer = quiet(Adam::new(1e-3))
            .epochs(3)
            .batch_size(10)
            .callback(witness);
        let history = trainer.fit(&mut small_network(), &data(), &data()).unwrap();
        let calls = calls.borrow();
        let done = calls.iter().filter(|call| call.contains("batch end"));
        assert_eq!(done.count(), batches, "{method}: {calls:?}");
        assert_eq!(history.epochs.len(), 1, "{method}");
        assert_eq!(history.stopped, Stopped::Early { epoch: 1 });
        assert!(history.epochs[0].val_loss.is_some());
    }
}

/// Interrupts the training in one of the methods.
struct InterruptIn(&'static str);

impl InterruptIn {
    fn interrupt_if(&self, method: &str, control: &mut Control<'_>) -> Result<()> {
        if self.0 == method {
            control.interrupt();
        }
        Ok(())
    }
}

impl Callback for InterruptIn {
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        self.interrupt_if("train begin", control)
    }

    fn on_epoch_begin(&mut self, _: usize, control: &mut Control<'_>) -> Result<()> {
        self.interrupt_if("epoch begin", control)
    }

    fn on_batch_end(&mut self, _: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        self.interrupt_if("batch end", control)
    }

    fn on_epoch_end(&mut self, _: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.interrupt_if("epoch end", control)
    }
}

#[test]
fn an_interruption_leaves_the_epoch_unfinished() {
    for (method, steps, epoch) in [
        ("train begin", 0, 1),
        ("epoch begin", 0, 1),
        ("batch end", 1, 1),
        ("epoch end", 2, 2),
    ] {
        let calls = Rc::default();
        let mut trainer = quiet(Adam::new(1e-3))
            .epochs(3)
            .batch_size(10)
            .callback(InterruptIn(method))
            .callback(Witness::new("a", &calls));
        let history = trainer.fit(&mut small_network(), &data(), None).unwrap();
        let calls = calls.borrow();
        let done = calls.iter().filter(|call| call.contains("batch end"));
        assert_eq!(done.count(), steps, "{method}: {calls:?}");
        assert_eq!(history.stopped, Stopped::Interrupted { epoch }, "{method}");
        assert_eq!(history.epochs.len(), epoch - 1, "{method}");
        assert!(calls.last().unwrap().starts_with("a train end"));
    }
    // After the last epoch there is nothing left to interrupt.
    let mut trainer = quiet(Adam::new(1e-3)).callback(InterruptIn("epoch end"));
    let history = trainer.fit(&mut small_network(), &data(), None).unwrap();
    assert_eq!(history.stopped, Stopped::Finished);
}

/// Takes what is written, where the test can read it.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_run_of_any_length_prints_at_most_15_lines_and_always_its_last_epoch() {
    let image = ndarray::Array4::from_elem((1, 1, 1, 1), 255);
    let one = Dataset::new(image, vec![0], vec!["only".into()]).unwrap();
    let plan = Sequential::new([1, 1, 1]).flatten();
    let plan = plan.dense(1, Activation::Linear);
    for (epochs, ran) in [
        (1, 1),
        (14, 14),
        (15, 15),
        (16, 16),
        (50, 50),
        (50, 37),
        (50, 45),
        (100, 100),
        (1000, 998),
    ] {
        struct StopAfter(usize);
        impl Callback for StopAfter {
            fn on_epoch_end(&mut self, it: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
                if it.epoch == self.0 {
                    control.stop();
                }
                Ok(())
            }
        }
        let paper = Paper::default();
        let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(0.1))
            .epochs(epochs)
            .threads(1)
            .progress(EpochLines::to(paper.clone()))
            .callback(StopAfter(ran));
        let mut model = plan.clone().build(Seed(0)).unwrap();
        trainer.fit(&mut model, &one, None).unwrap();
        let text = String::from_utf8(paper.0.take()).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("Epoch "));
        let lines: Vec<&str> = lines.collect();
        assert!((1..=15).contains(&lines.len()), "{epochs}: {text}");
        let last = format!("Epoch {ran}/{epochs} - ");
        assert!(lines.last().unwrap().starts_with(&last), "{text}");
        assert!(epochs > 15 || lines.len() == ran, "{epochs}: {text}");
    }
}

#[test]
fn monitoring_the_validation_without_one_is_an_error() {
    for mut trainer in [
        quiet(Adam::new(1e-3)).callback(EarlyStopping::on_val_loss()),
        quiet(Adam::new(1e-3)).callback(ReduceLrOnPlateau::on_val_loss()),
    ] {
        let words = ["monitor val_loss", "found none", "validation data for fit"];
        assert_says(trainer.fit(&mut small_network(), &data(), None), &words);
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_the_training_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (path, name) in [
        (folder.path().join("no/such/file"), "no/such/file"),
        (folder.path().to_owned(), "cannot write"),
    ] {
        let mut trainer = quiet(Adam::new(1e-3)).callback(CsvLogger::new(path));
        let result = trainer.fit(&mut small_network(), &data(), None);
        assert_says(result, &[name, "cannot write"]);
    }
}

#[test]
fn a_training_that_diverges_still_ends_for_its_callbacks() {
    let calls = Rc::default();
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .dense(8, Activation::Relu)
        .dense(10, Activation::Linear);
    let mut model = plan.build(Seed(1)).unwrap();
    let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(1.0))
        .epochs(5)
        .batch_size(20)
        .progress(Silent);
    trainer = trainer.callback(common::Rates(
        |epoch, _| {
            if epoch == 0 { 1e-4 } else { 1e30 }
        },
    ));
    trainer = trainer.callback(
        EarlyStopping::on_val_loss()
            .patience(4)
            .restore_best_weights(),
    );
    trainer = trainer.callback(Witness::new("a", &calls));
    let history = trainer.fit(&mut model, &data(), &data()).unwrap();
    assert!(
        matches!(history.stopped, Stopped::Diverged { .. }),
        "{history:?}"
    );
    assert_eq!(
        calls.borrow().last().unwrap(),
        &format!("a train end {}", history.epochs.len())
    );
    let restored = model
        .evaluate_with(&data(), Loss::MeanSquaredError)
        .unwrap()
        .loss;
    assert_eq!(
        Some(restored),
        history.best().unwrap().val_loss,
        "the best epoch's weights are back"
    );
}
