//! Training networks of images: the options that convolutions want, weights on disk, checkpoints.

mod common;

use common::{bits, message, numbers, quiet, sample};
use lab_core::prelude::*;
use ndarray::{Array2, Axis, s};

/// A small network with every layer for images in it.
fn plan() -> Architecture {
    Sequential::new([32, 32, 3])
        .layer(Conv2d {
            padding: Padding::Same,
            initializer: Initializer::Dirac,
            ..Conv2d::new(6, 3, Activation::Gelu)
        })
        .average_pooling2d(4)
        .layer_norm()
        .layer(Conv2d {
            use_bias: false,
            l2: 0.001,
            ..Conv2d::new(8, 3, Activation::Linear)
        })
        .layer(Pooling2d {
            strides: 2,
            padding: Padding::Same,
            ..Pooling2d::new(Pool::Max, 3)
        })
        .layer(BatchNorm {
            momentum: 0.5,
            scale: false,
            ..BatchNorm::default()
        })
        .activation(Activation::Relu)
        .global_max_pooling2d()
        .dropout(0.2)
        .rescaling(0.5)
        .dense(10, Activation::Softmax)
}

fn trainer() -> Trainer {
    let moves = Augmentation::new().with(RandomMove::AlternatingFlip, 1.0);
    quiet(Sgd::new(0.1).momentum(0.85).nesterov().beta_rate(8.0))
        .augmentation(moves.random_crop(2))
        .label_smoothing(0.2)
        .batch_size(50)
        .seed(Seed(4))
}

#[test]
fn a_network_of_images_learns_is_saved_and_resumes_to_the_same_bits() {
    let (train, test) = (sample().train.take(500), sample().test.take(100));
    let folder = tempfile::tempdir().unwrap();
    let mut whole = plan().build(Seed(1)).unwrap();
    let history = trainer().epochs(4).fit(&mut whole, &train, &test).unwrap();
    assert!(
        history.epochs[3].loss < history.epochs[0].loss - 0.1,
        "{history:?}"
    );

    let mut parts = plan().build(Seed(1)).unwrap();
    let checkpointed = || trainer().checkpoint(folder.path(), 1);
    checkpointed()
        .epochs(2)
        .fit(&mut parts, &train, &test)
        .unwrap();
    let mut resumed = plan().build(Seed(1)).unwrap();
    let again = checkpointed()
        .epochs(4)
        .resume()
        .threads(1)
        .fit(&mut resumed, &train, &test);
    assert_eq!(numbers(&again.unwrap()), numbers(&history));
    assert_eq!(bits(&resumed), bits(&whole));

    let path = folder.path().join("model.safetensors");
    whole.save(&path).unwrap();
    let loaded = Sequential::load(&path).unwrap();
    assert_eq!(loaded.architecture(), whole.architecture());
    assert_eq!(
        loaded.predict(&test).unwrap(),
        whole.predict(&test).unwrap()
    );
}

#[test]
fn an_epoch_by_hand_is_the_trainers_for_images_too() {
    let train = sample().train.take(100);
    let plan = || plan().build(Seed(1)).unwrap();
    let optimizer = Sgd::new(0.1).momentum(0.85).nesterov().beta_rate(8.0);
    let (mut fitted, mut by_hand) = (plan(), plan());
    quiet(optimizer)
        .batch_size(40)
        .fit(&mut fitted, &train, None)
        .unwrap();
    let mut state = optimizer.for_model(&by_hand);
    for batch in train.batches(40).unwrap().shuffled(Seed(0), 0) {
        let mode = Mode::training(Seed(0), state.steps());
        let logits = by_hand.forward(&batch.images, mode).unwrap();
        let loss = Loss::CategoricalCrossentropy;
        let (_, gradient) = loss
            .value_and_gradient(logits.view(), &batch.labels)
            .unwrap();
        let gradients = by_hand.backward(&gradient).unwrap();
        state.step(&mut by_hand, &gradients).unwrap();
    }
    assert_eq!(bits(&by_hand), bits(&fitted));
}

#[test]
fn the_beta_rate_multiplies_the_steps_of_the_normalizations_alone() {
    let batch = sample().train.take(20).batches(20).unwrap().next().unwrap();
    let step = |factor: f32| {
        let mut model = plan().build(Seed(1)).unwrap();
        let mut trainer = quiet(Sgd::new(0.125).beta_rate(factor));
        trainer
            .train_on_batch(&mut model, &batch.images, &batch.labels)
            .unwrap();
        model
    };
    let (usual, fast) = (step(1.0), step(4.0));
    for name in usual.weight_names() {
        let (usual, fast) = (usual.weight(name).unwrap(), fast.weight(name).unwrap());
        match name.ends_with(".beta") {
            // β begins at 0.
            true => assert_eq!(&usual * 4.0, fast, "{name}"),
            false => assert_eq!(usual, fast, "{name}"),
        }
    }
    let wrong = quiet(Sgd::new(0.1).beta_rate(-1.0));
    assert!(message(wrong.validate()).contains("beta rate"));
}

#[test]
fn an_alternating_flip_shows_each_image_once_in_both_ways_in_two_epochs() {
    let data = sample().train.take(200);
    let flip = Augmentation::new().with(RandomMove::AlternatingFlip, 1.0);
    let epoch = |epoch: usize| -> Vec<bool> {
        let batches = data.batches(64).unwrap().shuffled(Seed(5), epoch);
        let batches = batches.augmented(flip.clone(), Seed(5), epoch).unwrap();
        let seen: Vec<_> = batches
            .flat_map(|batch| {
                batch
                    .images
                    .outer_iter()
                    .map(|it| it.to_owned())
                    .collect::<Vec<_>>()
            })
            .collect();
        let order = lab_core::data::epoch_order(200, Seed(5), epoch);
        let plain = data.batches(200).unwrap().next().unwrap().images;
        let mut flipped = vec![false; 200];
        for (seen, &row) in seen.iter().zip(&order) {
            let image = plain.index_axis(Axis(0), row as usize);
            flipped[row as usize] = seen != image;
            if flipped[row as usize] {
                assert_eq!(seen, image.slice(s![.., ..;-1, ..]));
            }
        }
        flipped
    };
    let epochs: Vec<Vec<bool>> = (0..4).map(epoch).collect();
    assert_eq!((&epochs[0], &epochs[1]), (&epochs[2], &epochs[3]));
    assert!(
        epochs[0]
            .iter()
            .zip(&epochs[1])
            .all(|(first, second)| first != second)
    );
    let first = epochs[0].iter().filter(|flipped| **flipped).count();
    assert!((70..=130).contains(&first), "{first} of 200 begin flipped");
}

#[test]
fn an_evaluation_with_flips_takes_the_mean_of_both_probabilities() {
    let test = sample().test.take(60);
    let model = plan().build(Seed(1)).unwrap();
    let images = test.batches(60).unwrap().next().unwrap().images;
    let mirrored = images.slice(s![.., .., ..;-1, ..]).to_owned();
    let mean = (model.predict(&images).unwrap() + model.predict(&mirrored).unwrap()) / 2.0;
    let evaluation = model.evaluate_with_flips(&test).unwrap();
    assert_eq!(evaluation.outputs, mean);
    let truth = |(row, &label): (usize, &u8)| -f64::from(mean[[row, label.into()]]).ln();
    let loss = test.labels().iter().enumerate().map(truth).sum::<f64>() / 60.0;
    assert!((evaluation.loss - model.penalty() - loss).abs() < 1e-5);
    let again = model.evaluate_with_flips(&test.flipped().unwrap()).unwrap();
    assert_eq!(
        (again.loss, again.accuracy),
        (evaluation.loss, evaluation.accuracy)
    );
}

#[test]
fn whitened_patches_are_uncorrelated_and_of_one_variance() {
    let images = sample()
        .train
        .take(300)
        .batches(300)
        .unwrap()
        .next()
        .unwrap()
        .images;
    let (kernel, bias) = whitening(images.view(), 2, 0.0).unwrap();
    assert_eq!(kernel.shape(), [2, 2, 3, 24]);
    let plan = Sequential::new([32, 32, 3]).layer(Conv2d::new(24, 2, Activation::Linear));
    let mut model = plan.build(Seed(0)).unwrap();
    model.set_weight("conv2d.kernel", kernel).unwrap();
    model.set_weight("conv2d.bias", bias).unwrap();
    let outputs = model.predict(&images).unwrap().mapv(f64::from);
    let outputs: Array2<f64> = outputs.to_shape((300 * 31 * 31, 24)).unwrap().into_owned();
    let moments = outputs.t().dot(&outputs) / outputs.nrows() as f64;
    for ((i, j), found) in moments.indexed_iter() {
        let wanted = match (i % 12 == j % 12, i < 12, j < 12) {
            (false, ..) => 0.0,
            (true, first, second) if first == second => 1.0,
            _ => -1.0,
        };
        assert!(
            (found - wanted).abs() < 2e-2,
            "{i}, {j}: {found}, not {wanted}"
        );
    }
    // The first filter has the largest eigenvalue, so that it is the smallest.
    let sizes: Vec<f32> = (0..12)
        .map(|i| {
            model
                .weight("conv2d.kernel")
                .unwrap()
                .index_axis(Axis(3), i)
                .mapv(|w| w * w)
                .sum()
        })
        .collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    assert!(message(whitening(images.view(), 33, 0.0)).contains("1 to 32"));
}
