//! Augmentation: single moves against SciPy and NumPy, and what random draws may and may not do.

use lab_core::compute::Threads;
use lab_core::prelude::*;
use ndarray::{Array3, array, s};
use serde_json::Value;

fn image() -> Array3<u8> {
    Cifar10::sample().train.image(7).unwrap().to_owned()
}

fn one_move(value: &Value) -> Move {
    let number = |k: usize| value[k].as_f64().unwrap();
    match value[0].as_str().unwrap() {
        "flip" => Move::HorizontalFlip,
        "rotate" => Move::Rotate { degrees: number(1) },
        "shift" => Move::Shift {
            dx: number(1),
            dy: number(2),
        },
        other => panic!("{other}"),
    }
}

/// The augmented images of an epoch, in batches of `size`.
fn gathered(
    data: &Dataset,
    moves: &Augmentation,
    epoch: usize,
    size: usize,
    threads: &Threads,
) -> Vec<f32> {
    let batches = data.batches(size).unwrap().threads(threads);
    let batches = batches.augmented(moves.clone(), Seed(11), epoch);
    let images = batches.unwrap().map(|batch| batch.images);
    images
        .flat_map(|images| images.into_iter().collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_move_and_fill_is_what_scipy_and_numpy_make_of_it() {
    let golden: Value = serde_json::from_str(include_str!("golden/augmentation.json")).unwrap();
    let (cases, image) = (golden["cases"].as_array().unwrap(), image());
    assert!(cases.len() >= 20);
    for case in cases {
        let fill = match case["fill"].as_str().unwrap() {
            "128" => Fill::Constant(128),
            name => serde_json::from_value(name.into()).unwrap(),
        };
        let moves: Vec<Move> = case["moves"]
            .as_array()
            .unwrap()
            .iter()
            .map(one_move)
            .collect();
        let moved = Augmentation::new()
            .fill(fill)
            .apply(image.view(), &moves)
            .unwrap();
        let wanted = case["values"].as_array().unwrap();
        assert_eq!(moved.iter().step_by(5).count(), wanted.len());
        for (i, (&found, wanted)) in moved.iter().step_by(5).zip(wanted).enumerate() {
            let wanted = wanted.as_f64().unwrap();
            let off = (f64::from(found) - wanted).abs();
            assert!(
                off < 1e-3,
                "{moves:?}, {fill:?}: value {} is {found}, not {wanted}",
                5 * i
            );
        }
        let mean = moved.mapv(f64::from).mean().unwrap();
        assert!(
            (mean - case["mean"].as_f64().unwrap()).abs() < 1e-3,
            "{moves:?}, {fill:?}"
        );
    }
}

#[test]
fn whole_pixels_keep_their_bits_on_the_way_to_a_batch() {
    let train = Cifar10::sample().train;
    let train = train
        .clone()
        .with_normalization(Normalization::standardize(&train).unwrap())
        .unwrap();
    let train = train.take(40);
    let threads = Threads::one();
    let plain = gathered(&train, &Augmentation::new(), 0, 40, &threads);
    let batch = train.batches(40).unwrap().next().unwrap().images;
    assert_eq!(batch.as_slice().unwrap(), plain);
    let flipped = gathered(
        &train,
        &Augmentation::new().horizontal_flip(1.0),
        0,
        40,
        &threads,
    );
    let mirrored: Vec<f32> = batch.slice(s![.., .., ..;-1, ..]).iter().copied().collect();
    assert_eq!(flipped, mirrored);

    // A crop is a window of the image that np.pad(mode="symmetric") makes 4 pixels larger on every side.
    let inside = |i: i64| {
        (if i < 0 {
            -1 - i
        } else if i > 31 {
            63 - i
        } else {
            i
        }) as usize
    };
    let mut windows = std::collections::HashSet::new();
    for (k, crop) in gathered(&train, &Augmentation::new().random_crop(4), 0, 40, &threads)
        .chunks(3072)
        .enumerate()
    {
        let shows = |dx: i64, dy: i64| {
            let mut at = crop.chunks(3).zip(0i64..);
            at.all(|(pixel, i)| {
                batch
                    .slice(s![k, inside(i / 32 - dy), inside(i % 32 - dx), ..])
                    .to_slice()
                    == Some(pixel)
            })
        };
        let found: Vec<_> = (-4..=4)
            .flat_map(|dx| (-4..=4).map(move |dy| (dx, dy)))
            .filter(|w| shows(w.0, w.1))
            .collect();
        assert!(!found.is_empty(), "image {k} is no window");
        windows.insert(found[0]);
    }
    assert!(windows.len() > 20, "{windows:?}");
}

#[test]
fn interpolated_pixels_are_normalized_like_any_other() {
    let train = Cifar10::sample().train.subset(&[7]).unwrap();
    let moves = Augmentation::new().rotation(30.0);
    let rotated = gathered(&train, &moves, 2, 1, &Threads::one());
    let standard = Normalization::standardize(&Cifar10::sample().train).unwrap();
    let standardized = train.with_normalization(standard.clone()).unwrap();
    let found = gathered(&standardized, &moves, 2, 1, &Threads::one());
    for (i, (found, unit)) in found.iter().zip(rotated).enumerate() {
        let wanted = (unit - standard.mean[i % 3]) / standard.std[i % 3];
        assert!((found - wanted).abs() < 1e-5, "{found} {wanted}");
    }
}

#[test]
fn draws_depend_on_seed_epoch_and_position_and_on_nothing_else() {
    let train = Cifar10::sample().train;
    let augmentation = Augmentation::new()
        .horizontal_flip(0.5)
        .rotation(15.0)
        .with(RandomMove::Shift(0.1), 0.8)
        .random_crop(2)
        .fill(Fill::Nearest);
    let data = train.take(64);
    let (one, two) = (Threads::one(), Threads::new(Some(2)).unwrap());
    let whole = gathered(&data, &augmentation, 3, 64, &one);
    for (size, threads) in [(64, &two), (13, &two), (13, &one)] {
        assert_eq!(gathered(&data, &augmentation, 3, size, threads), whole);
    }
    assert_ne!(gathered(&data, &augmentation, 4, 64, &one), whole);

    let gallery = augmentation.draw(image().view(), Seed(11), 3).unwrap();
    let same = train.subset(&[7, 7, 7]).unwrap();
    let same = gathered(&same, &augmentation, 0, 3, &one);
    for (drawn, value) in gallery.iter().flatten().zip(same) {
        assert!((f32::from(*drawn) - value * 255.0).abs() < 0.501);
    }
    assert_ne!(gallery[0], gallery[1]);
}

#[test]
fn the_share_of_moved_images_is_the_probability() {
    let image = image();
    let flipped = image.slice(s![.., ..;-1, ..]);
    for (probability, least, most) in [(0.0, 0, 0), (0.3, 242, 358), (1.0, 1000, 1000)] {
        let draws = Augmentation::new()
            .horizontal_flip(probability)
            .draw(image.view(), Seed(4), 1000)
            .unwrap();
        let count = draws.iter().filter(|draw| **draw == flipped).count();
        assert!((least..=most).contains(&count), "{count} at {probability}");
        assert!(draws.iter().all(|draw| *draw == flipped || *draw == image));
    }
    let augmentation = Augmentation::new()
        .horizontal_flip(0.0)
        .with(RandomMove::Rotate(20.0), 0.5);
    let draws = augmentation.draw(image.view(), Seed(4), 1000).unwrap();
    let count = draws.iter().filter(|draw| **draw == image).count();
    assert!(
        (437..=563).contains(&count),
        "four deviations about 500: {count}"
    );
}

#[test]
fn random_amounts_fill_their_range_evenly_and_do_not_leave_it() {
    // A ramp tells by its first pixel how far it was shifted: it shows column 100 − dx, with steps of 1 a column.
    let ramp = Array3::from_shape_fn((1, 201, 1), |(_, x, _)| x as u8);
    let middle = |draws: Vec<Array3<u8>>| {
        draws
            .iter()
            .map(|v| 100.0 - f64::from(v[[0, 100, 0]]))
            .collect::<Vec<_>>()
    };
    let shifts = middle(
        Augmentation::new()
            .shift(0.2)
            .draw(ramp.view(), Seed(1), 2000)
            .unwrap(),
    );
    let crops = middle(
        Augmentation::new()
            .random_crop(40)
            .draw(ramp.view(), Seed(2), 2000)
            .unwrap(),
    );
    for (amounts, most) in [(shifts, 40.5), (crops, 40.0)] {
        assert!(amounts.iter().all(|amount| amount.abs() <= most));
        assert!(
            amounts.iter().any(|&amount| amount < -38.0)
                && amounts.iter().any(|&amount| amount > 38.0)
        );
        let mean = amounts.iter().sum::<f64>() / 2000.0;
        let variance = amounts.iter().map(|amount| amount * amount).sum::<f64>() / 2000.0;
        // Uniform in ±40: a deviation of 40/√3, whose square is known to about 2 % from 2,000 draws.
        assert!(mean.abs() < 4.0 * 23.1 / 2000f64.sqrt(), "{mean}");
        assert!((variance / (1600.0 / 3.0) - 1.0).abs() < 0.09, "{variance}");
    }
    // A lone bright pixel right of the centre of a dark square goes round on an arc: its angle is that of the turn.
    let mut square = Array3::<u8>::zeros((41, 41, 1));
    square[[20, 38, 0]] = 255;
    let draws = Augmentation::new()
        .rotation(25.0)
        .draw(square.view(), Seed(3), 1000)
        .unwrap();
    let angles: Vec<f64> = draws
        .iter()
        .map(|draw| {
            let weigh = |f: &dyn Fn(usize, usize) -> f64| -> f64 {
                draw.indexed_iter()
                    .map(|((y, x, _), &byte)| f(y, x) * f64::from(byte))
                    .sum()
            };
            (-weigh(&|y, _| y as f64 - 20.0))
                .atan2(weigh(&|_, x| x as f64 - 20.0))
                .to_degrees()
        })
        .collect();
    assert!(angles.iter().all(|angle| angle.abs() < 26.0));
    assert!(angles.iter().any(|&angle| angle > 23.5) && angles.iter().any(|&angle| angle < -23.5));
    assert!((angles.iter().sum::<f64>() / 1000.0).abs() < 4.0 * 14.4 / 1000f64.sqrt());
}

#[test]
fn images_of_any_shape_move() {
    let augmentation = Augmentation::new()
        .horizontal_flip(0.5)
        .rotation(180.0)
        .shift(1.0)
        .random_crop(50);
    for shape in [(1, 1, 1), (1, 9, 2), (7, 3, 4), (5, 6, 9)] {
        let image = Array3::from_shape_fn(shape, |(y, x, c)| (40 * y + 5 * x + c) as u8);
        for fill in [Fill::Reflect, Fill::Nearest, Fill::Wrap, Fill::Constant(7)] {
            let augmentation = augmentation.clone().fill(fill);
            assert_eq!(
                augmentation.draw(image.view(), Seed(8), 50).unwrap().len(),
                50
            );
            let still = augmentation
                .apply(image.view(), &[Move::Rotate { degrees: 360.0 }])
                .unwrap();
            let off = still
                .iter()
                .zip(&image)
                .map(|(a, &b)| (a - f32::from(b)).abs())
                .fold(0.0, f32::max);
            assert!(off < 1e-3, "{shape:?}: {off}");
            let far = [
                Move::Shift {
                    dx: 999_999.5,
                    dy: -1e6,
                },
                Move::Rotate { degrees: 77.0 },
            ];
            let far = augmentation.apply(image.view(), &far).unwrap();
            assert!(far.iter().all(|value| (0.0..=255.0).contains(value)));
            assert!(fill != Fill::Constant(7) || far.iter().all(|&value| value == 7.0));
        }
    }
}

#[test]
fn augmentations_that_cannot_be_are_errors() {
    let image = image();
    let new = Augmentation::new;
    for (augmentation, words) in [
        (
            new().horizontal_flip(1.5),
            "probability of flip: found 1.5, expected 0 to 1",
        ),
        (
            new().horizontal_flip(f64::NAN),
            "probability of flip: found NaN",
        ),
        (
            new().rotation(181.0),
            "rotate: found 181, expected 0 to 180",
        ),
        (new().rotation(-1.0), "rotate: found -1"),
        (new().shift(1.1), "shift: found 1.1, expected 0 to 1"),
        (
            new().random_crop(u32::MAX),
            "crop: found 4294967295, expected 0 to 1024",
        ),
        (
            new().with(RandomMove::Shift(0.1), -0.1),
            "probability of shift",
        ),
    ] {
        let error = augmentation
            .draw(image.view(), Seed(0), 1)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
        assert!(matches!(
            augmentation.validate(),
            Err(LabError::Value { .. })
        ));
    }
    for movement in [
        Move::Rotate { degrees: f64::NAN },
        Move::Shift {
            dx: 0.0,
            dy: f64::INFINITY,
        },
    ] {
        assert!(new().apply(image.view(), &[movement]).is_err());
    }
    assert!(new().apply(Array3::zeros((0, 4, 3)).view(), &[]).is_err());
}

#[test]
fn an_augmentation_reads_back_from_its_serialized_form() {
    let built = Augmentation::new()
        .horizontal_flip(0.25)
        .rotation(15.0)
        .random_crop(4)
        .fill(Fill::Constant(128));
    let json = serde_json::to_string(&built).unwrap();
    let written = r#"{"moves":[["flip",0.25],[{"rotate":15.0},1.0],[{"crop":4},1.0]],"fill":{"constant":128}}"#;
    assert_eq!(json, written);
    assert_eq!(serde_json::from_str::<Augmentation>(&json).unwrap(), built);
    for wrong in [
        r#"{"moves":[["twist",0.5]]}"#,
        r#"{"moves":[["flip"]]}"#,
        r#"{"moves":[[{"crop":1.5},1.0]]}"#,
        r#"{"moves":[],"fill":{"constant":256}}"#,
        r#"{"moves":[],"fills":"wrap"}"#,
    ] {
        assert!(
            serde_json::from_str::<Augmentation>(wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn reflection_repeats_the_pixel_at_the_edge() {
    let moved = Augmentation::new()
        .apply(
            array![[[1], [2], [3], [4]]].view(),
            &[Move::Shift { dx: 3.0, dy: 0.0 }],
        )
        .unwrap();
    assert_eq!(
        moved,
        array![[[3.0], [2.0], [1.0], [1.0]]],
        "d c b a | a b c d"
    );
}

#[test]
fn skipped_batches_leave_the_others_as_they_are() {
    let train = Cifar10::sample().train.take(110);
    let moves = Augmentation::new().horizontal_flip(0.5).shift(0.1);
    let batches = || {
        let batches = train.batches(20).unwrap().shuffled(Seed(3), 2);
        batches.augmented(moves.clone(), Seed(3), 2).unwrap()
    };
    let all: Vec<Batch> = batches().collect();
    assert_eq!(all.len(), 6);
    let mut some = batches();
    assert_eq!(some.nth(1).as_ref(), Some(&all[1]));
    assert_eq!(some.nth(2).as_ref(), Some(&all[4]));
    assert_eq!((some.len(), some.next().as_ref()), (1, Some(&all[5])));
    for count in [0, 6, usize::MAX] {
        assert_eq!(batches().skip(6).nth(count), None);
        assert_eq!(some.nth(count), None);
    }
}

#[test]
fn batches_are_augmented_by_the_position_of_an_image_in_the_epoch() {
    let train = Cifar10::sample().train.take(50);
    let augmentation = Augmentation::new()
        .horizontal_flip(0.5)
        .rotation(15.0)
        .shift(0.1);
    let batches = train.batches(20).unwrap().shuffled(Seed(3), 2);
    let batches = batches.augmented(augmentation.clone(), Seed(3), 2).unwrap();
    let ours: Vec<f32> = batches
        .flat_map(|batch| batch.images.into_iter().collect::<Vec<_>>())
        .collect();
    // The same order by hand, and the same draws by position in the epoch.
    let order = lab_core::data::epoch_order(50, Seed(3), 2);
    let order: Vec<usize> = order.into_iter().map(|row| row as usize).collect();
    let ordered = train.subset(&order).unwrap().batches(50).unwrap();
    let mut ordered = ordered.augmented(augmentation, Seed(3), 2).unwrap();
    assert_eq!(ours, ordered.next().unwrap().images.as_slice().unwrap());
    let backwards = Augmentation::new().rotation(-1.0);
    let batches = train.batches(20).unwrap();
    assert!(batches.augmented(backwards, Seed(0), 0).is_err());
}
