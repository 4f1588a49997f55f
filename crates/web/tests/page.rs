//! A network and pictures as a page gives them to the module.

use image::imageops::FilterType;
use image::{DynamicImage, RgbaImage};
use lab_core::prelude::*;
use lab_web::network::Network;
use lab_web::picture::{features, shrink};
use ndarray::ArrayD;

/// A network whose weights are whole numbers of steps, sixty-fourths.
fn model() -> Sequential {
    let model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(12, Activation::Elu)
        .batch_norm()
        .dropout(0.5)
        .dense(10, Activation::Softmax);
    let mut model = model.build(Seed(3)).unwrap();
    let names: Vec<String> = model.weight_names().map(str::to_owned).collect();
    for name in names {
        let value = model.weight(&name).unwrap();
        // A variance is above 0.
        let offset = if name.ends_with("variance") { 1.0 } else { 0.0 };
        let value: ArrayD<f32> = value.mapv(|w| (w * 64.0).round() / 64.0 + offset);
        model.set_weight(&name, value).unwrap();
    }
    model
}

const STEP: f32 = 1.0 / 64.0;

fn file(model: &Sequential) -> Vec<u8> {
    let mut names: Vec<&str> = model.weight_names().collect();
    names.sort();
    let line = serde_json::to_string(model.architecture()).unwrap();
    let mut file = (line + "\n").into_bytes();
    for name in names {
        let weights = model.weight(name).unwrap();
        if weights.ndim() > 1 {
            file.extend(STEP.to_le_bytes());
        }
        for weight in &weights {
            match weights.ndim() {
                1 => file.extend(weight.to_le_bytes()),
                _ => file.extend(((weight / STEP) as i16).to_le_bytes()),
            }
        }
    }
    file
}

fn picture(salt: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (i * i * 31 + i * 7 + salt) as u8)
        .collect()
}

#[test]
fn a_network_answers_as_the_one_that_it_was_made_of() {
    let model = model();
    let mut network = Network::read(&file(&model)).unwrap();
    let cifar = Cifar10::sample().test;
    let expected = model.predict(&cifar).unwrap();
    for index in 0..20 {
        let bytes: Vec<u8> = cifar.image(index).unwrap().iter().copied().collect();
        let found = network.predict(&bytes).unwrap();
        let expected = expected.row(index);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found}, {expected}");
        }
        // The gradient of the pre-activation says how the output moves with the brightest pixel.
        let saliency = network.saliency(&bytes, 4).unwrap();
        assert_eq!(saliency.len(), 32 * 32);
        assert!(
            saliency.iter().all(|value| *value >= 0.0) && saliency.iter().any(|value| *value > 0.0)
        );
    }
}

#[test]
fn hidden_features_of_several_pictures_are_what_the_last_layer_makes_its_answers_of() {
    let model = model();
    let mut network = Network::read(&file(&model)).unwrap();
    let pictures = [picture(1, 3072), picture(5, 3072), picture(9, 3072)].concat();
    let (answers, hidden) = (network.predict(&pictures), network.hidden(&pictures));
    let (answers, hidden) = (answers.unwrap(), hidden.unwrap());
    assert_eq!((answers.len(), hidden.len()), (3 * 10, 3 * 12));
    let kernel = model.weight("dense_1.kernel").unwrap();
    let bias = model.weight("dense_1.bias").unwrap();
    for (features, answers) in hidden.chunks(12).zip(answers.chunks(10)) {
        let sum = |unit| {
            (0..12)
                .map(|at| features[at] * kernel[[at, unit]])
                .sum::<f32>()
        };
        let powers: Vec<f32> = (0..10)
            .map(|unit| (sum(unit) + bias[[unit]]).exp())
            .collect();
        for (power, answer) in powers.iter().zip(answers) {
            assert!((power / powers.iter().sum::<f32>() - answer).abs() < 1e-5);
        }
    }
}

#[test]
fn saliency_is_the_largest_gradient_of_a_pixel() {
    let mut linear = Sequential::new([32, 32, 3])
        .flatten()
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    let kernel = ArrayD::from_shape_fn(vec![3072, 10], |at| {
        ((at[0] * 10 + at[1]) % 127) as f32 / 64.0 - 1.0
    });
    linear.set_weight("dense.kernel", kernel.clone()).unwrap();
    let mut network = Network::read(&file(&linear)).unwrap();
    let found = network.saliency(&picture(1, 3072), 7).unwrap();
    for (pixel, found) in found.into_iter().enumerate() {
        let of = |channel| kernel[[3 * pixel + channel, 7]].abs();
        assert_eq!(found, of(0).max(of(1)).max(of(2)));
    }
}

#[test]
fn what_is_damaged_is_refused_with_the_reason() {
    let (model, good) = (model(), file(&model()));
    let start = good.iter().position(|byte| *byte == b'\n').unwrap();
    let other = |shape| {
        Sequential::new(shape)
            .flatten()
            .dense(10, Activation::Softmax)
            .build(Seed(0))
            .unwrap()
    };
    let other_layer = String::from_utf8_lossy(&good[..start]).replace("\"dense\"", "\"denser\"");
    let cases = [
        (vec![], "EOF"),
        (good[..start].to_vec(), "0 bytes of weights"),
        (
            good[..good.len() - 1].to_vec(),
            "no end of `dense_1.kernel`",
        ),
        ([&good[..], b"ab"].concat(), "2 bytes without a name"),
        ([other_layer.as_bytes(), &good[start..]].concat(), "denser"),
        (file(&other([8, 8, 11])), "inputs [8, 8, 11]"),
    ];
    for (file, reason) in cases {
        let error = Network::read(&file).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let network = Network::read(&file(&model)).unwrap();
    assert!(
        network
            .predict(&picture(0, 3071))
            .unwrap_err()
            .to_string()
            .contains("3071 bytes")
    );
}

#[test]
fn pictures_are_made_small_as_the_command_line_does() {
    for side in [1, 2, 31, 32, 33, 64, 100, 517] {
        let mut rgba = picture(side, 4 * side * side);
        rgba.chunks_mut(4).for_each(|pixel| pixel[3] = 255);
        let whole = RgbaImage::from_raw(side as u32, side as u32, rgba.clone()).unwrap();
        let whole = DynamicImage::ImageRgba8(whole);
        let expected = whole
            .resize_exact(32, 32, FilterType::Triangle)
            .to_rgb8()
            .into_raw();
        let found = shrink(&rgba, side).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                found.abs_diff(*expected) <= 1,
                "side {side}: {found}, {expected}"
            );
        }
        let differ = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
        assert!(differ <= 3, "side {side}: {differ} of 3072 bytes");
    }
    for (bytes, side) in [(0, 0), (16, 3), (15, 2)] {
        assert!(shrink(&picture(0, bytes), side).is_err());
    }
}

#[test]
fn features_tell_where_a_picture_has_edges_and_which_colours() {
    // Left half black, right half of one colour: a brightness of 30 on the right.
    let right = [60, 30, 0];
    let rgb: Vec<u8> = (0..32 * 32)
        .flat_map(|at| if at % 32 < 16 { [0; 3] } else { right })
        .collect();
    let cells = features(&rgb);
    for (cell, found) in cells.chunks(12).enumerate() {
        let column = cell % 8;
        // The two cells at the border have 4 pixels of strength 30 each, brighter to the right: direction 0.
        let edge = (255.0 * (4.0 * 30.0 / (16.0 * 128.0_f32)).sqrt()) as u8;
        let strength = if column == 3 || column == 4 { edge } else { 0 };
        let colour = if column < 4 { [0; 3] } else { right };
        assert_eq!(found[..9], [strength, 0, 0, 0, 0, 0, 0, 0, 0], "{cell}");
        assert_eq!(found[9..], colour, "{cell}");
    }
}
