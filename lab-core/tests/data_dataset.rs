//! Data sets as views, splits, normalization and batches.

use std::collections::HashSet;

use lab_core::compute::Threads;
use lab_core::data::{epoch_order, from_one_hot, one_hot};
use lab_core::prelude::*;
use ndarray::{Array2, Array4, Axis, array, s};

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
    assert!(message(Dataset::new(images(2), vec![0; 3], names(1))).contains("3 labels"));
    assert!(message(Dataset::new(images(0), vec![], names(1))).contains("0 x 2 x 2 x 3"));
    assert!(
        message(Dataset::new(Array4::zeros((1, 2, 0, 3)), vec![0], names(1)))
            .contains("1 x 2 x 0 x 3")
    );
    assert!(message(Dataset::new(images(1), vec![0], names(0))).contains("0 names"));
    assert!(message(Dataset::new(images(1), vec![0], names(257))).contains("257 names"));
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
fn one_hot_rows_go_there_and_back_and_bad_ones_are_named() {
    let data = Cifar10::sample().test;
    let rows = data.one_hot();
    assert_eq!(rows.dim(), (500, 10));
    assert_eq!(rows.sum(), 500.0);
    assert_eq!(from_one_hot(rows.view()).unwrap(), data.labels());
    assert_eq!(one_hot(&data.labels(), 10).unwrap(), rows);
    assert_eq!(one_hot(&[1], 2).unwrap(), array![[0.0, 1.0]]);
    assert!(message(one_hot(&[0, 3], 3)).contains("labels: found label 3 at position 1"));
    for bad in [
        array![0.0, 0.0],
        array![1.0, 1.0],
        array![0.5, 0.5],
        array![1.0, 0.5],
        array![f32::NAN, 1.0],
    ] {
        let mut rows = Array2::from_shape_fn((3, 2), |(_, k)| k as f32);
        rows.row_mut(1).assign(&bad);
        assert!(
            message(from_one_hot(rows.view())).contains("one-hot row 1:"),
            "{bad}"
        );
    }
    let mut wide = Array2::zeros((1, 300));
    wide[[0, 299]] = 1.0;
    assert!(from_one_hot(wide.view()).is_err());
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
                error.starts_with(name) && error.contains("between 0 and 1"),
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
    let (images, _) = train.batches(1000).unwrap().next().unwrap();
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
    assert!(message(flat.with_normalization(Normalization::unit(3))).contains("1 of each"));
}

#[test]
fn gathering_is_the_division_of_every_pixel() {
    let train = Cifar10::sample()
        .train
        .subset(&(0..200).rev().collect::<Vec<_>>())
        .unwrap();
    let standard = Normalization::standardize(&train).unwrap();
    let (mean, std) = (standard.mean().to_vec(), standard.std().to_vec());
    let rows: Vec<u32> = (0..77).map(|i| (i * 31) % 200).collect();
    let (mut images, mut labels) = (vec![0.0; 77 * 3072], vec![0; 77]);
    for threads in [Threads::one(), Threads::new(Some(2)).unwrap()] {
        train
            .gather(&rows, None, &threads, &mut images, &mut labels)
            .unwrap();
        for (i, &row) in rows.iter().enumerate() {
            let bytes = train.image(row as usize).unwrap();
            assert_eq!(train.label(row as usize), Some(labels[i]));
            assert!(
                bytes
                    .iter()
                    .zip(&images[i * 3072..])
                    .all(|(&byte, &value)| value == f32::from(byte) / 255.0)
            );
        }
        let standardized = train.clone().with_normalization(standard.clone()).unwrap();
        standardized
            .gather(&rows, None, &threads, &mut images, &mut labels)
            .unwrap();
        for (i, &row) in rows.iter().enumerate() {
            let bytes = train.image(row as usize).unwrap();
            for (k, (&byte, &value)) in bytes.iter().zip(&images[i * 3072..]).enumerate() {
                assert_eq!(value, (f32::from(byte) / 255.0 - mean[k % 3]) / std[k % 3]);
            }
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
        let (images, _) = data
            .with_normalization(normalization)
            .unwrap()
            .batches(9)
            .unwrap()
            .next()
            .unwrap();
        for ((i, y, x, c), &value) in images.indexed_iter() {
            assert_eq!(
                value,
                (f32::from(bytes[[i, y, x, c]]) / 255.0 - 0.25) / (c + 1) as f32
            );
        }
    }
}

#[test]
fn what_cannot_be_gathered_is_an_error() {
    let data = toy(&[5]);
    let threads = Threads::one();
    let mut labels = [0; 2];
    let error = message(data.gather(&[0, 5], None, &threads, &mut [0.0; 4], &mut labels));
    assert!(error.contains("found 5, expected below 5"), "{error}");
    let error = message(data.gather(&[0, 1], None, &threads, &mut [0.0; 5], &mut labels));
    assert!(
        error.contains("5 numbers and 2 labels") && error.contains("2 images of 1 x 2 x 1"),
        "{error}"
    );
    assert!(
        data.gather(&[0], None, &threads, &mut [0.0; 2], &mut labels)
            .is_err()
    );
    let wild = Augmentation::new().rotation(f64::NAN);
    assert!(
        data.gather(
            &[0, 1],
            Some((&wild, Seed(0), 0, 0)),
            &threads,
            &mut [0.0; 4],
            &mut labels
        )
        .is_err()
    );
    assert!(message(data.batches(0)).contains("batch size: found 0"));
}

#[test]
fn batches_see_every_image_once_in_the_order_of_the_epoch() {
    let data = toy(&[50, 50, 7]);
    for epoch in [0, 3] {
        let batches = data.batches(16).unwrap().shuffled(Seed(9), epoch);
        assert_eq!(batches.len(), 7);
        let seen: Vec<u32> = batches
            .flat_map(|(images, labels)| {
                assert_eq!(images.len_of(Axis(0)), labels.len());
                images
                    .outer_iter()
                    .map(|v| (v[[0, 0, 0]] * 255.0).round() as u32)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(seen, epoch_order(107, Some(Seed(9)), epoch));
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 107);
    }
    let plain: Vec<u8> = data
        .batches(16)
        .unwrap()
        .flat_map(|(_, labels)| labels)
        .collect();
    assert_eq!(plain, data.labels());
}
