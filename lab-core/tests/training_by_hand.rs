//! Forward, backward and the optimizer's step by hand: the same bits as `fit`, and the gradients of the formulas.

mod common;

use common::{assert_says, bits, numbers, quiet, random, sample, small_network, uniform};
use lab_core::prelude::*;
use ndarray::{Array2, ArrayD, Axis, ShapeBuilder, Zip};

const SEED: Seed = Seed(8);
const EPOCHS: usize = 2;

/// Everything that a step changes or depends on: masks, running statistics, penalties.
fn plan(last: Activation) -> Architecture {
    Sequential::new([32, 32, 3])
        .flatten()
        .layer(Dense::new(12, Activation::Elu).l2(0.01))
        .batch_norm()
        .dropout(0.3)
        .residual(|block| {
            block
                .layer_norm()
                .dense(7, Activation::Gelu)
                .dense(12, Activation::Linear)
        })
        .dense(9, Activation::Gelu)
        .dense(10, last)
}

fn optimizers() -> Vec<Optimizer> {
    let named = Optimizer::NAMES.map(|name| name.parse().unwrap());
    let without_biases = AdamW::new(0.01).weight_decay(0.1).exclude_biases();
    let moving = RmsProp::new(0.001).momentum(0.5);
    named
        .into_iter()
        .chain([without_biases.into(), moving.into()])
        .collect()
}

/// Weights of classes and examples, none of them 1.
fn weights(examples: usize) -> (Vec<f32>, Vec<f32>) {
    let of_class = (0..10).map(|class| 0.5 + 0.1 * class as f32).collect();
    let of_example = (0..examples).map(|i| 0.25 * (i % 5) as f32).collect();
    (of_class, of_example)
}

/// The loop that `fit` is, written by hand; returns the losses of the epochs, penalties included.
fn by_hand(
    model: &mut Sequential,
    train: &Dataset,
    trainer: &Trainer,
    example_weights: &[f32],
) -> Vec<f64> {
    let config = trainer.config();
    let mut optimizer = config.optimizer.for_model(model);
    let (base, mut losses) = (optimizer.learning_rate, Vec::new());
    for epoch in 0..config.epochs {
        let batches = train.batches(config.batch_size).unwrap();
        let batches = batches
            .shuffled(config.seed, epoch)
            .weighted(config.class_weights.as_deref(), Some(example_weights))
            .unwrap();
        let mut sum = 0.0;
        let steps = batches.len();
        for (number, batch) in batches.enumerate() {
            let at = epoch as f64 + number as f64 / steps as f64;
            optimizer.learning_rate = config.schedule.rate(base, at, config.epochs);
            let penalty = model.penalty();
            let mode = Mode::training(config.seed, optimizer.steps());
            let outputs = model.forward(&batch.images, mode).unwrap();
            let targets = Targets::classes(&batch.labels)
                .smoothed(config.label_smoothing)
                .weighted(batch.weights.as_deref().unwrap());
            let (value, gradient) = config
                .loss
                .value_and_gradient(outputs.view(), targets)
                .unwrap();
            let gradients = model.backward(&gradient).unwrap();
            optimizer.step(model, &gradients).unwrap();
            sum += (value + penalty) * batch.labels.len() as f64;
        }
        losses.push(sum / train.len() as f64);
    }
    assert_eq!(
        optimizer.steps(),
        (EPOCHS * train.len().div_ceil(32)) as u64
    );
    losses
}

#[test]
fn a_loop_by_hand_is_fit_to_the_bit_for_every_optimizer_and_loss() {
    let train = sample().train.take(75);
    let (of_class, of_example) = weights(75);
    let mean_squared = (Loss::MeanSquaredError, Activation::Sigmoid, 0.0);
    let entropy = (Loss::CategoricalCrossentropy, Activation::Softmax, 0.1);
    for optimizer in optimizers() {
        for (loss, last, smoothing) in [entropy, mean_squared] {
            let trainer = || {
                Trainer::new(loss, optimizer)
                    .progress(Silent)
                    .epochs(EPOCHS)
                    .seed(SEED)
                    .schedule(Schedule::Cosine { lowest: 0.1 })
                    .label_smoothing(smoothing)
                    .class_weights(of_class.clone())
                    .sample_weights(of_example.clone())
            };
            let start = plan(last).build(Seed(3)).unwrap();
            let (mut fitted, mut stepped) = (start.clone(), start.clone());
            let history = trainer().fit(&mut fitted, &train, None).unwrap();
            let losses = by_hand(&mut stepped, &train, &trainer(), &of_example);
            let what = format!("{optimizer:?} with {loss}");
            assert_ne!(bits(&fitted), bits(&start), "{what}");
            assert_eq!(bits(&stepped), bits(&fitted), "{what}");
            for (record, loss) in history.epochs.iter().zip(losses) {
                assert!((record.loss - loss).abs() < 1e-12, "{what}: {record:?}");
            }
        }
    }
}

#[test]
fn a_loop_by_hand_on_the_trainers_threads_and_on_one_is_the_same() {
    let train = sample().train.take(64);
    let step = |threads: usize| {
        let mut model = plan(Activation::Softmax).build(Seed(3)).unwrap();
        // The threads of the first step by the trainer are those of what follows by hand.
        let mut trainer = quiet(Sgd::new(0.01)).threads(threads);
        let batch = train.batches(64).unwrap().next().unwrap();
        let result = trainer.train_on_batch(&mut model, &batch.images, &batch.labels);
        let loss = result.unwrap();
        let outputs = model.forward(&train, Mode::training(SEED, 1)).unwrap();
        let gradients = model.backward(&outputs).unwrap();
        (loss, outputs, gradients)
    };
    assert_eq!(step(1), step(3));
}

/// A small network of smooth layers, and the batch that it sees.
struct Check {
    model: Sequential,
    x: Array2<f32>,
    labels: Vec<u8>,
    weights: Vec<f32>,
    loss: Loss,
    training: bool,
}

const SMOOTHING: f32 = 0.1;
const L2: f32 = 0.05;
const ROWS: usize = 7;

impl Check {
    fn new(loss: Loss, training: bool) -> Self {
        let last = match loss.from_logits() {
            true => Activation::Softmax,
            false => Activation::Tanh,
        };
        let plan = Sequential::new([5])
            .layer(Dense::new(6, Activation::Tanh).l2(L2))
            .batch_norm()
            .dense(3, last);
        let mut model = plan.build(Seed(4)).unwrap();
        // Zeros and ones would hide mistakes.
        let mut draw = uniform(9);
        let names: Vec<String> = model.weight_names().map(str::to_owned).collect();
        for name in names.iter().filter(|name| !name.ends_with("kernel")) {
            let middle = f32::from(u8::from(
                name.ends_with("gamma") || name.ends_with("variance"),
            ));
            let value = model.weight(name).unwrap().mapv(|_| middle + 0.4 * draw());
            model.set_weight(name, value).unwrap();
        }
        Self {
            model,
            x: random(ROWS, 5, 6),
            labels: (0..ROWS).map(|i| (i % 3) as u8).collect(),
            weights: (0..ROWS).map(|i| 0.5 + 0.25 * i as f32).collect(),
            loss,
            training,
        }
    }

    fn targets(&self) -> Targets<'_> {
        let smoothing = if self.loss.from_logits() {
            SMOOTHING
        } else {
            0.0
        };
        Targets::classes(&self.labels)
            .smoothed(smoothing)
            .weighted(&self.weights)
    }

    fn mode(&self) -> Mode {
        match self.training {
            true => Mode::training(SEED, 0),
            false => Mode::Inference,
        }
    }

    /// What the last layer gives before its softmax, and the loss with the penalty: the formulas in `f64`, with one
    /// number of an array moved by `by`.
    fn formulas(&self, moved: (&str, usize, f64)) -> (Array2<f64>, f64) {
        let array = |name: &str| {
            let mut array = self.model.weight(name).unwrap().mapv(f64::from);
            let (of, at, by) = moved;
            if of == name {
                *array.iter_mut().nth(at).unwrap() += by;
            }
            let columns = *array.shape().last().unwrap();
            let rows = array.len() / columns;
            Array2::from_shape_vec((rows, columns), array.into_iter().collect()).unwrap()
        };
        let norm = |name: &str| array(&format!("batch_normalization.{name}"));
        let kernel = array("dense.kernel");
        let h = (self.x.mapv(f64::from).dot(&kernel) + array("dense.bias")).mapv(f64::tanh);
        let (mean, variance) = match self.training {
            true => (
                h.mean_axis(Axis(0)).unwrap().insert_axis(Axis(0)),
                h.var_axis(Axis(0), 0.0).insert_axis(Axis(0)),
            ),
            false => (norm("moving_mean"), norm("moving_variance")),
        };
        let h = (h - mean) / (variance + 0.001).sqrt() * norm("gamma") + norm("beta");
        let z = h.dot(&array("dense_1.kernel")) + array("dense_1.bias");
        let mut sum = 0.0;
        for (i, z) in z.outer_iter().enumerate() {
            let one = |k: usize| f64::from(u8::from(usize::from(self.labels[i]) == k));
            let loss: f64 = match self.loss.from_logits() {
                true => {
                    let s = f64::from(SMOOTHING);
                    let log_sum = z.mapv(f64::exp).sum().ln();
                    let term = |k: usize| (one(k) * (1.0 - s) + s / 3.0) * (log_sum - z[k]);
                    (0..3).map(term).sum()
                }
                false => (0..3).map(|k| (z[k].tanh() - one(k)).powi(2) / 3.0).sum(),
            };
            sum += f64::from(self.weights[i]) * loss;
        }
        let penalty = f64::from(L2) * kernel.mapv(|w| w * w).sum();
        let outputs = match self.loss.from_logits() {
            true => z,
            false => z.mapv(f64::tanh),
        };
        (outputs, sum / ROWS as f64 + penalty)
    }
}

#[test]
fn the_gradients_are_the_slopes_of_the_loss() {
    for loss in [Loss::CategoricalCrossentropy, Loss::MeanSquaredError] {
        for training in [true, false] {
            let mut check = Check::new(loss, training);
            let what = format!("{loss}, training: {training}");
            let statistics = check.model.weight("batch_normalization.moving_mean");
            let statistics = statistics.unwrap().to_owned();
            let (wanted, wanted_loss) = check.formulas(("", 0, 0.0));

            let (penalty, mode) = (check.model.penalty(), check.mode());
            let outputs = check.model.forward(&check.x, mode).unwrap();
            Zip::from(&outputs).and(&wanted).for_each(|found, wanted| {
                let far = (f64::from(*found) - wanted).abs();
                assert!(far < 1e-5, "{what}: {found}, not {wanted}");
            });
            let given = loss.value_and_gradient(outputs.view(), check.targets());
            let (value, gradient) = given.unwrap();
            assert!((value + penalty - wanted_loss).abs() < 1e-5, "{what}");
            let gradients = check.model.backward(&gradient).unwrap();

            // The formulas of training do not read the running statistics, and inference does not change them.
            let now = check.model.weight("batch_normalization.moving_mean");
            assert_eq!(now.unwrap() == statistics, !training, "{what}");
            let trained = check.model.weight_names();
            let trained = trained.filter(|name| !name.contains("moving"));
            assert!(gradients.iter().map(|(name, _)| name).eq(trained), "{what}");
            for (name, gradient) in &gradients {
                assert_eq!(gradient.shape(), check.model.weight(name).unwrap().shape());
                for (at, found) in gradient.iter().enumerate() {
                    let h = 1e-5;
                    let [above, below] = [h, -h].map(|by| check.formulas((name, at, by)).1);
                    let slope = (above - below) / (2.0 * h);
                    let far = (f64::from(*found) - slope).abs();
                    assert!(far < 2e-5, "{what}: {name} {at}: {found}, not {slope}");
                }
            }
        }
    }
}

#[test]
fn forward_for_inference_gives_what_predict_gives_and_changes_nothing() {
    let test = sample().test.take(20);
    let images = test.batches(20).unwrap().next().unwrap().images;
    for last in [Activation::Linear, Activation::Sigmoid, Activation::Softmax] {
        let mut model = plan(last).build(Seed(3)).unwrap();
        let before = bits(&model);
        let found = model.forward(&test, Mode::Inference).unwrap();
        assert_eq!(model.forward(&images, Mode::default()).unwrap(), found);
        assert_eq!(bits(&model), before);
        let predicted = model.predict(&test).unwrap();
        if last != Activation::Softmax {
            assert_eq!(found, predicted, "{last}");
            continue;
        }
        for (z, p) in found.outer_iter().zip(predicted.outer_iter()) {
            let sum: f64 = z.iter().map(|&z| f64::from(z).exp()).sum();
            let far = |(z, p): (&f32, &f32)| (f64::from(*z).exp() / sum - f64::from(*p)).abs();
            assert!(z.iter().zip(p).map(far).all(|far| far < 1e-6));
        }
    }
}

#[test]
fn masks_follow_from_the_seed_and_the_step() {
    let images = sample().test.take(9);
    let mut model = plan(Activation::Softmax).build(Seed(3)).unwrap();
    let mut outputs = |seed, step| {
        let mode = Mode::training(Seed(seed), step);
        model.forward(&images, mode).unwrap()
    };
    let first = outputs(1, 0);
    assert_eq!(outputs(1, 0), first);
    assert_ne!(outputs(1, 1), first);
    assert_ne!(outputs(2, 0), first);
}

/// A network after a forward pass on 20 images, with the gradient of its loss.
fn after_forward() -> (Sequential, Array2<f32>) {
    let batch = sample().train.batches(20).unwrap().next().unwrap();
    let mut model = plan(Activation::Softmax).build(Seed(3)).unwrap();
    let logits = model.forward(&batch.images, Mode::training(SEED, 0));
    let loss = Loss::CategoricalCrossentropy;
    let given = loss.value_and_gradient(logits.unwrap().view(), &batch.labels);
    (model, given.unwrap().1)
}

#[test]
fn backward_can_be_called_again_and_takes_arrays_of_any_memory_order() {
    let (mut model, gradient) = after_forward();
    let first = model.backward(&gradient).unwrap();
    assert_eq!(model.backward(&gradient).unwrap(), first);
    let mut by_columns = Array2::zeros(gradient.dim().f());
    by_columns.assign(&gradient);
    assert!(!by_columns.is_standard_layout());
    assert_eq!(model.backward(&by_columns).unwrap(), first);

    let (mut one, mut other) = (after_forward().0, after_forward().0);
    Adam::new(0.01)
        .for_model(&one)
        .step(&mut one, &first)
        .unwrap();
    let turned = first.iter().map(|(name, array)| {
        let mut turned = ArrayD::zeros(array.shape().f());
        turned.assign(array);
        (name.clone(), turned)
    });
    let turned: Vec<_> = turned.collect();
    let mut optimizer = Adam::new(0.01).for_model(&other);
    optimizer.step(&mut other, &turned).unwrap();
    assert_eq!(bits(&one), bits(&other));
}

#[test]
fn backward_without_a_forward_pass_of_its_own_is_an_error() {
    let words = ["backward", "no forward pass", "call forward"];
    let (_, gradient) = after_forward();
    let mut fresh = plan(Activation::Softmax).build(Seed(3)).unwrap();
    assert_says(fresh.backward(&gradient), &words);

    // A clone has seen nothing.
    let (mut model, gradient) = after_forward();
    assert_says(model.clone().backward(&gradient), &words);
    assert!(model.backward(&gradient).is_ok());

    // A step of a trainer, on fewer examples, leaves nothing of the pass before it; predictions and evaluations do.
    let few = sample().train.take(3);
    let (mut stepped, mut fitted) = (after_forward().0, after_forward().0);
    let batch = few.batches(3).unwrap().next().unwrap();
    let mut trainer = quiet(Adam::new(0.01));
    let result = trainer.train_on_batch(&mut stepped, &batch.images, &batch.labels);
    result.unwrap();
    assert_says(stepped.backward(&gradient), &words);
    trainer.fit(&mut fitted, &few, None).unwrap();
    assert_says(fitted.backward(&gradient), &words);
    let gradients = model.backward(&gradient).unwrap();
    model.predict(&few).unwrap();
    model.evaluate(&few).unwrap();
    assert_eq!(model.backward(&gradient).unwrap(), gradients);
}

#[test]
fn a_gradient_of_another_shape_is_an_error_and_the_right_one_is_still_taken() {
    let (mut model, gradient) = after_forward();
    for (rows, columns) in [(19, 10), (20, 9), (10, 20), (0, 10), (0, 0)] {
        let other = Array2::zeros((rows, columns));
        let found = format!("({rows}, {columns})");
        let words = ["backward", &found, "(20, 10)", "what forward returned"];
        assert_says(model.backward(&other), &words);
    }
    assert!(model.backward(&gradient).is_ok());
}

#[test]
fn examples_that_do_not_fit_are_errors_of_forward() {
    let mut model = small_network();
    let before = bits(&model);
    let mode = Mode::training(SEED, 0);
    assert_says(
        model.forward(&random(2, 4, 1), mode),
        &["inputs", "[4]", "[32, 32, 3]"],
    );
    let mut images = sample().test.batches(2).unwrap().next().unwrap().images;
    images[[1, 0, 0, 2]] = f32::NAN;
    assert_says(
        model.forward(&images, mode),
        &["example 1", "found NaN", " 2, expected", "finite"],
    );
    assert_eq!(bits(&model), before);
}

#[test]
fn a_batch_of_no_examples_spoils_nothing() {
    let mut model = plan(Activation::Softmax).build(Seed(3)).unwrap();
    let before = bits(&model);
    let none = sample().test.take(0);
    for mode in [Mode::Inference, Mode::training(SEED, 0)] {
        let words = ["batch", "0 examples", "at least one example"];
        assert_says(model.forward(&none, mode), &words);
    }
    assert_eq!(bits(&model), before);
}

#[test]
fn a_step_needs_the_optimizers_own_network() {
    let (mut model, gradient) = after_forward();
    let gradients = model.backward(&gradient).unwrap();
    let mut optimizer = Adam::new(0.01).for_model(&model);
    let words = ["optimizer", "not seen", "own network", ".for_model(&model)"];
    let (mut clone, mut equal) = (model.clone(), after_forward().0);
    for other in [&mut clone, &mut equal] {
        let before = bits(other);
        assert_says(optimizer.step(other, &gradients), &words);
        assert_eq!(bits(other), before);
    }
    assert_eq!(optimizer.steps(), 0);
    optimizer.step(&mut model, &gradients).unwrap();
    assert_eq!(optimizer.steps(), 1);

    // A network that was moved is still the same.
    let mut moved = Box::new(model);
    optimizer.step(&mut moved, &gradients).unwrap();
    assert_eq!(optimizer.steps(), 2);
}

#[test]
fn a_step_needs_the_gradients_of_all_trained_arrays_in_order() {
    let (mut model, gradient) = after_forward();
    let whole = model.backward(&gradient).unwrap();
    let (before, mut optimizer) = (bits(&model), Adam::new(0.01).for_model(&model));
    type Change = fn(&mut Vec<(String, ArrayD<f32>)>);
    let changes: [(Change, &[&str]); 6] = [
        (|it| it.clear(), &["gradients", "each trained array"]),
        (|it| drop(it.pop()), &["gradients", "each trained array"]),
        (|it| it.swap(0, 1), &["gradients", "in its order"]),
        (
            |it| it[2].0 = "gamma".into(),
            &["gradients", "each trained array"],
        ),
        (
            |it| it.push(it[0].clone()),
            &["gradients", "each trained array"],
        ),
        (
            |it| it[0].1 = ArrayD::zeros(vec![12, 3072]),
            &["gradients", "of its shape"],
        ),
    ];
    for (change, words) in changes {
        let mut gradients = whole.clone();
        change(&mut gradients);
        assert_says(optimizer.step(&mut model, &gradients), words);
        assert_eq!(bits(&model), before, "{words:?}");
    }
    assert_eq!(optimizer.steps(), 0);
    // The first step afterwards is a first step.
    let mut other = after_forward().0;
    optimizer.step(&mut model, &whole).unwrap();
    let mut fresh = Adam::new(0.01).for_model(&other);
    other.backward(&gradient).unwrap();
    fresh.step(&mut other, &whole).unwrap();
    assert_eq!(bits(&model), bits(&other));
}

#[test]
fn the_learning_rate_is_the_optimizers_until_it_is_set() {
    let (mut model, gradient) = after_forward();
    let gradients = model.backward(&gradient).unwrap();
    let mut optimizer = Sgd::new(0.5).for_model(&model);
    assert_eq!(optimizer.learning_rate, 0.5);
    optimizer.learning_rate = 0.0;
    let before = bits(&model);
    optimizer.step(&mut model, &gradients).unwrap();
    assert_eq!(bits(&model), before);
    // w − lr g, in f32.
    optimizer.learning_rate = 0.25;
    let start = model.weight("dense_4.bias").unwrap().to_owned();
    optimizer.step(&mut model, &gradients).unwrap();
    let (name, g) = gradients.last().unwrap();
    assert_eq!(name, "dense_4.bias");
    assert_eq!(model.weight(name).unwrap(), start - 0.25 * g);
}

#[test]
fn training_by_hand_and_by_a_trainer_can_take_turns() {
    // A trainer's state is its own: steps by hand in between change the weights alone.
    let train = sample().train.take(40);
    let batch = train.batches(40).unwrap().next().unwrap();
    let run = |by_hand: bool| {
        let (mut model, mut trainer) = (small_network(), quiet(Sgd::new(0.01)).seed(SEED));
        let mut optimizer = Sgd::new(0.01).for_model(&model);
        let history = trainer.fit(&mut model, &train, None).unwrap();
        if by_hand {
            let logits = model.forward(&batch.images, Mode::training(SEED, 0));
            let loss = Loss::CategoricalCrossentropy;
            let given = loss.value_and_gradient(logits.unwrap().view(), &batch.labels);
            let gradients = model.backward(&given.unwrap().1).unwrap();
            optimizer.step(&mut model, &gradients).unwrap();
        } else {
            let result = trainer.train_on_batch(&mut model, &batch.images, &batch.labels);
            result.unwrap();
        }
        let again = trainer.fit(&mut model, &train, None).unwrap();
        (numbers(&history), numbers(&again), bits(&model))
    };
    assert_eq!(run(true), run(false), "plain descent has no state to lose");
}
