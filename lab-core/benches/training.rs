//! What a training is made of, on the built-in sample: `cargo bench --bench training`. Items are images.

use std::fs;

use divan::{Bencher, counter::ItemsCount};
use lab_core::data::cifar10::{TEST_FILE, TRAIN_FILES};
use lab_core::prelude::*;

fn main() {
    divan::main();
}

fn network() -> Architecture {
    Sequential::new([32, 32, 3])
        .flatten()
        .dense(512, Activation::Elu)
        .dense(256, Activation::Tanh)
        .dense(128, Activation::Elu)
        .dense(10, Activation::Softmax)
}

/// Epochs of 1,000 images: gathering, forward, backward and Adam.
#[divan::bench(args = [16, 64, 256, 1000], consts = [1, 2], sample_count = 20)]
fn epoch<const THREADS: usize>(bencher: Bencher<'_, '_>, batch_size: usize) {
    let train = Cifar10::sample().train;
    let mut model = network()
        .build(Seed(0))
        .expect("the original lab's network");
    let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3));
    let mut trainer = trainer
        .epochs(1)
        .batch_size(batch_size)
        .threads(THREADS)
        .progress(Silent);
    bencher
        .counter(ItemsCount::new(train.len()))
        .bench_local(|| trainer.fit(&mut model, &train, None));
}

/// Batches of 64 from bytes to numbers, as they are and with each movement.
#[divan::bench(args = ["as they are", "flip", "shift", "rotate", "all"])]
fn gather(bencher: Bencher<'_, '_>, moves: &str) {
    let train = Cifar10::sample().train;
    let batches = train.batches(64).expect("64 is a batch size");
    let batches = batches.shuffled(Seed(0), 0);
    let none = Augmentation::new();
    let augmentation = match moves {
        "flip" => none.horizontal_flip(0.5),
        "shift" => none.shift(0.1),
        "rotate" => none.rotation(15.0),
        _ => none.horizontal_flip(0.5).shift(0.1).rotation(15.0),
    };
    let batches = match moves {
        "as they are" => batches,
        _ => batches
            .augmented(augmentation, Seed(0), 0)
            .expect("the moves are in range"),
    };
    let mut batches = batches.cycle();
    bencher
        .counter(ItemsCount::new(64_usize))
        .bench_local(|| batches.next());
}

/// Loss, accuracy and predictions of 500 images.
#[divan::bench]
fn evaluate(bencher: Bencher<'_, '_>) {
    let (test, model) = (
        Cifar10::sample().test,
        network()
            .build(Seed(0))
            .expect("the original lab's network"),
    );
    bencher
        .counter(ItemsCount::new(test.len()))
        .bench_local(|| model.evaluate(&test));
}

/// 60,000 images from six files of the official size, which lie in memory after the first time.
#[divan::bench(sample_count = 10)]
fn open(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder for 184 MB");
    for name in TRAIN_FILES.iter().chain([&TEST_FILE]) {
        let records = (0..10_000_usize)
            .flat_map(|i| [(i % 10) as u8].into_iter().chain([(i % 251) as u8; 3072]));
        fs::write(folder.path().join(name), records.collect::<Vec<u8>>()).expect("room for 184 MB");
    }
    bencher
        .counter(ItemsCount::new(60_000_usize))
        .bench_local(|| Cifar10::open(folder.path()));
}
