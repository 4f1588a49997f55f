//! What must hold of a training on several ranks, here threads of one process.

use std::path::Path;
use std::thread;

use lab_cluster::{Channels, Communicator, Single, Training, sha256, sum};
use lab_core::compute::Threads;
use lab_core::prelude::*;

fn data() -> Dataset {
    Cifar10::sample().train
}

/// Everything whose bits could depend on the ranks: dropout's masks, running statistics, penalties.
fn plan() -> Architecture {
    Sequential::new([32, 32, 3])
        .flatten()
        .layer(Dense::new(24, Activation::Elu).l2(0.01))
        .batch_norm()
        .dropout(0.3)
        .dense(10, Activation::Softmax)
}

/// Flips and turns; 256 does not divide the 1,000 images.
fn training(epochs: usize) -> Training {
    let moves = Augmentation::new()
        .with(RandomMove::AlternatingFlip, 1.0)
        .rotation(10.0);
    let config = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
        .schedule(Schedule::Exponential { factor: 0.9 })
        .label_smoothing(0.1)
        .augmentation(moves)
        .batch_size(256)
        .epochs(epochs)
        .seed(Seed(5))
        .config()
        .clone();
    Training {
        config,
        checkpoint: None,
        resume: false,
    }
}

fn quiet(_: &EpochRecord, _: usize, _: usize) {}

/// Runs `task` on each of `size` ranks, in threads of their own; what each returns.
fn on_ranks<T: Send>(size: usize, task: impl Fn(Channels) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let start = |ranks| scope.spawn(|| task(ranks));
        let threads: Vec<_> = Channels::connect(size).into_iter().map(start).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    })
}

/// The network and the history of rank 0, when all ranks have ended with equal weights.
fn train(training: &Training, size: usize) -> (Sequential, History) {
    let mut all = on_ranks(size, |ranks| {
        let mut model = plan().build(Seed(3)).unwrap();
        let history = training.run(&ranks, &mut model, &data(), &mut quiet);
        (model, history.unwrap())
    });
    let first = sha256(&all[0].0);
    all.iter()
        .for_each(|(model, _)| assert_eq!(sha256(model), first));
    all.swap_remove(0)
}

fn losses(history: &History) -> Vec<(f64, f64)> {
    let epochs = history.epochs.iter();
    epochs.map(|it| (it.loss, it.accuracy)).collect()
}

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn every_number_of_ranks_ends_with_the_bits_of_one_process() {
    let mut alone = plan().build(Seed(3)).unwrap();
    let start = sha256(&alone);
    let history = training(2)
        .run(&Single, &mut alone, &data(), &mut quiet)
        .unwrap();
    assert_ne!(sha256(&alone), start);
    for size in [1, 2, 4, 8, 16] {
        let (model, other) = train(&training(2), size);
        for name in alone.weight_names() {
            let (found, wanted) = (model.weight(name).unwrap(), alone.weight(name).unwrap());
            assert_eq!(found, wanted, "{name} on {size} ranks");
        }
        assert_eq!(sha256(&model), sha256(&alone), "{size} ranks");
        assert_eq!(losses(&other), losses(&history), "{size} ranks");
    }
}

/// Without what a shard does by itself (normalization, masks), only rounding may differ from `fit`.
#[test]
fn the_mean_over_shards_is_the_gradient_of_fit_up_to_rounding() {
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .layer(Dense::new(24, Activation::Elu).l2(0.01))
        .dense(10, Activation::Softmax);
    let (mut together, mut fitted) = (
        plan.clone().build(Seed(3)).unwrap(),
        plan.build(Seed(3)).unwrap(),
    );
    let start = fitted.clone();
    // Plain descent does not enlarge rounding, as Adam does where a gradient is nearly 0.
    let mut training = training(2);
    training.config.optimizer = Sgd::new(0.1).momentum(0.9).into();
    let data = data().take(768);
    let history = training.run(&Single, &mut together, &data, &mut quiet);
    let mut trainer = training.config.clone().trainer().progress(Silent);
    let plain = trainer.fit(&mut fitted, &data, None).unwrap();
    for name in fitted.weight_names() {
        let (found, wanted) = (together.weight(name).unwrap(), fitted.weight(name).unwrap());
        let moved = (&wanted - &start.weight(name).unwrap()).mapv(f32::abs);
        let apart = (&found - &wanted).mapv(f32::abs);
        let largest = |array: &ndarray::ArrayD<f32>| array.iter().copied().fold(0.0, f32::max);
        let (moved, apart) = (largest(&moved), largest(&apart));
        assert!(
            moved > 1e-3 && apart < 1e-4 * moved,
            "{name}: {apart} of {moved}"
        );
    }
    for (record, plain) in history.unwrap().epochs.iter().zip(&plain.epochs) {
        assert!((record.loss - plain.loss).abs() < 1e-5 * plain.loss);
        assert!((record.accuracy - plain.accuracy).abs() < 1e-6);
    }
}

/// Momentum 0 keeps nothing: after one step the statistics are the means of those of the 16 shards.
#[test]
fn running_statistics_are_the_means_of_the_shards() {
    let norm = BatchNorm {
        momentum: 0.0,
        ..BatchNorm::default()
    };
    let plan = Sequential::new([32, 32, 3])
        .flatten()
        .layer(norm)
        .dense(10, Activation::Softmax);
    let mut one_step = training(1);
    one_step.config.augmentation = None;
    let data = data().take(256);
    let mut model = plan.build(Seed(3)).unwrap();
    one_step
        .run(&Single, &mut model, &data, &mut quiet)
        .unwrap();
    let (mut mean, mut variance) = (vec![0.0; 3072], vec![0.0; 3072]);
    for batch in data.batches(16).unwrap().shuffled(Seed(5), 0) {
        for feature in 0..3072 {
            let pixels = batch.images.iter().skip(feature).step_by(3072);
            let pixels: Vec<f64> = pixels.map(|&x| x.into()).collect();
            let of_shard = pixels.iter().sum::<f64>() / 16.0;
            let squares = pixels.iter().map(|x| (x - of_shard).powi(2));
            variance[feature] += squares.sum::<f64>() / 256.0;
            mean[feature] += of_shard / 16.0;
        }
    }
    for (name, wanted) in [("moving_mean", mean), ("moving_variance", variance)] {
        let name = format!("batch_normalization.{name}");
        let found = model.weight(&name).unwrap();
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(
                (f64::from(*found) - wanted).abs() < 1e-6,
                "{name}: {found}, not {wanted}"
            );
        }
    }
}

#[test]
fn a_training_resumes_on_another_number_of_ranks_to_the_same_bits() {
    let (whole, history) = train(&training(4), 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    let part = |epochs, resume, size| {
        let training = Training {
            checkpoint: Some(file.clone()),
            resume,
            ..training(epochs)
        };
        train(&training, size)
    };
    // Nothing is there to go on from at first.
    part(1, true, 4);
    part(3, true, 16);
    let (resumed, again) = part(4, true, 2);
    assert_eq!(sha256(&resumed), sha256(&whole));
    assert_eq!(losses(&again), losses(&history));
    let names: Vec<_> = folder.path().read_dir().unwrap().collect();
    assert_eq!(names.len(), 1, "no part of a file stays");
}

fn resume(training: Training, file: &Path, size: usize) -> Vec<Result<History>> {
    let training = Training {
        checkpoint: Some(file.to_owned()),
        resume: true,
        ..training
    };
    on_ranks(size, |ranks| {
        let mut model = plan().build(Seed(3))?;
        training.run(&ranks, &mut model, &data(), &mut quiet)
    })
}

#[test]
fn a_checkpoint_of_another_training_or_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    assert!(resume(training(2), &file, 1)[0].is_ok());
    let says = |training: Training, words: &str| {
        for result in resume(training, &file, 2) {
            let text = message(result);
            assert!(text.contains(words), "no `{words}` in {text}");
        }
    };
    let with = |change: fn(&mut TrainingConfig)| {
        let mut training = training(4);
        change(&mut training.config);
        training
    };
    says(with(|it| it.seed = Seed(6)), "checkpoint: set of options");
    says(
        training(1),
        "found 2 epochs that are done, expected at most 1",
    );
    let cosine = Schedule::Cosine { lowest: 0.0 };
    let mut over_two = training(2);
    over_two.config.schedule = cosine.clone();
    let other = folder.path().join("cosine");
    assert!(resume(over_two.clone(), &other, 1)[0].is_ok());
    over_two.config.epochs = 3;
    let text = message(resume(over_two, &other, 1).remove(0));
    assert!(text.contains("checkpoint: set of options"), "{text}");

    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    says(training(4), "other numbers than were written");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    says(training(4), "other numbers than were written");
    std::fs::write(&file, "{}").unwrap();
    says(training(4), "missing field");
}

#[test]
fn ranks_with_different_data_or_options_are_named_on_every_rank() {
    let run = |change: &(dyn Fn(&mut Training, &mut Dataset) + Sync)| {
        let results = on_ranks(4, |ranks| {
            let (mut training, mut data) = (training(1), data());
            if ranks.rank() == 2 {
                change(&mut training, &mut data);
            }
            let mut model = plan().build(Seed(3))?;
            training.run(&ranks, &mut model, &data, &mut quiet)
        });
        let texts: Vec<String> = results.into_iter().map(message).collect();
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        texts[0].clone()
    };
    let text = run(&|_, data| *data = Cifar10::sample().train.take(999));
    assert!(
        text.contains("rank 2: found a different data set, expected that of rank 0"),
        "{text}"
    );
    let text = run(&|training, _| training.config.seed = Seed(1));
    assert!(
        text.contains("rank 2: found a different set of options"),
        "{text}"
    );
    let text = run(&|training, _| training.config.epochs = 2);
    assert!(text.contains("a different number of epochs"), "{text}");
}

#[test]
fn a_rank_that_ends_ends_the_others_with_a_message() {
    let results = on_ranks(4, |ranks| {
        let mut model = plan().build(Seed(3))?;
        let mut steps = 0;
        let gone = ranks.rank() == 3;
        let leave = move |_: &EpochRecord, _: usize, _: usize| {
            steps += 1;
            assert!(!(gone && steps == 2), "killed");
        };
        let run = std::panic::AssertUnwindSafe(|| {
            training(2).run(&{ ranks }, &mut model, &data(), &mut { leave })
        });
        std::panic::catch_unwind(run).unwrap_or_else(|_| Ok(History::default()))
    });
    for result in results.into_iter().take(3) {
        let text = message(result);
        assert!(text.contains("found that it has ended"), "{text}");
    }
}

#[test]
fn what_ranks_cannot_do_is_refused_with_a_remedy() {
    let says = |training: &Training, size: usize, words: &str| {
        for result in on_ranks(size, |ranks| {
            let mut model = plan().build(Seed(3))?;
            training.run(&ranks, &mut model, &data(), &mut quiet)
        }) {
            let text = message(result);
            assert!(
                text.contains(words) && text.contains("what to do"),
                "{text}"
            );
        }
    };
    says(&training(1), 3, "ranks: found 3, expected 1, 2, 4, 8 or 16");
    let mut odd = training(1);
    odd.config.batch_size = 100;
    says(&odd, 2, "batch size: found 100, expected a multiple of 16");
    odd.config.batch_size = 1024;
    says(&odd, 1, "at most the 1000 images");
    let mut clipped = training(1);
    clipped.config.global_clip_norm = Some(1.0);
    says(&clipped, 1, "an option that ranks do not support");
}

/// Numbers whose sum depends on the order.
#[test]
fn sums_over_ranks_are_those_of_the_tree() {
    let values = |rank: usize| -> Vec<f32> {
        let value = |i: usize| 1.0 / (1 + (rank * 37 + i * 11) % 101) as f32;
        (0..13).map(value).collect()
    };
    let tree = |from: usize, to: usize| -> Vec<f32> {
        fn add(from: usize, to: usize, leaf: &dyn Fn(usize) -> Vec<f32>) -> Vec<f32> {
            if to - from == 1 {
                return leaf(from);
            }
            let middle = (from + to) / 2;
            let pairs = add(from, middle, leaf).into_iter();
            let pairs = pairs.zip(add(middle, to, leaf));
            pairs.map(|(a, b)| a + b).collect()
        }
        add(from, to, &values)
    };
    for size in [1, 2, 4, 8, 16, 32] {
        for sums in on_ranks(size, |ranks| {
            let mut own = values(ranks.rank());
            sum(&ranks, &mut own, &Threads::one()).unwrap();
            own
        }) {
            assert_eq!(sums, tree(0, size), "{size} ranks");
        }
    }
    let in_order = (1..16).fold(values(0), |sum, rank| {
        let pairs = sum.into_iter().zip(values(rank));
        pairs.map(|(a, b)| a + b).collect()
    });
    assert_ne!(in_order, tree(0, 16), "the order must matter");
}
