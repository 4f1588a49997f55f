//! The fast path in `f32` against the textbook in `f64`, which shares no code with it.

mod common;

use common::{message, random, textbook_activation, uniform};
use lab_core::prelude::*;
use lab_textbook::{self as textbook, Matrix};
use ndarray::{Array1, Array2, ArrayD, ArrayViewD, Axis, Ix1, Ix2};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A random network with a batch for it, drawn by proptest.
#[derive(Clone, Debug)]
struct Case {
    inputs: usize,
    hidden: Vec<Hidden>,
    classes: usize,
    loss: Loss,
    /// The last layer's activation where the loss is not computed from logits.
    last: Activation,
    distributions: bool,
    smoothing: f32,
    weighted: bool,
    clip: Option<f32>,
    he: bool,
    batch: usize,
    seed: u64,
}

#[derive(Clone, Debug)]
struct Hidden {
    units: usize,
    activation: Activation,
    norm: bool,
    l2: f32,
}

fn activations() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::ALL.to_vec())
}

/// Mostly any size from 1 to 70, often those at the edges of vectors and tiles.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 1_usize..=70, 1 => prop::sample::select(vec![1, 7, 8, 9, 15, 16, 17, 47, 48, 49, 63, 64, 65])]
}

prop_compose! {
    fn hidden_layers()(units in sizes(), activation in activations(), norm in prop::bool::weighted(0.3),
                       l2 in prop::sample::select(vec![0.0_f32, 0.0, 0.001, 0.1])) -> Hidden {
        Hidden { units, activation, norm, l2 }
    }
}

prop_compose! {
    fn cases()(inputs in sizes(), hidden in prop::collection::vec(hidden_layers(), 0..=2), classes in sizes(),
               loss in prop::sample::select(Loss::ALL.to_vec()), last in activations(),
               distributions in any::<bool>(), smoothing in prop::sample::select(vec![0.0_f32, 0.1, 0.5]),
               weighted in any::<bool>(), clip in prop::option::of(0.001_f32..2.0), he in any::<bool>(),
               batch in sizes(), seed in any::<u64>()) -> Case {
        let smooth = matches!(loss, Loss::CategoricalCrossentropy | Loss::SparseCategoricalCrossentropy);
        let last = if loss.from_logits() { Activation::Softmax } else { last };
        let smoothing = if smooth { smoothing } else { 0.0 };
        Case { inputs, hidden, classes, loss, last, distributions, smoothing, weighted, clip, he, batch, seed }
    }
}

/// The same cases in every run, so that a failure can be looked at again; `PROPTEST_RNG_SEED` asks for others.
fn config(cases: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    let rng_seed = if usual.rng_seed == RngSeed::Random {
        RngSeed::Fixed(2026)
    } else {
        usual.rng_seed
    };
    ProptestConfig {
        cases,
        rng_seed,
        failure_persistence: None,
        ..usual
    }
}

/// The batch of a case, as the fast path takes it.
struct Batch {
    inputs: Array2<f32>,
    labels: Vec<u8>,
    distributions: Option<Array2<f32>>,
    weights: Option<Vec<f32>>,
}

impl Batch {
    fn targets(&self) -> Targets<'_> {
        let targets = match &self.distributions {
            Some(rows) => Targets::from(rows.view()),
            None => Targets::classes(&self.labels),
        };
        match &self.weights {
            Some(weights) => targets.weighted(weights),
            None => targets,
        }
    }
}

impl Case {
    fn batch(&self) -> Batch {
        let mut draw = uniform(self.seed ^ 1);
        let labels = (0..self.batch)
            .map(|_| ((draw() + 1.0) * 0.5 * self.classes as f32) as u8)
            .collect();
        let distributions = self.distributions.then(|| {
            let positive =
                random(self.batch, self.classes, self.seed ^ 2).mapv(|x| x.max(0.0) + 0.01);
            // Every other case has rows that do not sum to 1: the formulas hold for them as well.
            let sums = positive.sum_axis(Axis(1)).insert_axis(Axis(1));
            if self.seed.is_multiple_of(2) {
                positive / sums
            } else {
                positive
            }
        });
        let weights = self
            .weighted
            .then(|| (0..self.batch).map(|_| 1.0 + draw()).collect());
        Batch {
            inputs: random(self.batch, self.inputs, self.seed ^ 3),
            labels,
            distributions,
            weights,
        }
    }

    /// The network with weights of its initializer; biases and what batch normalization holds are drawn too, because
    /// zeros and ones would hide mistakes.
    fn model(&self) -> Sequential {
        let initializer = if self.he {
            Initializer::HeNormal
        } else {
            Initializer::GlorotUniform
        };
        let mut plan = Sequential::new([self.inputs]);
        for layer in &self.hidden {
            plan = plan.layer(
                Dense::new(layer.units, layer.activation)
                    .initializer(initializer)
                    .l2(layer.l2),
            );
            plan = if layer.norm { plan.batch_norm() } else { plan };
        }
        let plan = plan.layer(Dense::new(self.classes, self.last).initializer(initializer));
        let mut model = plan.build(Seed(self.seed)).unwrap();
        let names: Vec<String> = model.weight_names().map(str::to_owned).collect();
        let mut draw = uniform(self.seed ^ 4);
        for name in names.iter().filter(|name| !name.ends_with("kernel")) {
            let middle = if name.ends_with("gamma") || name.ends_with("variance") {
                1.0
            } else {
                0.0
            };
            let value = model.weight(name).unwrap().mapv(|_| middle + 0.5 * draw());
            model.set_weight(name, value).unwrap();
        }
        model
    }

    /// The same network on the blackboard; a last softmax belongs to the loss there.
    fn textbook(&self, model: &Sequential) -> textbook::Network {
        use textbook::Layer;
        let array = |name: String| matrix(model.weight(&name).unwrap());
        let counted = |kind: &str, i: usize| {
            if i == 0 {
                kind.to_owned()
            } else {
                format!("{kind}_{i}")
            }
        };
        let dense = |i: usize, l2: f32| {
            let name = counted("dense", i);
            let (kernel, bias) = (
                array(format!("{name}.kernel")),
                array(format!("{name}.bias")),
            );
            Layer::Dense(textbook::Dense {
                kernel,
                bias,
                l2: l2.into(),
            })
        };
        let (mut layers, mut norms) = (Vec::new(), 0);
        for (i, layer) in self.hidden.iter().enumerate() {
            layers.extend([
                dense(i, layer.l2),
                Layer::Activation(textbook_activation(layer.activation)),
            ]);
            if layer.norm {
                let part =
                    |part: &str| array(format!("{}.{part}", counted("batch_normalization", norms)));
                layers.push(Layer::BatchNorm(textbook::BatchNorm {
                    gamma: part("gamma"),
                    beta: part("beta"),
                    moving_mean: part("moving_mean"),
                    moving_variance: part("moving_variance"),
                }));
                norms += 1;
            }
        }
        layers.push(dense(self.hidden.len(), 0.0));
        if !self.loss.from_logits() {
            layers.push(Layer::Activation(textbook_activation(self.last)));
        }
        textbook::Network { layers }
    }

    /// The batch's loss and its gradient with respect to the textbook network's outputs.
    fn loss<'b>(&'b self, batch: &'b Batch) -> impl Fn(&Matrix) -> (f64, Matrix) + 'b {
        let labels: Vec<usize> = batch.labels.iter().map(|&label| label.into()).collect();
        let plain = match &batch.distributions {
            Some(rows) => rows.mapv(f64::from),
            None => textbook::one_hot(&labels, self.classes),
        };
        let targets = textbook::smooth_labels(&plain, self.smoothing.into());
        let weights = batch
            .weights
            .as_ref()
            .map(|weights| weights.iter().map(|&w| w.into()).collect::<Array1<f64>>());
        move |outputs| {
            let each = match self.loss {
                Loss::MeanSquaredError => textbook::mean_squared_error(outputs, &targets),
                Loss::KlDivergence => textbook::kl_divergence(outputs, &targets),
                Loss::SparseCategoricalCrossentropy
                    if batch.distributions.is_none() && self.smoothing == 0.0 =>
                {
                    textbook::sparse_categorical_crossentropy(outputs, &labels)
                }
                _ => textbook::categorical_crossentropy(outputs, &targets),
            };
            textbook::mean(each, weights.as_ref())
        }
    }

    fn trainer(&self, optimizer: impl Into<Optimizer>) -> Trainer {
        let trainer = Trainer::new(self.loss, optimizer)
            .label_smoothing(self.smoothing)
            .threads(1);
        match self.clip {
            Some(norm) => trainer.global_clip_norm(norm),
            None => trainer,
        }
    }

    /// Whether some z of a ReLU lies so near its kink that rounding may put it on the other side.
    fn near_a_kink(&self, network: &textbook::Network, x: &Matrix) -> bool {
        let inputs = network.forward(x, true);
        network
            .layers
            .iter()
            .zip(inputs)
            .any(|(layer, z)| match layer {
                textbook::Layer::Activation(
                    textbook::Activation::Relu | textbook::Activation::LeakyRelu,
                ) => z.iter().any(|z| z.abs() < 1e-5),
                _ => false,
            })
    }
}

/// An array of the network as the textbook writes it: `f64`, and a vector as one row.
fn matrix(array: ArrayViewD<'_, f32>) -> Matrix {
    let array = array.mapv(f64::from);
    match array.ndim() {
        1 => array
            .into_dimensionality::<Ix1>()
            .unwrap()
            .insert_axis(Axis(0)),
        _ => array.into_dimensionality::<Ix2>().unwrap(),
    }
}

/// The arrays of a network that are learnt, in order.
fn learnt(model: &Sequential) -> Vec<Matrix> {
    let names = model.weight_names().filter(|name| !name.contains("moving"));
    names
        .map(|name| matrix(model.weight(name).unwrap()))
        .collect()
}

fn largest<'a>(arrays: impl IntoIterator<Item = &'a Matrix>) -> f64 {
    arrays
        .into_iter()
        .flatten()
        .fold(0.0, |most, x| x.abs().max(most))
}

/// Fails where `found` differs from `wanted` by more than `share` of the scale and 1e-6.
fn assert_near(what: &str, found: &Matrix, wanted: &Matrix, share: f64, scale: f64) {
    assert_eq!(found.dim(), wanted.dim(), "{what}");
    let most = largest([&(found - wanted)]);
    let allowed = share * scale + 1e-6;
    assert!(
        most <= allowed,
        "{what}: differs by {most:e}, allowed {allowed:e} at a scale of {scale:e}"
    );
}

/// Gives the loss and the gradients that a step sees, clipped if the case asks for it: the step is made on a copy with
/// plain descent and a learning rate so large (a power of 2) that the rounding of the weights does not show.
fn seen_by_a_step(case: &Case, model: &Sequential, batch: &Batch) -> (f64, Vec<Matrix>) {
    let rate = 1_048_576.0;
    let mut copy = model.clone();
    let mut trainer = case.trainer(Sgd::new(rate));
    let (loss, _) = trainer
        .train_on_batch(&mut copy, &batch.inputs, batch.targets())
        .unwrap();
    let pairs = learnt(model).into_iter().zip(learnt(&copy));
    (
        loss,
        pairs
            .map(|(before, after)| (before - after) / f64::from(rate))
            .collect(),
    )
}

/// Everything that one look at a batch gives: outputs, loss, gradients, and the moving averages afterwards.
fn assert_agreement(case: &Case) {
    println!("counted: 1 networks");
    let (mut model, batch) = (case.model(), case.batch());
    let mut network = case.textbook(&model);
    let x = batch.inputs.mapv(f64::from);

    let found = model.predict(&batch.inputs).unwrap().mapv(f64::from);
    let outputs = network.predict(&x);
    let outputs = if case.loss.from_logits() {
        textbook::softmax(&outputs)
    } else {
        outputs
    };
    assert_near("outputs", &found, &outputs, 1e-5, largest([&outputs]));

    if case.near_a_kink(&network, &x) {
        return;
    }
    let (loss, gradients) = seen_by_a_step(case, &model, &batch);
    let (wanted_loss, mut wanted) = network.loss_and_gradients(&x, case.loss(&batch));
    let difference = (loss - wanted_loss).abs();
    assert!(
        difference <= 1e-5 * wanted_loss.abs() + 1e-6,
        "loss {loss}, not {wanted_loss}"
    );
    if let Some(norm) = case.clip {
        textbook::clip_by_global_norm(&mut wanted, norm.into());
    }
    let scale = largest(&wanted);
    for (i, (found, wanted)) in gradients.iter().zip(&wanted).enumerate() {
        assert_near(&format!("gradient {i}"), found, wanted, 1e-4, scale);
    }

    case.trainer(Sgd::new(0.0))
        .train_on_batch(&mut model, &batch.inputs, batch.targets())
        .unwrap();
    let moved = case.textbook(&model);
    for (found, wanted) in moved.layers.iter().zip(&network.layers) {
        if let (textbook::Layer::BatchNorm(found), textbook::Layer::BatchNorm(wanted)) =
            (found, wanted)
        {
            for (found, wanted) in [
                (&found.moving_mean, &wanted.moving_mean),
                (&found.moving_variance, &wanted.moving_variance),
            ] {
                assert_near("moving average", found, wanted, 1e-5, largest([wanted]));
            }
        }
    }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn random_networks_give_the_outputs_losses_and_gradients_of_the_textbook(case in cases()) {
        assert_agreement(&case);
    }
}

#[test]
fn every_activation_under_every_loss_agrees_with_the_textbook() {
    for (seed, (activation, loss)) in Activation::ALL
        .into_iter()
        .flat_map(|a| Loss::ALL.map(|loss| (a, loss)))
        .enumerate()
    {
        for (batch, norm, classes) in [
            (1, false, 10),
            (37, true, 49),
            (70, false, 2),
            (64, true, 10),
        ] {
            let hidden = |units, norm| Hidden {
                units,
                activation,
                norm,
                l2: 0.01,
            };
            assert_agreement(&Case {
                inputs: 33,
                hidden: vec![hidden(70, norm), hidden(19, false)],
                classes,
                loss,
                last: if loss.from_logits() {
                    Activation::Softmax
                } else {
                    activation
                },
                distributions: (seed / 2) % 2 == 0,
                smoothing: if loss == Loss::CategoricalCrossentropy {
                    0.1
                } else {
                    0.0
                },
                weighted: batch > 1,
                clip: None,
                he: seed % 3 == 0,
                batch,
                seed: seed as u64,
            });
        }
    }
}

/// Every rule with its counterpart on the blackboard.
fn rules(rate: f32) -> [(Optimizer, textbook::Rule); 8] {
    use textbook::Rule;
    let f64 = f64::from;
    [
        (Sgd::new(rate).into(), Rule::Sgd(0.0)),
        (Sgd::new(rate).momentum(0.9).into(), Rule::Sgd(f64(0.9_f32))),
        (
            Sgd::new(rate).momentum(0.5).nesterov().into(),
            Rule::Nesterov(0.5),
        ),
        (RmsProp::new(rate).into(), Rule::RmsProp(0.0)),
        (
            RmsProp::new(rate).momentum(0.75).into(),
            Rule::RmsProp(0.75),
        ),
        (Adam::new(rate).into(), Rule::Adam),
        (AdamW::new(rate).into(), Rule::AdamW(0.004)),
        (AdamW::new(rate).weight_decay(0.5).into(), Rule::AdamW(0.5)),
    ]
}

/// Three steps of a rule: after each, the weights are where the textbook's rule takes them along the same gradients.
///
/// The gradients are the fast path's own (those agree, as shown above), for with Adam and RMSprop the step of a weight
/// does not get small with its gradient: a gradient that is nothing but rounding would move it either way.
fn assert_steps(case: &Case, optimizer: Optimizer, rule: textbook::Rule, rate: f32) {
    let (mut model, batch) = (case.model(), case.batch());
    let mut trainer = case.trainer(optimizer);
    let mut wanted = learnt(&model);
    let mut rules = vec![textbook::Optimizer::new(rule, rate.into()); wanted.len()];
    for step in 1..=3 {
        let (loss, gradients) = seen_by_a_step(case, &model, &batch);
        if !gradients.iter().flatten().all(|g| g.is_finite()) {
            return;
        }
        let seen = trainer
            .train_on_batch(&mut model, &batch.inputs, batch.targets())
            .unwrap();
        assert_eq!(
            seen.0, loss,
            "the loss before the step does not depend on the optimizer"
        );
        for ((w, g), rule) in wanted.iter_mut().zip(&gradients).zip(&mut rules) {
            rule.update(w, g);
        }
        let scale = largest(&wanted);
        for (i, (found, wanted)) in learnt(&model).iter().zip(&wanted).enumerate() {
            let what = format!("{rule:?}: array {i} after step {step}");
            let most = largest([&(found - wanted)]);
            let allowed = 1e-6 * scale + 2e-5 * f64::from(rate);
            assert!(
                most <= allowed,
                "{what}: differs by {most:e}, allowed {allowed:e}"
            );
        }
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn three_steps_of_any_optimizer_are_those_of_the_textbook(case in cases(), which in 0..8_usize,
                                                              rate in prop::sample::select(vec![0.001_f32, 0.01, 0.125])) {
        let (optimizer, rule) = rules(rate)[which];
        assert_steps(&case, optimizer, rule, rate);
    }
}

/// A network and a batch that no ReLU's kink disturbs.
fn smooth_case(seed: u64) -> Case {
    let hidden = |units, activation, norm| Hidden {
        units,
        activation,
        norm,
        l2: 0.001,
    };
    Case {
        inputs: 29,
        hidden: vec![
            hidden(41, Activation::Tanh, true),
            hidden(23, Activation::Gelu, false),
        ],
        classes: 10,
        loss: Loss::CategoricalCrossentropy,
        last: Activation::Softmax,
        distributions: false,
        smoothing: 0.1,
        weighted: true,
        clip: Some(0.5),
        he: true,
        batch: 45,
        seed,
    }
}

#[test]
fn twenty_steps_of_every_optimizer_follow_the_textbooks_whole_trajectory() {
    for (optimizer, rule) in rules(0.01) {
        let case = smooth_case(5);
        let (mut model, batch) = (case.model(), case.batch());
        let mut network = case.textbook(&model);
        let mut optimizers =
            vec![textbook::Optimizer::new(rule, f64::from(0.01_f32)); learnt(&model).len()];
        let mut trainer = case.trainer(optimizer);
        let (x, loss) = (batch.inputs.mapv(f64::from), case.loss(&batch));
        let mut losses = Vec::new();
        for step in 1..=20 {
            let (found, _) = trainer
                .train_on_batch(&mut model, &batch.inputs, batch.targets())
                .unwrap();
            let (wanted, mut gradients) = network.loss_and_gradients(&x, &loss);
            textbook::clip_by_global_norm(&mut gradients, 0.5);
            network.apply(&gradients, &mut optimizers);
            assert!(
                (found - wanted).abs() < 1e-4 * wanted,
                "{rule:?}, step {step}: loss {found}, not {wanted}"
            );
            losses.push(found);
        }
        assert!(losses[19] < losses[0], "{rule:?}: {losses:?}");
    }
}

#[test]
fn adamw_leaves_out_the_biases_if_asked() {
    let case = Case {
        clip: None,
        ..smooth_case(6)
    };
    let (batch, start) = (case.batch(), case.model());
    let step = |optimizer: Optimizer| {
        let mut model = start.clone();
        case.trainer(optimizer)
            .train_on_batch(&mut model, &batch.inputs, batch.targets())
            .unwrap();
        model
    };
    let adam = step(Adam::new(0.01).into());
    let (all, kernels) = (step(AdamW::new(0.01).weight_decay(0.5).into()), {
        step(AdamW::new(0.01).weight_decay(0.5).exclude_biases().into())
    });
    for name in start.weight_names() {
        let [adam, all, kernels] = [&adam, &all, &kernels].map(|model| model.weight(name).unwrap());
        assert_eq!(kernels == adam, !name.ends_with("kernel"), "{name}");
        assert_eq!(
            kernels == all,
            name.ends_with("kernel") || name.contains("moving"),
            "{name}"
        );
    }
}

#[test]
fn clipping_bounds_the_step_of_all_weights_together_and_keeps_its_direction() {
    let case = Case {
        clip: None,
        ..smooth_case(7)
    };
    let (batch, model) = (case.batch(), case.model());
    let (_, free) = seen_by_a_step(&case, &model, &batch);
    let norm = free.iter().map(|g| g.pow2().sum()).sum::<f64>().sqrt();
    let (half, wide) = ((0.5 * norm) as f32, (2.0 * norm) as f32);
    let (_, halved) = seen_by_a_step(
        &Case {
            clip: Some(half),
            ..case.clone()
        },
        &model,
        &batch,
    );
    let (_, untouched) = seen_by_a_step(
        &Case {
            clip: Some(wide),
            ..case
        },
        &model,
        &batch,
    );
    assert_eq!(untouched, free);
    for (halved, free) in halved.iter().zip(&free) {
        assert_near(
            "half the gradient",
            halved,
            &(0.5 * free),
            1e-6,
            largest([free]),
        );
    }
}

/// A network of one unit that sees its inputs, all of them 1, through dropout: the kernel's gradient is the mask.
fn masks(rate: f32, inputs: usize, seed: Seed, steps: usize) -> Vec<Vec<f32>> {
    let mut model = Sequential::new([inputs])
        .dropout(rate)
        .dense(1, Activation::Linear)
        .build(Seed(0))
        .unwrap();
    let kernel = ArrayD::zeros(vec![inputs, 1]);
    let target = Array2::zeros((1, 1));
    let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(1.0))
        .seed(seed)
        .threads(1);
    let mut masks = Vec::new();
    for _ in 0..steps {
        // Output 0.5, so that its squared error has the gradient 1.
        model.set_weight("dense.kernel", kernel.clone()).unwrap();
        model
            .set_weight("dense.bias", ArrayD::from_elem(vec![1], 0.5))
            .unwrap();
        let ones = Array2::ones((1, inputs));
        trainer
            .train_on_batch(&mut model, &ones, target.view())
            .unwrap();
        masks.push(
            model
                .weight("dense.kernel")
                .unwrap()
                .iter()
                .map(|w| -w)
                .collect(),
        );
    }
    masks
}

#[test]
fn dropout_keeps_its_share_and_scales_it_so_that_the_mean_stays() {
    let inputs = 100_000;
    for rate in [0.1_f32, 0.25, 0.5, 0.9] {
        let mask = &masks(rate, inputs, Seed(1), 1)[0];
        let kept = mask.iter().filter(|&&m| m != 0.0).count() as f64 / inputs as f64;
        let expected = 1.0 - f64::from(rate);
        // Four deviations of the binomial distribution.
        let allowed = 4.0 * (expected * f64::from(rate) / inputs as f64).sqrt();
        assert!(
            (kept - expected).abs() < allowed + 1e-5,
            "rate {rate}: {kept} kept"
        );
        assert!(
            mask.iter().all(|&m| m == 0.0 || m == 1.0 / (1.0 - rate)),
            "rate {rate}"
        );
        let mean = mask.iter().map(|&m| f64::from(m)).sum::<f64>() / inputs as f64;
        assert!(
            (mean - 1.0).abs() < (allowed + 1e-5) / expected,
            "rate {rate}: mean {mean}"
        );
        // Neighbours know nothing of each other.
        let both = mask
            .windows(2)
            .filter(|pair| pair[0] != 0.0 && pair[1] != 0.0)
            .count() as f64
            / inputs as f64;
        assert!(
            (both - expected * expected).abs() < 0.01,
            "rate {rate}: {both} of the pairs"
        );
    }
}

#[test]
fn dropout_draws_anew_each_step_and_the_seed_decides_what() {
    let (first, again, other) = (
        masks(0.5, 64, Seed(1), 3),
        masks(0.5, 64, Seed(1), 3),
        masks(0.5, 64, Seed(2), 3),
    );
    assert_eq!(first, again);
    let all: std::collections::HashSet<_> = first
        .iter()
        .chain(&other)
        .map(|mask| mask.iter().map(|m| *m > 0.0).collect::<Vec<_>>())
        .collect();
    assert_eq!(all.len(), 6, "six draws, no two alike");
}

#[test]
fn dropout_of_rate_0_and_dropout_after_training_change_nothing() {
    assert!(masks(0.0, 50, Seed(1), 1)[0].iter().all(|&m| m == 1.0));
    let with = Sequential::new([9])
        .dropout(0.5)
        .dense(7, Activation::Tanh)
        .dropout(0.9)
        .dense(3, Activation::Softmax);
    let without = Sequential::new([9])
        .dense(7, Activation::Tanh)
        .dense(3, Activation::Softmax);
    let (with, without) = (
        with.build(Seed(4)).unwrap(),
        without.build(Seed(4)).unwrap(),
    );
    let x = random(20, 9, 8);
    assert_eq!(with.predict(&x).unwrap(), without.predict(&x).unwrap());
}

#[test]
fn the_gradient_flows_through_the_kept_units_only_as_the_textbook_says() {
    let (inputs, units, rate) = (11, 40, 0.5);
    let plan = Sequential::new([inputs])
        .dense(units, Activation::Tanh)
        .dropout(rate)
        .dense(1, Activation::Linear);
    let model = plan.build(Seed(9)).unwrap();
    // One example: the mask is then one row, which the gradient of the second kernel shows.
    let (x, target) = (random(1, inputs, 10), Array2::from_elem((1, 1), 3.0_f32));
    let mut moved = model.clone();
    let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(1024.0))
        .seed(Seed(5))
        .threads(1);
    let (loss, _) = trainer
        .train_on_batch(&mut moved, &x, target.view())
        .unwrap();
    let gradients: Vec<Matrix> = learnt(&model)
        .iter()
        .zip(learnt(&moved))
        .map(|(a, b)| (a - b) / 1024.0)
        .collect();
    let mask = gradients[2].t().mapv(|g| if g == 0.0 { 0.0 } else { 1.0 });
    let kept = mask.sum() as usize;
    assert!((8..=32).contains(&kept), "{kept} of 40 kept");

    let dense = |name: &str| {
        let array = |part: &str| matrix(model.weight(&format!("{name}.{part}")).unwrap());
        textbook::Layer::Dense(textbook::Dense {
            kernel: array("kernel"),
            bias: array("bias"),
            l2: 0.0,
        })
    };
    let tanh = textbook::Layer::Activation(textbook::Activation::Tanh);
    let layers = vec![
        dense("dense"),
        tanh,
        textbook::Layer::Dropout(rate.into(), mask.clone()),
        dense("dense_1"),
    ];
    let mut network = textbook::Network { layers };
    let y = target.mapv(f64::from);
    let (wanted_loss, wanted) = network.loss_and_gradients(&x.mapv(f64::from), |outputs| {
        textbook::mean(textbook::mean_squared_error(outputs, &y), None)
    });
    assert!(
        (loss - wanted_loss).abs() < 1e-5 * wanted_loss,
        "{loss}, not {wanted_loss}"
    );
    for (found, wanted) in gradients.iter().zip(&wanted) {
        assert_near(
            "gradient through dropout",
            found,
            wanted,
            1e-5,
            largest([wanted]),
        );
    }
    for (unit, kept) in mask.iter().enumerate() {
        assert_eq!(gradients[1][[0, unit]] != 0.0, *kept == 1.0, "unit {unit}");
        assert_eq!(
            gradients[0].column(unit).iter().any(|&g| g != 0.0),
            *kept == 1.0,
            "unit {unit}"
        );
    }
}

#[test]
fn the_public_gradients_are_those_that_descent_follows() {
    let data = common::sample().train.take(33);
    let model = common::small_plan()
        .dropout(0.3)
        .dense(10, Activation::Softmax)
        .build(Seed(2))
        .unwrap();
    let gradients = model.gradients(&data, Loss::KlDivergence, Seed(6)).unwrap();
    let batch = data.batches(33).unwrap().next().unwrap();
    let mut moved = model.clone();
    let mut trainer = Trainer::new(Loss::KlDivergence, Sgd::new(1024.0)).seed(Seed(6));
    trainer
        .train_on_batch(&mut moved, &batch.images, &batch.labels)
        .unwrap();
    assert_eq!(gradients.len(), 6);
    for (name, gradient) in gradients {
        let (before, after) = (model.weight(&name).unwrap(), moved.weight(&name).unwrap());
        let followed: Vec<f32> = before
            .iter()
            .zip(&after)
            .map(|(a, b)| (a - b) / 1024.0)
            .collect();
        let largest = gradient.iter().fold(0.0_f32, |most, g| g.abs().max(most));
        assert!(largest > 0.0, "{name}");
        let far = gradient
            .iter()
            .zip(&followed)
            .any(|(a, b)| (a - b).abs() > 1e-6 * largest + 1e-9);
        assert!(!far && gradient.len() == followed.len(), "{name}");
    }
    assert!(
        message(model.gradients(&data.take(0), Loss::KlDivergence, Seed(6))).contains("no images")
    );
}
