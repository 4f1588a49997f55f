//! The same seed gives the same bits on every processor that has fused multiply-add, with whichever of its instructions and
//! with any number of threads. The sums below were made with AVX-512; `.ci/arm` compares NEON with them.

use std::process::Command;

use lab_core::compute::Instructions;
use lab_core::prelude::*;
use sha2::{Digest, Sha256};

/// Four trainings of three epochs on the sample, and the SHA-256 of the weights and losses that they end with.
const TRAININGS: [(&str, &str); 4] = [
    (
        "the original lab's layers with Adam",
        "ea8fde6f7c5ecdc468cd000f9ff3bec1a14ca6cd354a2e6b7270fe708b1d0c10",
    ),
    (
        "batch normalization, dropout and moved images with momentum",
        "96554ee7a38f54cc58c0d0f6fec231c40f87b9effad671da6e797e11fe595239",
    ),
    (
        "GELU, L2, label smoothing and warm-up with RMSprop",
        "4df659c1ed699595b1756af4c55e7f7b6b6909a59d646a4ededcde3fcd356191",
    ),
    (
        "convolution, pooling and both normalizations with Nesterov momentum",
        "0a3811afd04822164359132a91d221ca2846354feb1d03cb1608d82433a88c42",
    ),
];

fn digest(training: usize, threads: usize) -> String {
    let (train, validation) = Cifar10::sample().train.split(0.8, Seed(7)).unwrap();
    let input = Sequential::new([32, 32, 3]).flatten();
    let (plan, trainer) = match training {
        0 => {
            let plan = input
                .dense(128, Activation::Elu)
                .dense(64, Activation::Tanh)
                .dense(32, Activation::Elu);
            (
                plan,
                Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)),
            )
        }
        1 => {
            let plan = input
                .dense(96, Activation::Relu)
                .batch_norm()
                .dropout(0.3)
                .dense(50, Activation::Sigmoid);
            let momentum: Optimizer = "momentum".parse().unwrap();
            let trainer = Trainer::new(Loss::CategoricalCrossentropy, momentum);
            (
                plan,
                trainer.augmentation(
                    Augmentation::new()
                        .horizontal_flip(0.5)
                        .rotation(15.0)
                        .with(RandomMove::Shift(0.1), 0.5),
                ),
            )
        }
        2 => {
            let first = Dense::new(80, Activation::Gelu)
                .initializer(Initializer::HeNormal)
                .l2(1e-3);
            let plan = input.layer(first).dense(40, Activation::LeakyRelu);
            let trainer = Trainer::new(Loss::CategoricalCrossentropy, RmsProp::new(1e-3))
                .label_smoothing(0.1);
            (
                plan,
                trainer
                    .schedule(Schedule::Cosine { lowest: 0.0 }.after_warmup(0.5))
                    .global_clip_norm(1.0),
            )
        }
        _ => {
            let plan = Sequential::new([32, 32, 3])
                .layer(Conv2d::new(13, 3, Activation::Gelu).padding(Padding::Same))
                .average_pooling2d(2)
                .layer_norm()
                .layer(Conv2d {
                    strides: 2,
                    use_bias: false,
                    ..Conv2d::new(24, 3, Activation::Linear)
                })
                .max_pooling2d(2)
                .batch_norm()
                .activation(Activation::Relu)
                .flatten();
            let nesterov = Sgd::new(0.05).momentum(0.85).nesterov().beta_rate(8.0);
            (plan, Trainer::new(Loss::CategoricalCrossentropy, nesterov))
        }
    };
    let mut model = plan.dense(10, Activation::Softmax).build(Seed(1)).unwrap();
    let mut trainer = trainer
        .epochs(3)
        .batch_size(61)
        .seed(Seed(2))
        .threads(threads)
        .progress(Silent);
    let history = trainer.fit(&mut model, &train, &validation).unwrap();
    let mut sum = Sha256::new();
    for name in model.weight_names() {
        model
            .weight(name)
            .unwrap()
            .iter()
            .for_each(|weight| sum.update(weight.to_le_bytes()));
    }
    for epoch in &history.epochs {
        [Some(epoch.loss), epoch.val_loss]
            .into_iter()
            .flatten()
            .for_each(|loss| sum.update(loss.to_le_bytes()));
    }
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn trainings_end_with_the_recorded_bits_for_any_number_of_threads() {
    if !Instructions::detect().has_fused_multiply_add() {
        println!("this path has no fused multiply-add: its last bits are its own");
        return;
    }
    for (training, (name, recorded)) in TRAININGS.into_iter().enumerate() {
        for threads in 1..=3 {
            assert_eq!(
                digest(training, threads),
                recorded,
                "{name}, {threads} threads, {}",
                Instructions::detect()
            );
        }
    }
}

#[test]
fn every_set_of_instructions_that_this_processor_has_gives_them() {
    for path in Instructions::available() {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args([
            "--exact",
            "trainings_end_with_the_recorded_bits_for_any_number_of_threads",
            "--nocapture",
        ]);
        let output = test
            .env("LAB_INSTRUCTIONS", path.to_string())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{path}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn instructions_that_this_processor_does_not_have_are_an_error_that_names_those_it_has() {
    let test =
        "instructions_that_this_processor_does_not_have_are_an_error_that_names_those_it_has";
    if std::env::var_os("LAB_INSTRUCTIONS").is_some() {
        let model = Sequential::new([32, 32, 3])
            .flatten()
            .dense(10, Activation::Softmax)
            .build(Seed(0))
            .unwrap();
        let error = model
            .evaluate(&Cifar10::sample().test)
            .unwrap_err()
            .to_string();
        return println!("{error}");
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child
        .args(["--exact", test, "--nocapture"])
        .env("LAB_INSTRUCTIONS", "avx1024")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("LAB_INSTRUCTIONS") && said.contains("avx1024") && said.contains("plain"),
        "{said}"
    );
}
