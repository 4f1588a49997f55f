//! Data sets as views, splits, normalization and batches.

use std::collections::HashSet;

use lab_core::compute::Threads;
use lab_core::data::{epoch_order, one_hot};
use lab_core::metrics::predicted_classes;
use lab_core::prelude::*;
use ndarray::{Array4, Axis, array, s};

/// `counts[k]` images of class `k`, the classes mixed; the pixel of each image tells its number.
fn toy(counts: &[usize]) -> Dataset {
    let mut labels: Vec<u8> = counts
        .iter()
        .enumerate()
        .flat_map(|(k, &n)| vec![k as u8; n])
        .collect();
    labels.sort_by_key(|&label| (usize::from(label) * 7919) % 13);
    let images =
        Array4::from_shape_fn((labels.len(), 1, 2, 1), |(i, _, x, _)| (i >> (8 * x)) as u8);
    Dataset::new(
        images,
        labels,
        (0..counts.len()).map(|k| k.to_string()).collect(),
    )
    .unwrap()
}

/// The numbers that `toy` wrote into the pixels.
fn numbers(data: &Dataset) -> Vec<usize> {
    (0..data.len())
        .map(|i| data.image(i).unwrap())
        .map(|v| v[[0, 0, 0]] as usize | (v[[0, 1, 0]] as usize) << 8)
        .collect()
}

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn a_data_set_is_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Dataset>();
}

#[test]
fn a_data_set_of_ones_own_keeps_images_in_any_memory_order() {
    let images = Array4::from_shape_fn((3, 4, 5, 2), |(i, y, x, c)| {
        (i * 100 + y * 20 + x * 3 + c) as u8
    });
    let mut turned = images
        .clone()
        .permuted_axes([3, 2, 1, 0])
        .as_standard_layout()
        .into_owned();
    turned.swap_axes(0, 3);
    turned.swap_axes(1, 2);
    let mut cut = Array4::zeros((5, 4, 5, 2));
    cut.slice_mut(s![1..4, .., .., ..]).assign(&images);
    let cut = cut.slice_move(s![1..4, .., .., ..]);
    for given in [images.clone(), turned, cut] {
        let data = Dataset::new(given, vec![1, 0, 1], vec!["a".into(), "b".into()]).unwrap();
        assert_eq!(data.images(), images);
        assert_eq!(data.image(2).unwrap(), images.index_axis(Axis(0), 2));
        assert_eq!(data.image_shape(), [4, 5, 2]);
        assert_eq!(data.class_counts(), [1, 2]);
        assert!(data.image(3).is_none() && data.label(3).is_none());
    }
}

#[test]
fn what_does_not_fit_together_is_no_data_set() {
    let images = |n| Array4::<u8>::zeros((n, 2, 2, 3));
    let names = |n: usize| vec![String::new(); n];
    assert!(
        message(Dataset::new(images(2), vec![0; 3], names(1)))
            .contains("labels: found shape [3], expected [2]")
    );
    assert!(message(Dataset::new(images(0), vec![], names(1))).contains("0 x 2 x 2 x 3"));
    assert!(
        message(Dataset::new(Array4::zeros((1, 2, 0, 3)), vec![0], names(1)))
            .contains("1 x 2 x 0 x 3")
    );
    assert!(message(Dataset::new(images(1), vec![0], names(0))).contains("class names: found 0,"));
    assert!(
        message(Dataset::new(images(1), vec![0], names(257))).contains("class names: found 257,")
    );
    let error = message(Dataset::new(images(3), vec![0, 1, 2], names(2)));
    assert!(
        error.contains("labels: found label 2 at position 2, expected 0 to 1 (2 classes)"),
        "{error}"
    );
    assert!(Dataset::new(images(1), vec![255], names(256)).is_ok());
}

#[test]
fn views_of_views_name_the_same_images() {
    let data = toy(&[3, 4]);
    let view = data.subset(&[6, 2, 2, 0]).unwrap();
    assert_eq!(numbers(&view), [6, 2, 2, 0]);
    assert_eq!(numbers(&view.take(2)), [6, 2]);
    assert_eq!(view.take(99).len(), 4);
    assert_eq!(numbers(&view.subset(&[3, 0]).unwrap()), [0, 6]);
    assert_eq!(view.labels(), [6, 2, 2, 0].map(|i| data.label(i).unwrap()));
    assert!(message(view.subset(&[1, 4])).contains("index: found 4, expected below 4"));
}

#[test]
fn one_hot_rows_go_there_and_back_and_bad_labels_are_named() {
    let labels = Cifar10::sample().test.labels();
    let rows = one_hot(&labels, 10).unwrap();
    assert_eq!(rows.dim(), (500, 10));
    assert_eq!(rows.sum(), 500.0);
    assert_eq!(predicted_classes(rows.view()).unwrap(), labels);
    assert_eq!(one_hot(&[1], 2).unwrap(), array![[0.0, 1.0]]);
    assert!(message(one_hot(&[0, 3], 3)).contains("labels: found label 3 at position 1"));
}

#[test]
fn a_split_is_a_partition_that_the_seed_determines() {
    let data = toy(&[101, 57, 42]);
    for stratified in [false, true] {
        let split = |seed| {
            let parts = if stratified {
                data.split_stratified(0.7, seed)
            } else {
                data.split(0.7, seed)
            };
            let (a, b) = parts.unwrap();
            (numbers(&a), numbers(&b))
        };
        let (a, b) = split(Seed(5));
        assert_eq!((a.len(), b.len()), (140, 60));
        assert_eq!(a.iter().chain(&b).collect::<HashSet<_>>().len(), 200);
        assert_eq!(split(Seed(5)), (a.clone(), b.clone()));
        assert_ne!(split(Seed(6)).0, a);
        for part in [a, b] {
            assert!(
                part.windows(2).filter(|pair| pair[0] > pair[1]).count() > part.len() / 4,
                "in random order"
            );
        }
    }
}

#[test]
fn the_first_numbers_of_a_split_stay_what_they_are() {
    // Written down once: if this fails, every result that was published with a seed has changed.
    let (first, _) = toy(&[100]).split(0.5, Seed(42)).unwrap();
    assert_eq!(numbers(&first)[..8], [60, 37, 24, 35, 2, 16, 26, 29]);
}

#[test]
fn every_image_is_as_likely_in_the_first_part() {
    let data = toy(&[30]);
    let mut counts = [0u32; 30];
    for seed in 0..1000 {
        numbers(&data.split(0.4, Seed(seed)).unwrap().0)
            .iter()
            .for_each(|&i| counts[i] += 1);
    }
    // 400 each on average, with a deviation of √240.
    assert!(
        counts
            .iter()
            .all(|&count| (count as f64 - 400.0).abs() < 4.0 * 240f64.sqrt()),
        "{counts:?}"
    );
}

#[test]
fn a_stratified_split_gives_each_class_its_share_and_the_total_is_right() {
    let counts = [101, 57, 42, 1, 0, 9];
    let data = toy(&counts);
    for fraction in [0.1, 0.29, 0.5, 0.7, 0.815, 0.9] {
        let (a, b) = data.split_stratified(fraction, Seed(1)).unwrap();
        assert_eq!(a.len(), (210.0 * fraction).round() as usize);
        for (k, (first, second)) in a
            .class_counts()
            .into_iter()
            .zip(b.class_counts())
            .enumerate()
        {
            assert_eq!(first + second, counts[k]);
            assert!(
                (first as f64 - counts[k] as f64 * fraction).abs() < 1.0,
                "class {k}: {first} at {fraction}"
            );
        }
    }
    let (a, b) = Cifar10::sample()
        .train
        .split_stratified(0.8, Seed(3))
        .unwrap();
    assert_eq!(
        (a.class_counts(), b.class_counts()),
        (vec![80; 10], vec![20; 10])
    );
}

#[test]
fn holding_out_the_last_is_what_keras_does() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/augmentation.json")).unwrap();
    for case in golden["held_out"].as_array().unwrap() {
        let (kept, rest) = toy(&[case["count"].as_u64().unwrap() as usize])
            .hold_out_last(case["fraction"].as_f64().unwrap())
            .unwrap();
        let rest = numbers(&rest);
        assert_eq!(kept.len() as u64, case["kept"].as_u64().unwrap(), "{case}");
        assert_eq!(
            serde_json::json!([rest.first(), rest.last()]),
            case["rest"],
            "{case}"
        );
    }
}

#[test]
fn fractions_outside_zero_to_one_and_empty_parts_are_errors() {
    let data = toy(&[3]);
    type Splitter = fn(&Dataset, f64) -> Result<(Dataset, Dataset)>;
    let all: [(&str, Splitter); 3] = [
        ("split:", |data, f| data.split(f, Seed(0))),
        ("split_stratified:", |data, f| {
            data.split_stratified(f, Seed(0))
        }),
        ("hold_out_last:", |data, f| data.hold_out_last(f)),
    ];
    for (name, split) in all {
        for fraction in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            let error = message(split(&data, fraction));
            assert!(
                error.starts_with(name) && error.contains("above 0 and below 1"),
                "{error}"
            );
        }
        for fraction in [0.01, 0.999] {
            assert!(message(split(&data.take(1), fraction)).contains("leaves a part empty"));
        }
        assert!(split(&data.take(0), 0.5).is_err());
    }
}

#[test]
fn channel_statistics_are_those_of_numpy() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/augmentation.json")).unwrap();
    let (mean, std) = Cifar10::sample().train.channel_statistics();
    for channel in 0..3 {
        assert!(
            (mean[channel] - golden["statistics"]["mean"][channel].as_f64().unwrap()).abs() < 1e-12
        );
        assert!(
            (std[channel] - golden["statistics"]["std"][channel].as_f64().unwrap()).abs() < 1e-12
        );
    }
}

#[test]
fn standardized_images_have_mean_zero_and_deviation_one() {
    let train = Cifar10::sample().train;
    let train = train
        .clone()
        .with_normalization(Normalization::standardize(&train).unwrap())
        .unwrap();
    let images = train.batches(1000).unwrap().next().unwrap().images;
    for channel in images.mapv(f64::from).axis_iter(Axis(3)) {
        assert!(channel.mean().unwrap().abs() < 1e-6 && (channel.std(0.0) - 1.0).abs() < 1e-6);
    }
    let text = serde_json::to_string(train.normalization()).unwrap();
    assert_eq!(
        &serde_json::from_str::<Normalization>(&text).unwrap(),
        train.normalization()
    );
}

#[test]
fn normalizations_that_cannot_be_are_errors() {
    let flat = Dataset::new(
        Array4::from_elem((2, 2, 2, 1), 9),
        vec![0, 0],
        vec!["a".into()],
    )
    .unwrap();
    assert!(message(Normalization::standardize(&flat)).contains("normalization of channel 0"));
    assert!(Normalization::standardize(&flat.take(0)).is_err());
    assert!(Normalization::new(vec![0.0], vec![1.0, 1.0]).is_err());
    for std in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(Normalization::new(vec![0.5], vec![std]).is_err());
    }
    assert!(
        message(flat.with_normalization(Normalization::unit(3)))
            .contains("normalization: found shape [3], expected [1]")
    );
}

#[test]
fn batches_hold_the_division_of_every_pixel() {
    let rows: Vec<usize> = (0..77).map(|i| (i * 31) % 200).collect();
    let train = Cifar10::sample().train.subset(&rows).unwrap();
    let standard = Normalization::standardize(&train).unwrap();
    let (mean, std) = (standard.mean.clone(), standard.std.clone());
    let standardized = train.clone().with_normalization(standard).unwrap();
    for threads in [Threads::one(), Threads::new(Some(2)).unwrap()] {
        let whole = |data: &Dataset| data.batches(77).unwrap().threads(&threads).next().unwrap();
        let (unit, standardized) = (whole(&train), whole(&standardized));
        assert_eq!(
            (&unit.labels, &standardized.labels),
            (&train.labels(), &train.labels())
        );
        for ((index, &byte), k) in train.images().indexed_iter().zip((0..3).cycle()) {
            let value = f32::from(byte) / 255.0;
            assert_eq!(unit.images[index], value);
            assert_eq!(standardized.images[index], (value - mean[k]) / std[k]);
        }
    }
}

#[test]
fn gathering_works_for_other_numbers_of_channels() {
    for channels in [1, 2, 4] {
        let bytes = Array4::from_shape_fn((5, 3, 4, channels), |(i, y, x, c)| {
            (i * 50 + y * 13 + x * 3 + c) as u8
        });
        let data = Dataset::new(bytes.clone(), vec![0; 5], vec!["a".into()]).unwrap();
        let normalization = Normalization::new(
            vec![0.25; channels],
            (1..=channels).map(|c| c as f32).collect(),
        )
        .unwrap();
        let images = data
            .with_normalization(normalization)
            .unwrap()
            .batches(9)
            .unwrap()
            .next()
            .unwrap()
            .images;
        for ((i, y, x, c), &value) in images.indexed_iter() {
            assert_eq!(
                value,
                (f32::from(bytes[[i, y, x, c]]) / 255.0 - 0.25) / (c + 1) as f32
            );
        }
    }
}

#[test]
fn batches_without_images_are_an_error() {
    assert!(message(toy(&[5]).batches(0)).contains("batch size: found 0, expected at least 1"));
    assert_eq!(toy(&[5]).take(0).batches(3).unwrap().count(), 0);
}

#[test]
fn batches_see_every_image_once_in_the_order_of_the_epoch() {
    let data = toy(&[50, 50, 7]);
    for epoch in [0, 3] {
        let batches = data.batches(16).unwrap().shuffled(Seed(9), epoch);
        assert_eq!(batches.len(), 7);
        let seen: Vec<u32> = batches
            .flat_map(|batch| {
                assert_eq!(batch.images.len_of(Axis(0)), batch.labels.len());
                batch
                    .images
                    .outer_iter()
                    .map(|v| (v[[0, 0, 0]] * 255.0).round() as u32)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(seen, epoch_order(107, Seed(9), epoch));
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 107);
    }
    let plain: Vec<u8> = data
        .batches(16)
        .unwrap()
        .flat_map(|batch| batch.labels)
        .collect();
    assert_eq!(plain, data.labels());
}

#[test]
fn a_dropped_batch_gives_its_memory_to_the_next_and_a_kept_one_stays_as_it_is() {
    let data = toy(&[40]);
    let mut batches = data.batches(8).unwrap();
    let address = |batch: &Batch| batch.images.as_ptr();
    let first = batches.next().unwrap();
    let (memory, content) = (address(&first), first.images.to_owned());
    let second = batches.next().unwrap();
    assert_ne!(address(&second), memory, "the first batch is still held");
    assert_eq!(first.images, content);
    let memory = address(&second);
    drop(second);
    let third = batches.next().unwrap();
    assert_eq!(address(&third), memory);
    assert_eq!(third.images[[0, 0, 0, 0]], 16.0 / 255.0);
    // A clone of the iterator holds the last batch as well, so neither may write over it.
    let clone = batches.clone();
    drop(third);
    let (ours, theirs): (Vec<_>, Vec<_>) = (batches.collect(), clone.collect());
    assert_eq!(ours, theirs);
}

#[test]
fn an_example_counts_for_its_class_weight_times_its_own() {
    let data = toy(&[5, 6]);
    let classes = [0.5, 3.0];
    let samples: Vec<f32> = (0..11).map(|i| i as f32).collect();
    for (class_weights, sample_weights) in [
        (None, None),
        (Some(&classes[..]), None),
        (None, Some(&samples[..])),
        (Some(&classes[..]), Some(&samples[..])),
    ] {
        let batches = data.batches(4).unwrap().shuffled(Seed(2), 1);
        let batches = batches.weighted(class_weights, sample_weights).unwrap();
        for batch in batches {
            let weight = |(image, &label): (ndarray::ArrayView3<'_, f32>, &u8)| {
                let number = (image[[0, 0, 0]] * 255.0).round();
                sample_weights.map_or(1.0, |_| number)
                    * class_weights.map_or(1.0, |weights| weights[usize::from(label)])
            };
            let images = batch.images.outer_iter();
            let wanted: Vec<f32> = images.zip(&batch.labels).map(weight).collect();
            let any = class_weights.is_some() || sample_weights.is_some();
            assert_eq!(batch.weights, any.then_some(wanted));
        }
    }
    let weighted = |classes, samples| message(data.batches(4).unwrap().weighted(classes, samples));
    assert!(weighted(Some(&[1.0]), None).contains("class weights: found shape [1], expected [2]"));
    assert!(weighted(None, Some(&[1.0])).contains("sample weights: found shape [1]"));
    assert!(weighted(Some(&[1.0, -1.0]), None).contains("class weights: found -1"));
    assert!(weighted(None, Some(&[f32::NAN; 11])).contains("sample weights: found NaN"));
}
