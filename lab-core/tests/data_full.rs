//! The real 60,000 images: `LAB_DATA=data cargo test --release --test data_full -- --ignored`.

use std::time::Instant;

use lab_core::prelude::*;

fn open() -> Cifar10 {
    Cifar10::open(std::env::var("LAB_DATA").expect("LAB_DATA names the folder")).unwrap()
}

#[test]
#[ignore = "needs the full data set"]
fn the_full_data_set_has_the_numbers_that_are_published() {
    let cifar = open();
    assert_eq!(cifar.train.class_counts(), [5000; 10]);
    assert_eq!(cifar.test.class_counts(), [1000; 10]);
    let (mean, std) = cifar.train.channel_statistics();
    for (found, wanted) in mean.iter().zip([0.49139968, 0.48215841, 0.44653091]) {
        assert!((found - wanted).abs() < 1e-8, "{found} {wanted}");
    }
    for (found, wanted) in std.iter().zip([0.24703223, 0.24348513, 0.26158784]) {
        assert!((found - wanted).abs() < 1e-8, "{found} {wanted}");
    }
    // The sample is every 50th image of each class, in the order of the files.
    let mut seen = [0; 10];
    let chosen: Vec<usize> = (0..50_000)
        .filter(|&i| {
            let count = &mut seen[usize::from(cifar.train.label(i).unwrap())];
            *count += 1;
            *count % 50 == 1
        })
        .collect();
    let sample = Cifar10::sample().train;
    assert_eq!(
        cifar.train.subset(&chosen).unwrap().images(),
        sample.images()
    );
    assert_eq!(
        cifar.train.subset(&chosen).unwrap().labels(),
        sample.labels()
    );
}

#[test]
#[ignore = "needs the full data set, and an idle machine"]
fn opening_takes_less_than_a_second_and_batches_are_quick() {
    let start = Instant::now();
    let cifar = open();
    println!("open: {:?}", start.elapsed());
    assert!(start.elapsed().as_secs_f64() < 1.0);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        println!(
            "{}",
            status
                .lines()
                .find(|line| line.starts_with("VmHWM"))
                .unwrap_or("")
        );
    }
    let flip = || Augmentation::new().horizontal_flip(0.5);
    for augmentation in [
        Augmentation::new(),
        flip(),
        flip().random_crop(4),
        flip().shift(0.1),
        flip().shift(0.1).rotation(15.0),
    ] {
        let start = Instant::now();
        let mut batches = cifar.train.batches(64).unwrap().shuffled(Seed(1), 0);
        if !augmentation.moves.is_empty() {
            let augmentation = augmentation.clone();
            batches = batches.augmented(augmentation, Seed(1), 0).unwrap();
        }
        let count = batches.len();
        batches.for_each(drop);
        println!(
            "{:?}: {:.3} ms a batch of 64 on one thread",
            augmentation.moves,
            start.elapsed().as_secs_f64() * 1e3 / count as f64
        );
    }
}
