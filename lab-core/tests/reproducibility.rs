//! The same seed gives the same bits, whatever the number of threads; and the threads end with the training.

mod common;

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{numbers, sample};
use lab_core::prelude::*;

/// One test of this file at a time, so that threads can be counted.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that draws random numbers, and layers wide enough to be shared between threads.
fn plan() -> Architecture {
    Sequential::new([32, 32, 3])
        .flatten()
        .layer(
            Dense::new(96, Activation::Elu)
                .initializer(Initializer::HeNormal)
                .l2(1e-4),
        )
        .batch_norm()
        .dropout(0.3)
        .dense(50, Activation::Gelu)
        .dropout(0.2)
        .dense(10, Activation::Softmax)
}

/// The bytes of the saved network, and the history but for its seconds.
fn run(optimizer: Optimizer, seed: Seed, threads: Option<usize>) -> (Vec<u8>, Vec<[u64; 6]>) {
    let (train, validation) = sample()
        .train
        .take(300)
        .split_stratified(0.7, seed)
        .unwrap();
    let mut model = plan().build(seed).unwrap();
    let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, optimizer)
        .progress(Silent)
        .epochs(2)
        .seed(seed);
    trainer = trainer
        .batch_size(61)
        .global_clip_norm(1.0)
        .label_smoothing(0.1);
    trainer = trainer.augmentation(
        Augmentation::new()
            .horizontal_flip(0.5)
            .rotation(15.0)
            .with(RandomMove::Shift(0.1), 0.5)
            .random_crop(2),
    );
    if let Some(count) = threads {
        trainer = trainer.threads(count);
    }
    let history = trainer.fit(&mut model, &train, &validation).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    (fs::read(path).unwrap(), numbers(&history))
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let _turn = alone();
    for name in ["momentum", "rmsprop", "adam", "adamw"] {
        let optimizer: Optimizer = name.parse().unwrap();
        let first = run(optimizer, Seed(1), Some(1));
        for threads in [Some(1), Some(2), Some(3), Some(7), None] {
            assert!(
                run(optimizer, Seed(1), threads) == first,
                "{name} with {threads:?} threads"
            );
        }
    }
}

#[test]
fn another_seed_gives_another_training() {
    let _turn = alone();
    let (first, second) = (
        run(Adam::new(1e-3).into(), Seed(1), None),
        run(Adam::new(1e-3).into(), Seed(2), None),
    );
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
}

#[test]
fn each_thing_that_a_seed_decides_does_depend_on_it() {
    let _turn = alone();
    let train = sample().train.take(64);
    let loss = |plan: Architecture, build: u64, seed: u64, batch: usize, rotation: f64| {
        let mut model = plan.build(Seed(build)).unwrap();
        let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01))
            .progress(Silent)
            .seed(Seed(seed));
        trainer = trainer
            .batch_size(batch)
            .augmentation(Augmentation::new().rotation(rotation));
        trainer.fit(&mut model, &train, None).unwrap().epochs[0].loss
    };
    let plain = || {
        Sequential::new([32, 32, 3])
            .flatten()
            .dense(10, Activation::Softmax)
    };
    let dropped = || {
        Sequential::new([32, 32, 3])
            .flatten()
            .dropout(0.5)
            .dense(10, Activation::Softmax)
    };
    // One batch of everything: neither the order nor the trainer's seed matters.
    assert!((loss(plain(), 1, 1, 64, 0.0) - loss(plain(), 1, 2, 64, 0.0)).abs() < 1e-12);
    for (what, first, second) in [
        (
            "initial weights",
            loss(plain(), 1, 1, 64, 0.0),
            loss(plain(), 2, 1, 64, 0.0),
        ),
        (
            "order",
            loss(plain(), 1, 1, 16, 0.0),
            loss(plain(), 1, 2, 16, 0.0),
        ),
        (
            "dropout",
            loss(dropped(), 1, 1, 64, 0.0),
            loss(dropped(), 1, 2, 64, 0.0),
        ),
        (
            "augmentation",
            loss(plain(), 1, 1, 64, 20.0),
            loss(plain(), 1, 2, 64, 20.0),
        ),
    ] {
        assert!((first - second).abs() > 1e-9, "{what}: {first} {second}");
    }
}

#[test]
fn building_with_a_seed_gives_the_same_weights_and_layers_do_not_share_theirs() {
    let plan = || {
        Sequential::new([20])
            .dense(20, Activation::Relu)
            .dense(20, Activation::Relu)
    };
    let [first, again, other] =
        [3, 3, 4].map(|seed| common::bits(&plan().build(Seed(seed)).unwrap()));
    assert_eq!(first, again);
    assert_ne!(first.0[0], other.0[0]);
    assert_ne!(
        first.0[0].1, first.0[2].1,
        "the second kernel is another draw"
    );
}

#[test]
fn predictions_and_evaluations_do_not_change_from_call_to_call() {
    let _turn = alone();
    let model = plan().build(Seed(5)).unwrap();
    let test = &sample().test;
    let (first, evaluation) = (model.predict(test).unwrap(), model.evaluate(test).unwrap());
    for _ in 0..3 {
        assert_eq!(model.predict(test).unwrap(), first);
        assert_eq!(
            model.evaluate(test).unwrap().loss.to_bits(),
            evaluation.loss.to_bits()
        );
    }
}

#[cfg(target_os = "linux")]
fn threads_of_this_process() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[cfg(target_os = "linux")]
#[test]
fn twenty_trainings_leave_no_thread_behind() {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::{Duration, Instant};

    /// The most threads seen while training.
    struct Most(Rc<Cell<usize>>);
    impl Callback for Most {
        fn on_batch_end(&mut self, _: &BatchRecord, _: &mut Control<'_>) -> Result<()> {
            self.0.set(self.0.get().max(threads_of_this_process()));
            Ok(())
        }
    }

    let _turn = alone();
    let (train, validation) = (sample().train.take(64), sample().test.take(64));
    // The test harness has threads of its own that come and go, fewer than this file has tests.
    const OTHERS: usize = 6;
    let (before, most) = (threads_of_this_process(), Rc::new(Cell::new(0)));
    let mut models = Vec::new();
    let mut trainers = Vec::new();
    for seed in 0..20 {
        let mut model = plan().build(Seed(seed)).unwrap();
        let mut trainer =
            Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).progress(Silent);
        trainer = trainer.threads(5).callback(Most(most.clone()));
        trainer.fit(&mut model, &train, &validation).unwrap();
        model.evaluate(&validation).unwrap();
        models.push(model);
        // As in a notebook: what a cell has made stays there.
        trainers.push(trainer);
    }
    assert!(most.get() >= 5, "there were threads: {}", most.get());
    assert!(
        most.get() <= before + 5 + 5 + OTHERS,
        "those of the training before are gone: {}",
        most.get()
    );
    // A thread ends a little after its pool.
    let start = Instant::now();
    while threads_of_this_process() > before + OTHERS && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(
        threads_of_this_process() <= before + OTHERS,
        "{} threads, {before} before",
        threads_of_this_process()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn calls_by_hand_share_the_threads_that_the_first_one_started() {
    use std::collections::HashSet;
    use std::time::{Duration, Instant};

    let threads = || -> HashSet<_> {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        tasks.map(|task| task.unwrap().file_name()).collect()
    };
    let _turn = alone();
    let batch = sample().train.batches(64).unwrap().next().unwrap();
    let mut model = plan().build(Seed(0)).unwrap();
    let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).threads(5);
    let mut optimizer = Sgd::new(0.01).for_model(&model);
    let before = threads();
    let step = |trainer: &mut Trainer, model: &mut Sequential| {
        let result = trainer.train_on_batch(model, &batch.images, &batch.labels);
        result.unwrap();
    };
    step(&mut trainer, &mut model);
    let started: HashSet<_> = threads().difference(&before).cloned().collect();
    // The test harness starts a thread for each test of this file.
    const OTHERS: usize = 7;
    assert!((4..=5 + OTHERS).contains(&started.len()), "{started:?}");
    for number in 0..30 {
        step(&mut trainer, &mut model);
        let mode = Mode::training(Seed(0), number);
        let logits = model.forward(&batch.images, mode).unwrap();
        let gradients = model.backward(&logits).unwrap();
        optimizer.step(&mut model, &gradients).unwrap();
        let now = threads();
        assert!(started.intersection(&now).count() >= 4, "those of before");
        assert!(now.difference(&started).count() <= before.len() + OTHERS);
    }
    drop(model);
    // A thread ends a little after its pool.
    let start = Instant::now();
    let left = || threads().intersection(&started).count();
    while left() > OTHERS.min(3) && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(left() <= 3, "they end with the network");
}
