//! The options of a training survive JSON and TOML, and a trainer that is made from them trains to the same bits.

mod common;

use common::{assert_says, bits, numbers, sample, small_network};
use lab_core::prelude::*;

/// What is written and read again.
fn through_json(config: &TrainingConfig) -> TrainingConfig {
    serde_json::from_str(&serde_json::to_string_pretty(config).unwrap()).unwrap()
}

fn through_toml(config: &TrainingConfig) -> TrainingConfig {
    toml::from_str(&toml::to_string_pretty(config).unwrap()).unwrap()
}

/// Each with numbers that no `f32` is exactly.
fn optimizers() -> Vec<Optimizer> {
    vec![
        Sgd::new(0.013).into(),
        Sgd::new(0.01).momentum(0.87).into(),
        Sgd::new(0.01).momentum(0.9).nesterov().into(),
        RmsProp::new(0.0011).rho(0.93).momentum(0.2).into(),
        Adam::new(0.0007).betas(0.87, 0.97).into(),
        AdamW::new(0.0007).weight_decay(0.03).into(),
        AdamW::new(1e-3).exclude_biases().into(),
    ]
}

fn schedules() -> Vec<Schedule> {
    let step = Schedule::Step {
        every: 2,
        factor: 0.3,
    };
    let cosine = Schedule::Cosine { lowest: 0.1 };
    vec![
        Schedule::Constant,
        step.clone(),
        Schedule::Exponential { factor: 0.95 },
        cosine.clone(),
        Schedule::OneCycle,
        Schedule::Constant.after_warmup(1.5),
        step.after_warmup(0.5),
        cosine.after_warmup(2.0),
    ]
}

fn trainer(optimizer: Optimizer, schedule: Schedule) -> Trainer {
    Trainer::new(Loss::CategoricalCrossentropy, optimizer).schedule(schedule)
}

/// Every option other than its default.
fn with_everything() -> Trainer {
    trainer(Adam::new(1e-3).into(), Schedule::OneCycle)
        .epochs(3)
        .batch_size(17)
        .seed(Seed(77))
        .label_smoothing(0.1)
        .global_clip_norm(0.7)
        .class_weights((0..10).map(|i| 0.1 * i as f32).collect::<Vec<_>>())
        .augmentation(
            Augmentation::new()
                .horizontal_flip(0.5)
                .rotation(15.0)
                .with(RandomMove::Shift(0.1), 0.5)
                .random_crop(2),
        )
        .callback(
            EarlyStopping::on_val_loss()
                .patience(2)
                .restore_best_weights(),
        )
        .callback(
            ReduceLrOnPlateau::on_val_loss()
                .factor(0.3)
                .patience(1)
                .min_lr(1e-5),
        )
}

#[test]
fn every_optimizer_and_schedule_and_every_option_survives_json_and_toml() {
    let mut configs = vec![with_everything().config().clone()];
    for optimizer in optimizers() {
        for schedule in schedules() {
            configs.push(trainer(optimizer, schedule).config().clone());
        }
    }
    for loss in Loss::ALL {
        configs.push(Trainer::new(loss, Sgd::default()).config().clone());
    }
    for config in configs {
        config.validate().unwrap();
        assert_eq!(through_json(&config), config);
        assert_eq!(through_toml(&config), config);
    }
}

#[test]
fn a_trainer_from_written_options_trains_to_the_same_bits() {
    let (train, validation) = (sample().train.take(60), sample().test.take(40));
    let fit = |trainer: Trainer| {
        let mut model = small_network();
        let history = trainer
            .progress(Silent)
            .fit(&mut model, &train, &validation);
        let history = history.unwrap();
        (bits(&model), numbers(&history), history.stopped)
    };
    let all = || {
        let each = optimizers().into_iter().zip(schedules());
        let each = each.map(|(optimizer, schedule)| trainer(optimizer, schedule).epochs(2));
        each.chain([with_everything()])
    };
    for (given, again) in all().zip(all()) {
        let config = given.config().clone();
        let wanted = fit(again);
        assert_eq!(fit(through_json(&config).trainer()), wanted, "{config:?}");
        assert_eq!(fit(through_toml(&config).trainer()), wanted, "{config:?}");
    }
}

#[test]
fn options_that_are_left_out_are_the_usual_ones_and_unknown_ones_are_refused() {
    let text = r#"
        loss = "categorical_crossentropy"
        epochs = 1
        batch_size = 32
        optimizer = { name = "adam", learning_rate = 0.001 }
    "#;
    let usual = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3));
    assert_eq!(
        toml::from_str::<TrainingConfig>(text).unwrap(),
        *usual.config()
    );
    for (from, to, word) in [
        ("epochs = 1", "epoch = 1", "epoch"),
        ("epochs = 1", "epochs = -1", "-1"),
        ("categorical_crossentropy", "crossentropy", "crossentropy"),
        ("\"adam\"", "\"adamax\"", "adamax"),
        ("epochs = 1", "epochs = 1\nseeds = 3", "seeds"),
    ] {
        let error = toml::from_str::<TrainingConfig>(&text.replace(from, to));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(word), "no `{word}` in {error}");
    }
    // Numbers out of their range are read, and refused by name before anything is trained.
    let read: TrainingConfig = toml::from_str(&text.replace("0.001", "-0.5")).unwrap();
    let words = ["learning rate", "found -0.5", "at least 0"];
    assert_says(read.validate(), &words);
    let mut trainer = read.trainer().progress(Silent);
    let train = sample().train.take(20);
    assert_says(trainer.fit(&mut small_network(), &train, None), &words);
}
