//! Weights on disk: they come back bit for bit, and a file that is damaged or of another network changes nothing.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{assert_says, bits, quiet, random, sample, small_network, small_plan};
use lab_core::prelude::*;
use ndarray::ArrayD;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::TempDir;

/// A network with every kind of array, small enough that each byte of its file can be spoilt.
fn tiny() -> Sequential {
    let plan = Sequential::new([3])
        .layer(Dense::new(4, Activation::Elu).l2(0.01))
        .batch_norm()
        .dropout(0.25);
    plan.dense(2, Activation::Softmax).build(Seed(1)).unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    (folder, path)
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_network_comes_back_bit_for_bit_with_its_plan() {
    let (_folder, path) = folder();
    let mut model = small_plan()
        .batch_norm()
        .dropout(0.5)
        .dense(10, Activation::Softmax)
        .build(Seed(4))
        .unwrap();
    quiet(Adam::new(1e-3))
        .fit(&mut model, &sample().train.take(100), None)
        .unwrap();
    // Numbers that text would spoil.
    let odd = [
        f32::MIN_POSITIVE,
        -0.0,
        1e-45,
        f32::MAX,
        0.1,
        -1.0 / 3.0,
        f32::INFINITY,
        1.0,
        2.0,
        f32::EPSILON,
    ];
    model
        .set_weight(
            "dense_1.bias",
            ArrayD::from_shape_vec(vec![10], odd.to_vec()).unwrap(),
        )
        .unwrap();
    model.save(&path).unwrap();

    let loaded = Sequential::load(&path).unwrap();
    assert_eq!(bits(&loaded), bits(&model));
    assert_eq!(loaded.architecture(), model.architecture());
    assert_eq!(loaded.summary(), model.summary());
    let mut other = model.architecture().clone().build(Seed(99)).unwrap();
    assert_ne!(bits(&other), bits(&model));
    other.load_weights(&path).unwrap();
    assert_eq!(bits(&other), bits(&model));
    let mut not_a_number = tiny();
    not_a_number
        .set_weight("dense.bias", ArrayD::from_elem(vec![4], f32::NAN))
        .unwrap();
    not_a_number.save(&path).unwrap();
    assert_eq!(bits(&Sequential::load(&path).unwrap()), bits(&not_a_number));
}

#[test]
fn a_loaded_network_predicts_and_trains_as_the_saved_one() {
    let (_folder, path) = folder();
    let mut model = small_network();
    model.save(&path).unwrap();
    let mut loaded = Sequential::load(&path).unwrap();
    let train = sample().train.take(70);
    assert_eq!(
        loaded.predict(&train).unwrap(),
        model.predict(&train).unwrap()
    );
    for model in [&mut model, &mut loaded] {
        quiet(Adam::new(1e-3)).fit(model, &train, None).unwrap();
    }
    assert_eq!(bits(&loaded), bits(&model));
}

#[test]
fn the_same_network_is_saved_as_the_same_bytes() {
    let (folder, path) = folder();
    tiny().save(&path).unwrap();
    let first = fs::read(&path).unwrap();
    for _ in 0..5 {
        tiny().save(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        Sequential::load(&path).unwrap().save(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
    }
    assert_eq!(
        names_in(folder.path()),
        ["model.safetensors"],
        "nothing is left beside it"
    );
}

#[test]
fn the_file_is_a_safetensors_file_whose_names_say_the_layer() {
    let (_folder, path) = folder();
    let model = tiny();
    model.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort();
    let mut wanted: Vec<&str> = model.weight_names().collect();
    wanted.sort();
    assert_eq!(names, wanted);
    let kernel = file.tensor("dense.kernel").unwrap();
    assert_eq!((kernel.shape(), kernel.dtype()), (&[3, 4][..], Dtype::F32));
    let values: Vec<f32> = kernel
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect();
    assert_eq!(
        values,
        model
            .weight("dense.kernel")
            .unwrap()
            .iter()
            .copied()
            .collect::<Vec<_>>()
    );
}

/// Neither way of reading the file may succeed, and the network that was to take its weights must be as it was.
fn assert_refused(path: &Path, model: &mut Sequential, what: &str) {
    let before = bits(model);
    for result in [Sequential::load(path).map(drop), model.load_weights(path)] {
        let text = result
            .err()
            .unwrap_or_else(|| panic!("{what}: read without an error"))
            .to_string();
        assert!(
            text.contains("model.safetensors") && text.contains("what to do: "),
            "{what}: {text}"
        );
    }
    assert_eq!(bits(model), before, "{what}");
}

#[test]
fn a_truncated_or_overlong_file_is_refused_at_every_length() {
    let (_folder, path) = folder();
    let mut model = tiny();
    model.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_refused(
            &path,
            &mut model,
            &format!("{length} of {} bytes", whole.len()),
        );
    }
    fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    assert_refused(&path, &mut model, "one byte too many");
    fs::write(&path, [&whole[..], &whole].concat()).unwrap();
    assert_refused(&path, &mut model, "twice the same");
}

#[test]
fn flipped_bytes_in_the_header_never_panic_and_never_give_a_network_that_does_not_fit_itself() {
    let (_folder, path) = folder();
    let mut model = tiny();
    model.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let x = random(3, 3, 1);
    let mut spoil = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        fs::write(&path, &bytes).unwrap();
        // A flip may give another valid file: another activation, another penalty. It must be one that works.
        if let Ok(loaded) = Sequential::load(&path) {
            let outputs = loaded.predict(&x).unwrap();
            assert_eq!(outputs.dim(), (3, 2), "byte {at} as {byte}");
            assert_eq!(loaded.parameter_count(), model.parameter_count());
        }
        let before = bits(&model);
        if model.load_weights(&path).is_err() {
            assert_eq!(bits(&model), before, "byte {at} as {byte}");
        }
    };
    for (at, &byte) in whole[..header].iter().enumerate() {
        [0x01, 0x80]
            .into_iter()
            .for_each(|flip| spoil(at, byte ^ flip));
        [b'"', b'9', b'}']
            .into_iter()
            .for_each(|byte| spoil(at, byte));
    }
}

#[test]
fn files_that_are_no_files_and_headers_that_lie_are_refused() {
    let (folder, path) = folder();
    let mut model = tiny();
    assert_refused(&path, &mut model, "no file");
    fs::write(&path, []).unwrap();
    assert_refused(&path, &mut model, "an empty file");
    for length in [
        0,
        1,
        8,
        100,
        1 << 31,
        1 << 40,
        i64::MAX as u64,
        u64::MAX - 7,
        u64::MAX,
    ] {
        for rest in [&b""[..], b"{}", b"{\"a\":", &[b'{'; 300]] {
            fs::write(&path, [&u64::to_le_bytes(length)[..], rest].concat()).unwrap();
            assert_refused(
                &path,
                &mut model,
                &format!("a header of {length} bytes before {rest:?}"),
            );
        }
    }
    fs::write(&path, include_bytes!("../assets/sample_test.bin")).unwrap();
    assert_refused(&path, &mut model, "images");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_refused(&path, &mut model, "a folder");
    assert_says(model.save(&path), &["model.safetensors", "cannot write"]);
    assert_says(
        model.save(folder.path().join("no/such/model.safetensors")),
        &["no/such/model", "cannot write"],
    );
    assert_eq!(
        names_in(folder.path()),
        ["model.safetensors"],
        "nothing is left beside it"
    );
    assert!(path.is_dir());
    fs::remove_dir(&path).unwrap();
    // A file larger than any network, which takes no room on the disk.
    fs::File::create(&path).unwrap().set_len(3 << 30).unwrap();
    assert_refused(&path, &mut model, "three gigabytes");
}

#[test]
fn weights_of_another_network_are_refused_and_nothing_is_changed() {
    let (_folder, path) = folder();
    let plan = |units: usize| {
        Sequential::new([3])
            .dense(units, Activation::Relu)
            .dense(2, Activation::Softmax)
    };
    plan(4).build(Seed(0)).unwrap().save(&path).unwrap();
    let mut others = [
        (
            plan(5),
            vec!["shape [3, 4]", "`dense.kernel` of shape [3, 5]"],
        ),
        (
            plan(4).dense(2, Activation::Softmax),
            vec!["no such array", "`dense_2.kernel` of shape [2, 2]"],
        ),
        (
            Sequential::new([3]).dense(4, Activation::Softmax),
            vec!["an array `dense_1.", "only dense.kernel, dense.bias"],
        ),
        (
            Sequential::new([3]).batch_norm(),
            vec!["an array `dense", "only batch_normalization.gamma"],
        ),
    ]
    .map(|(plan, words)| (plan.build(Seed(1)).unwrap(), words));
    for (model, words) in &mut others {
        let before = bits(model);
        let words: Vec<&str> = ["model.safetensors", "the same layers"]
            .into_iter()
            .chain(words.drain(..))
            .collect();
        assert_says(model.load_weights(&path), &words);
        assert_eq!(bits(model), before);
    }
    // Other activations have the same arrays: that is a network with the same weights.
    let mut equal = Sequential::new([3])
        .dense(4, Activation::Tanh)
        .dense(2, Activation::Linear)
        .build(Seed(5))
        .unwrap();
    equal.load_weights(&path).unwrap();
    assert_eq!(bits(&equal), bits(&Sequential::load(&path).unwrap()));
}

/// Writes arrays of these names, shapes and types, filled with zeros, with this architecture if there is one.
fn write_file(path: &Path, arrays: &[(&str, Vec<usize>, Dtype)], architecture: Option<String>) {
    let size = |dtype: &Dtype| if *dtype == Dtype::F64 { 8 } else { 4 };
    let data: Vec<Vec<u8>> = arrays
        .iter()
        .map(|(_, shape, dtype)| vec![0; shape.iter().product::<usize>() * size(dtype)])
        .collect();
    let views = arrays.iter().zip(&data);
    let views = views.map(|((name, shape, dtype), data)| {
        (*name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    let metadata = architecture.map(|text| HashMap::from([("architecture".to_owned(), text)]));
    fs::write(path, safetensors::serialize(views, metadata).unwrap()).unwrap();
}

#[test]
fn files_of_other_programs_are_read_where_they_fit_and_named_where_not() {
    let (_folder, path) = folder();
    let mut model = Sequential::new([3])
        .dense(2, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    let (kernel, bias) = (
        ("dense.kernel", vec![3, 2], Dtype::F32),
        ("dense.bias", vec![2], Dtype::F32),
    );
    for (arrays, words) in [
        (
            vec![kernel.clone()],
            ["no such array", "`dense.bias` of shape [2]"],
        ),
        (
            vec![kernel.clone(), ("dense.bias", vec![2, 1], Dtype::F32)],
            ["shape [2, 1]", "`dense.bias` of shape [2]"],
        ),
        (
            vec![("dense.kernel", vec![3, 2], Dtype::F64), bias.clone()],
            ["F64", "as F32"],
        ),
        (
            vec![("dense.kernel", vec![2, 3], Dtype::F32), bias.clone()],
            ["shape [2, 3]", "of shape [3, 2]"],
        ),
        (
            vec![kernel.clone(), bias.clone(), ("epoch", vec![1], Dtype::F32)],
            ["`epoch`", "only dense.kernel"],
        ),
    ] {
        write_file(&path, &arrays, None);
        let before = bits(&model);
        assert_says(model.load_weights(&path), &words);
        assert_eq!(bits(&model), before);
    }
    write_file(&path, &[bias, kernel], None);
    model.load_weights(&path).unwrap();
    assert!(
        model
            .weight("dense.kernel")
            .unwrap()
            .iter()
            .all(|&w| w == 0.0)
    );
    assert_says(
        Sequential::load(&path),
        &["no architecture", "load_weights"],
    );
}

#[test]
fn plans_in_files_are_checked_before_anything_is_made_of_them() {
    let (_folder, path) = folder();
    let arrays = [
        ("dense.kernel", vec![3, 2], Dtype::F32),
        ("dense.bias", vec![2], Dtype::F32),
    ];
    let sound = serde_json::to_string(&Sequential::new([3]).dense(2, Activation::Softmax)).unwrap();
    write_file(&path, &arrays, Some(sound.clone()));
    Sequential::load(&path).unwrap();
    let spoilt = [
        sound.replace("\"units\":2", "\"units\":0"),
        sound.replace("\"units\":2", "\"units\":300000000"),
        sound.replace("\"units\":2", "\"units\":18446744073709551615"),
        sound.replace("\"units\":2", "\"units\":-1"),
        sound.replace("\"units\":2", "\"units\":3"),
        sound.replace("[3]", "[4294967296,4294967296]"),
        sound.replace("[3]", "[0]"),
        sound.replace("[3]", "[3,1]"),
        sound.replace("softmax", "sofmax"),
        sound.replace("\"l2\":0.0", "\"l2\":-1.0"),
        "{}".to_owned(),
        "[[[[".repeat(50_000),
        String::new(),
    ];
    for text in spoilt {
        assert_ne!(text, sound);
        write_file(&path, &arrays, Some(text.clone()));
        let error = Sequential::load(&path).err();
        let error = error
            .unwrap_or_else(|| panic!("{text} was read"))
            .to_string();
        assert!(error.contains("what to do: "), "{error}");
    }
}
